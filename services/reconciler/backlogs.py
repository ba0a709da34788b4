"""Which queues are being read: one that is not gets no further copies of what it holds already.

A run that does not move is asked after every five minutes, and while nobody reads the answers it
does not move. Each copy would become an event, a call of Bitbucket's and perhaps a mail in the end:
after eight hours, 100 jobs that ended would cost 9,600 of Bitbucket's 1,000 calls an hour.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.aws import calling
from shared.events import Event
from shared.telemetry import log

# More than this is a flood, which holds up the younger ones, or a queue that nobody reads. What is
# left out of a tick is found out again by a later one.
MOST_WAITING = 100
_COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


class Backlogs:
    """The queues that events go to, by the class of event, and how much waits in each."""

    def __init__(self, sqs: Any, queues: Mapping[type[Event], str]) -> None:
        self._sqs = sqs
        self._queues = queues

    def with_room(self, events: Iterable[Event]) -> list[Event]:
        """Those of `events` whose queue holds few enough messages to take more.

        Raises:
            Unavailable: SQS did not say how many there are.

        """
        wanted: dict[str, list[Event]] = {}
        for event in events:
            wanted.setdefault(self._queues[type(event)], []).append(event)
        taken: list[Event] = []
        for url, some in wanted.items():
            waiting = self._waiting(url)
            if waiting > MOST_WAITING:
                name = url.rpartition("/")[2]
                log.warning("queue not read", queue=name, waiting=waiting, left_out=len(some))
            else:
                taken += some
        return taken

    def _waiting(self, url: str) -> int:
        """Messages that wait, those that a function has at the moment or gave back among them."""
        with calling("counting a queue's messages"):
            answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=_COUNTS)
        return sum(int(answer["Attributes"][name]) for name in _COUNTS)
