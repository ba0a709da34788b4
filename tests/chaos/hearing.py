"""Somebody else on the bus: a queue of its own hears of every change of every record."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.events import Envelope, RunId, RunStateChanged, State
from shared.runs import OPEN_STATES
from tests.e2e.world import World

_NAME = "chaos-hears"
_FEW = 12


@dataclass(frozen=True)
class Heard:
    """The newest version of a record that the bus has told of."""

    version: int
    state: State


class Hearing:
    """What the bus has told, run by run, and how many events held one of `secrets`."""

    def __init__(self, world: World, secrets: Sequence[str]) -> None:
        self.newest: dict[RunId, Heard] = {}
        self.events = 0
        self.with_a_secret = 0
        self._sqs: Any = world.client("sqs")
        self._secrets = secrets
        self._url: str = self._sqs.create_queue(QueueName=_NAME)["QueueUrl"]
        told = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        arn = told["Attributes"]["QueueArn"]
        events, bus = world.client("events"), world.told["event_bus"]
        pattern = '{"detail-type": ["RunStateChanged"]}'
        events.put_rule(Name=_NAME, EventBusName=bus, EventPattern=pattern)
        events.put_targets(Rule=_NAME, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])

    def listen(self) -> None:
        """Take in what has been told since."""
        while True:
            answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
            messages = answer.get("Messages", ())
            if not messages:
                return
            for message in messages:
                self._take(message["Body"])
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])

    def changes(self) -> int:
        """How often a record has changed, as far as was heard."""
        return sum(heard.version for heard in tuple(self.newest.values()))

    def is_full(self) -> bool:
        """Whether more runs are open than a few."""
        states = self.states()
        return sum(states[state] for state in OPEN_STATES) > _FEW

    def states(self) -> Counter[State]:
        """How many runs were in which state when they were last heard of."""
        return Counter(heard.state for heard in tuple(self.newest.values()))

    def _take(self, body: str) -> None:
        self.events += 1
        self.with_a_secret += any(secret in body for secret in self._secrets)
        told = RunStateChanged.model_validate(Envelope.read(body).detail)
        known = self.newest.get(told.run_id)
        if known is None or known.version < told.version:
            self.newest[told.run_id] = Heard(told.version, told.state)
