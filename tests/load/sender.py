"""An open-loop sender: each webhook is sent when it is due, whatever became of those before it.

An answer's time counts from the moment at which the webhook was due, so that a sender that is late
does not make the stack look fast. Nothing is sent again: Bitbucket would, three times in all.
"""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.benchmarks.timing import percentile
from tests.load.pushing import Webhook

# Bitbucket gives up after ten seconds (support.atlassian.com, "Manage webhooks").
BITBUCKET_WAITS = 10.0
# Longer than that, to learn how late an answer was.
_GIVE_UP_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What came of one webhook: `status` is None if there was no answer; times are in seconds."""

    status: int | None
    text: str
    took: float
    sent_late: float

    @property
    def in_time(self) -> bool:
        """Whether Bitbucket would have seen that it was taken."""
        return self.status == 202 and self.took <= BITBUCKET_WAITS


@dataclass(frozen=True)
class Sent:
    """The answers to webhooks, in their order; `began` (`time.monotonic`) the first was due."""

    answers: tuple[Answer, ...]
    began: float

    @property
    def statuses(self) -> dict[str, int]:
        """How many answers there were of each status."""
        return dict(Counter(str(one.status) for one in self.answers))

    @property
    def late(self) -> int:
        """How many were not answered 202 within Bitbucket's ten seconds."""
        return sum(not one.in_time for one in self.answers)

    def took(self, percent: float) -> float:
        """Seconds within which so many percent were answered."""
        return percentile([one.took for one in self.answers], percent)

    def figures(self) -> dict[str, object]:
        """What a report says of them."""
        return {
            "sent": len(self.answers),
            "statuses": self.statuses,
            "not_in_time": self.late,
            "p50_seconds": round(self.took(50), 4),
            "p99_seconds": round(self.took(99), 4),
            "max_seconds": round(self.took(100), 4),
            "sender_latest_seconds": round(max(one.sent_late for one in self.answers), 4),
        }


@dataclass
class Sender:
    """Sends webhooks to `url`, each on a connection and in a thread of its own."""

    url: str
    _answers: dict[int, Answer] = field(default_factory=dict)

    def send(self, webhooks: Iterable[Webhook], rate: float) -> Sent:
        """Send `rate` a second until there are no more; wait until each is answered or given up."""
        self._answers = {}
        threads = []
        start = time.monotonic() + 0.1
        for place, webhook in enumerate(webhooks):
            due = start + place / rate
            time.sleep(max(0.0, due - time.monotonic()))
            one = threading.Thread(target=self._one, args=(place, webhook, due), daemon=True)
            one.start()
            threads.append(one)
        for thread in threads:
            thread.join()
        ordered = tuple(self._answers[place] for place in range(len(threads)))
        return Sent(ordered, start)

    def _one(self, place: int, webhook: Webhook, due: float) -> None:
        late = time.monotonic() - due
        status, text = self._said(webhook)
        self._answers[place] = Answer(status, text, time.monotonic() - due, late)

    def _said(self, webhook: Webhook) -> tuple[int | None, str]:
        where = urlsplit(self.url)
        connection = http.client.HTTPConnection(where.netloc, timeout=_GIVE_UP_SECONDS)
        try:
            connection.request("POST", where.path, webhook.body, webhook.headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return None, type(error).__name__
        finally:
            connection.close()
        return answer.status, text
