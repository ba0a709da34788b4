"""The benchmark's bare script makes the very calls that the handlers made: no more, no less."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from shared.entry import Handler
from tests.benchmarks.chain import Step, Tape
from tests.benchmarks.cpu import Pushes, record
from tests.benchmarks.network import Request, answered
from tests.benchmarks.replay import Bare
from tests.benchmarks.services import built, kept_for_good


@dataclass(frozen=True)
class Recorded:
    """Pushes, and the handlers that took them."""

    handlers: dict[str, Handler]
    pushes: Pushes

    def sent_by_handler(self, step: Step) -> list[Request]:
        tape = self._tape(step)
        with answered(tape.answer):
            self.handlers[step.service](step.event, None)
        return tape.requests

    def sent_by_bare_script(self, step: Step) -> list[Request]:
        tape = self._tape(step)
        with answered(tape.answer):
            Bare().script(step.calls)()
        return tape.requests

    def _tape(self, step: Step) -> Tape:
        tape = Tape(keeps=True)
        tape.insert(step, self.pushes.kept(step.service))
        return tape


@pytest.fixture(scope="module")
def recorded() -> Iterator[Recorded]:
    with kept_for_good(), built() as handlers:
        yield Recorded(dict(handlers), record(handlers))


def test_a_push_goes_through_every_handler_to_its_final_status(recorded: Recorded) -> None:
    took = [step.service for step in recorded.pushes.warm]
    last = recorded.sent_by_bare_script(recorded.pushes.warm[-1])

    assert set(took) == {"webhook", "parser", "submitter", "monitor", "notifier"}
    assert took.count("monitor") == 2
    assert json.loads(next(r.body for r in last if r.bitbucket))["state"] == "SUCCESSFUL"


def test_the_bare_script_sends_what_was_recorded(recorded: Recorded) -> None:
    for step in recorded.pushes.warm:
        sent = recorded.sent_by_bare_script(step)

        assert len(sent) == len(step.calls), step.name
        assert _operations(sent) == sorted(
            name for name, answers in step.answers.items() for _ in answers
        )


def test_the_bare_script_sends_what_the_handler_sends(recorded: Recorded) -> None:
    for step in recorded.pushes.warm:
        handler, bare = recorded.sent_by_handler(step), recorded.sent_by_bare_script(step)

        assert [one.operation for one in bare] == [one.operation for one in handler], step.name
        assert [_timeless(one) for one in bare] == [_timeless(one) for one in handler]


def test_what_is_kept_for_a_minute_is_asked_for_by_the_first_push_alone(recorded: Recorded) -> None:
    first = {call.operation for step in recorded.pushes.first for call in step.calls}
    later = {call.operation for step in recorded.pushes.warm for call in step.calls}

    assert first - later == {"GetSecretValue", "DescribeJobDefinitions"}


def _operations(requests: list[Request]) -> list[str]:
    return sorted(request.operation for request in requests)


def _timeless(request: Request) -> object:
    """A request's content without its times and its lease, which are those of its making."""
    timeless = re.sub(rb"\d{4}-\d\d-\d\dT[\d:.]+Z", b"T", request.body)
    return json.loads(re.sub(rb'"[0-9a-f]{16}"', b'"L"', timeless))
