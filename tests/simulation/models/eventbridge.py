"""EventBridge: buses, rules of patterns, and queues as their targets.

Sources: Amazon EventBridge user guide, "How EventBridge retries delivering events" (at least once,
for a day: what PutEvents has accepted is late at worst), "Events from AWS services" (a service of
AWS sends some of its events on a best-effort basis), "Using dead-letter queues to process
undelivered events"; API reference, PutEvents (ten entries, together 256 KB; each may be refused
alone). A target that is away is tried 185 times in that day, so less than eight minutes apart, and
with jitter.
"""

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from local.batch.patterns import matches
from tests.samples import REGION
from tests.simulation.models.messages import Message
from tests.simulation.models.ports import Chooses, Later, Now, Unmodelled, refused

ACCOUNT = "123456789012"
DEFAULT_BUS = "default"
SENDER = "AIDAEVENTBRIDGE"
_MOST_ENTRIES = 10
_MOST_BYTES = 262_144
# From an event to its message; how far events overtake each other, and how late one may be.
_USUAL_SECONDS = 0.3
_OUT_OF_ORDER_SECONDS = 5.0
_LATE_SECONDS = 120.0
_BETWEEN_TRIES = 470.0


class TakesMessages(Protocol):
    """Queues, as EventBridge puts messages on them."""

    def put(self, url: str, body: str, sender: str) -> Message:
        """Put a message on a queue."""


@dataclass(frozen=True)
class _Rule:
    name: str
    bus: str
    pattern: dict[str, Any]
    url: str
    undelivered: str | None


class EventBridge:
    """EventBridge's client, and what AWS's services say on the default bus.

    `published` are the events that PutEvents has accepted, in their order: what a rule gets. `away`
    tells for how many seconds `events`, and `sqs`, are away: nothing is delivered before. Of what
    goes to a queue that is `refused` the rule's dead-letter queue gets each event, at once.
    """

    def __init__(self, now: Now, choices: Chooses, later: Later, queues: TakesMessages) -> None:
        self._now = now
        self._choices = choices
        self._later = later
        self._queues = queues
        self._rules: list[_Rule] = []
        self._numbers = itertools.count(1)
        self.published: list[dict[str, Any]] = []
        self.away: Callable[[str], float] = lambda _service: 0.0
        self.refused: set[str] = set()

    def rule(
        self,
        name: str,
        bus: str,
        pattern: Mapping[str, Any],
        url: str,
        undelivered: str | None = None,
    ) -> None:
        """Let events of `bus` that fit `pattern` go to `url`, or else to `undelivered`."""
        self._rules.append(_Rule(name, bus, dict(pattern), url, undelivered))

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - its name
        """Take up to ten events; the fault `partial` refuses some of them."""
        size = sum(len(text.encode()) for entry in Entries for text in entry.values())
        if not 1 <= len(Entries) <= _MOST_ENTRIES or size > _MOST_BYTES:
            raise refused("PutEvents", "ValidationException", "too many entries, or too large")
        results = [self._take(entry) for entry in Entries]
        failed = sum("ErrorCode" in result for result in results)
        return {"FailedEntryCount": failed, "Entries": results}

    def deliver_aws(self, event: Mapping[str, Any]) -> None:
        """Let a service of AWS say `event` (source, detail-type, detail) on the default bus.

        Faults: `event-lost`, `event-twice`, and `delayed` and `reordered`, by which events
        overtake each other. While EventBridge is away every other is lost.
        """
        kind = str(event["detail-type"])
        lost = self.away("events") > 0 and self._choices.among((True, False), f"{kind} is lost")
        if not lost and not self._choices.strikes("event-lost", kind):
            self._deliver(DEFAULT_BUS, self._whole(event))

    def _take(self, entry: dict[str, str]) -> dict[str, str]:
        kind = entry["DetailType"]
        try:
            detail = json.loads(entry["Detail"])
        except ValueError:
            detail = None
        if not isinstance(detail, dict):
            return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
        if self._choices.strikes("partial", kind):
            return {"ErrorCode": "InternalFailure", "ErrorMessage": "InternalFailure"}
        event = self._whole({"detail-type": kind, "source": entry["Source"], "detail": detail})
        self.published.append(event)
        self._deliver(entry.get("EventBusName", DEFAULT_BUS), event)
        return {"EventId": event["id"]}

    def _whole(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """An event with what EventBridge adds to it."""
        at = datetime.fromtimestamp(int(self._now()), UTC)
        return {
            "version": "0",
            "id": f"e{next(self._numbers)}",
            "account": ACCOUNT,
            "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "region": REGION,
            "resources": [],
            **event,
        }

    def _deliver(self, bus: str, event: dict[str, Any]) -> None:
        """Let every rule that the event fits put it on its queue, now as it is now."""
        for rule in self._rules:
            if rule.bus != bus:
                continue
            fits = matches(rule.pattern, event)
            if fits is None:
                message = f"what the rule {rule.name} says of {event['detail-type']}"
                raise Unmodelled(message)
            if fits:
                body = json.dumps(event, separators=(",", ":"))
                self._send(rule, body)
                if self._choices.strikes("event-twice", rule.name):
                    self._send(rule, body)

    def _send(self, rule: _Rule, body: str) -> None:
        seconds = _USUAL_SECONDS
        if self._choices.strikes("reordered", rule.name):
            seconds = self._choices.seconds(0, _OUT_OF_ORDER_SECONDS, rule.name)
        if self._choices.strikes("delayed", rule.name):
            seconds += self._choices.seconds(0, _LATE_SECONDS, rule.name)
        self._later(seconds, lambda: self._put(rule, body), rule.name)

    def _put(self, rule: _Rule, body: str) -> None:
        away = max(self.away("events"), self.away("sqs"))
        if away:
            away += self._choices.between(0, _BETWEEN_TRIES, rule.name)
            self._later(away, lambda: self._put(rule, body), rule.name)
        elif rule.url not in self.refused:
            self._queues.put(rule.url, body, SENDER)
        elif rule.undelivered is not None:
            letter = self._queues.put(rule.undelivered, body, SENDER)
            letter.attributes = _why(rule)


def _why(rule: _Rule) -> dict[str, dict[str, str]]:
    """What EventBridge says of an event that it may not deliver: message attributes."""
    told = {
        "RULE_ARN": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule.name}",
        "TARGET_ARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{rule.url.rpartition('/')[2]}",
        "ERROR_CODE": "NO_PERMISSIONS",
    }
    return {name: {"DataType": "String", "StringValue": text} for name, text in told.items()}
