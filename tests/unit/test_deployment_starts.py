"""The embedded stack starts each function once, or as often as it may run at once."""

import io
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from local.aws import Endpoints
from local.cloudformation.rewriting import BATCHES_AT_ONCE
from local.deployment import Deployment
from local.gateway import Limits
from local.layout import StackError

WEBHOOK, PARSER, RECONCILER = "stack-webhook:live", "stack-parser", "stack-reconciler"
AT_ONCE = {WEBHOOK: Limits().calls, PARSER: BATCHES_AT_ONCE, RECONCILER: 1}
ONCE = dict.fromkeys(AT_ONCE, 1)
# For calls that come at once, unless the machine is busy.
_PATIENCE_SECONDS = 60
RESOURCES = {
    "WebhookFunction": ("AWS::Lambda::Function", "stack-webhook"),
    "WebhookFunctionAliaslive": ("AWS::Lambda::Alias", WEBHOOK),
    "ParserFunction": ("AWS::Lambda::Function", PARSER),
    "ParserFunctionPushes": ("AWS::Lambda::EventSourceMapping", "5e0e936e"),
    "ReconcilerFunction": ("AWS::Lambda::Function", RECONCILER),
}


@dataclass
class Emulator:
    """Answers a call of a function once as many of it are there as may run at once."""

    answer: dict[str, Any]
    at_once: dict[str, int]
    called: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._busy = {name: threading.Barrier(count) for name, count in self.at_once.items()}

    def client(self, service: str) -> "Emulator":
        """Itself: Lambda."""
        assert service == "lambda"
        return self

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's
        """Answer."""
        assert Payload
        self._busy[FunctionName].wait(timeout=_PATIENCE_SECONDS)
        self.called.append(FunctionName)
        return self.answer


def deployed(emulator: Emulator) -> Deployment:
    return Deployment(cast(Endpoints, emulator), RESOURCES, {})


def test_every_function_starts_once() -> None:
    emulator = Emulator({"StatusCode": 200}, ONCE)
    deployed(emulator).warm()

    assert Counter(emulator.called) == ONCE


def test_for_bursts_every_function_starts_as_often_as_it_may_run_at_once() -> None:
    emulator = Emulator({"StatusCode": 200}, AT_ONCE)
    deployed(emulator).warm(for_bursts=True)

    assert Counter(emulator.called) == AT_ONCE


def test_a_function_that_does_not_start_ends_the_stack_with_what_it_said() -> None:
    said = {"FunctionError": "Unhandled", "Payload": io.BytesIO(b"no module")}

    with pytest.raises(StackError, match="does not start"):
        deployed(Emulator(said, ONCE)).warm()
