"""Sends webhook deliveries in the background, as Bitbucket does: signed, and again on trouble."""

import hashlib
import hmac
import logging
import queue
import threading
import time
from datetime import datetime
from email.utils import format_datetime

import urllib3

from local.bitbucket import deliveries, hooks
from local.bitbucket.answers import Refused
from local.bitbucket.database import Database
from local.bitbucket.deliveries import Delivery, Outcome
from local.bitbucket.hooks import Hook
from local.bitbucket.times import now

log = logging.getLogger(__name__)

ANSWER_WITHIN = (
    10.0  # seconds; https://support.atlassian.com/bitbucket-cloud/docs/troubleshoot-webhooks/
)
PAUSE = 1.0  # seconds before the next attempt; Bitbucket does not publish its own
SENDERS = 8


class Sender:
    """Makes the deliveries handed to `send`; those still pending at the end wait for a restart."""

    def __init__(
        self, database: Database, *, answer_within: float = ANSWER_WITHIN, pause: float = PAUSE
    ) -> None:
        self._database = database
        self._answer_within = answer_within
        self._pause = pause
        self._http = urllib3.PoolManager(maxsize=SENDERS, retries=False)
        self._waiting: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        # Daemons: an answer that does not come must not hold up the end of the process.
        self._threads = [
            threading.Thread(target=self._work, name=f"sender-{number}", daemon=True)
            for number in range(SENDERS)
        ]

    def start(self) -> None:
        """Begin, with what an earlier process left behind."""
        for delivery in deliveries.pending(self._database):
            self._waiting.put(delivery)
        for thread in self._threads:
            thread.start()

    def send(self, delivery: Delivery) -> None:
        """Make a stored delivery, soon."""
        if delivery.state == deliveries.PENDING:
            self._waiting.put(delivery)
        else:
            log.warning("webhook %s %s: %s", delivery.repository, delivery.hook, delivery.error)

    def stop(self) -> None:
        """Begin no other delivery, and give those that are being made a moment to end."""
        self._stopped.set()
        for _ in self._threads:
            self._waiting.put(None)
        until = time.monotonic() + 0.5
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self._http.clear()

    def _work(self) -> None:
        while (delivery := self._waiting.get()) is not None and not self._stopped.is_set():
            try:
                self._deliver(delivery)
            except Exception:
                # One delivery's bug must not end the others; it stays pending, in plain sight.
                log.exception("delivering webhook %d", delivery.id)

    def _deliver(self, delivery: Delivery) -> None:
        attempt: Delivery | None = delivery
        while attempt is not None and not self._stopped.is_set():
            try:
                hook = hooks.find(self._database, attempt.repository, attempt.hook)
            except Refused:
                deliveries.abandon(self._database, attempt, "not sent: the webhook was deleted")
                return
            outcome = self._attempt(hook, attempt)
            log.info(
                "webhook %s attempt %d to %s: %s in %d ms",
                attempt.repository,
                attempt.attempt,
                hook.uuid,
                outcome.status or outcome.error,
                outcome.duration_ms,
            )
            attempt = deliveries.settle(self._database, attempt, outcome)
            if attempt is not None:
                self._stopped.wait(self._pause)

    def _attempt(self, hook: Hook, delivery: Delivery) -> Outcome:
        sent_on, began = now(), time.monotonic()
        status, error = None, None
        try:
            answer = self._http.request(
                "POST",
                hook.url,
                body=delivery.body,
                headers=headers(hook, delivery),
                timeout=urllib3.Timeout(total=self._answer_within),
                redirect=False,
                preload_content=False,
            )
            status = answer.status
            answer.close()
        except urllib3.exceptions.NewConnectionError:  # a TimeoutError too, to urllib3
            error = "no answer: the connection was refused"
        except urllib3.exceptions.TimeoutError:
            error = f"no answer within {self._answer_within:g} s"
        except urllib3.exceptions.HTTPError as trouble:
            error = f"no answer: {type(trouble).__name__}"
        return Outcome(
            time=sent_on,
            duration_ms=round((time.monotonic() - began) * 1000),
            status=status,
            error=error,
        )


def headers(hook: Hook, delivery: Delivery) -> dict[str, str]:
    """A delivery's headers; the signature is there only if the webhook has a secret."""
    event_time = datetime.fromisoformat(delivery.event_time)
    told = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Bitbucket-Webhooks/2.0",
        "X-Event-Key": delivery.event,
        "X-Event-Time": format_datetime(event_time, usegmt=True),
        "X-Hook-UUID": hook.uuid,
        "X-Request-UUID": delivery.request_uuid,
        "X-Attempt-Number": str(delivery.attempt),
    }
    if hook.secret is not None:
        digest = hmac.new(hook.secret.encode(), delivery.body, hashlib.sha256).hexdigest()
        told["X-Hub-Signature"] = f"sha256={digest}"
    return told
