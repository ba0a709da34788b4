"""What a stranger reads of a seed: who did what, with which message, and what each fault is."""

import json

import pytest

from shared.events import RunRequested, enclose
from tests.samples import RUN_ID
from tests.simulation import telling
from tests.simulation.__main__ import main
from tests.simulation.choices import Choices
from tests.simulation.kinds import KINDS
from tests.simulation.legend import LEGEND
from tests.simulation.models.messages import Message
from tests.simulation.printing import schedule
from tests.simulation.simulate import simulate


def test_each_kind_of_fault_has_a_line_in_the_legend() -> None:
    assert LEGEND.keys() == KINDS.keys()


def test_a_fault_that_nobody_has_listed_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="trottled"):
        Choices(1).strikes("trottled", "somebody")


def test_no_seed_at_all_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--seeds", "0"])

    assert ended.value.code == 2
    assert "at least one" in capsys.readouterr().err


def test_a_function_starts_with_the_messages_that_it_was_given() -> None:
    message = Message("m7", enclose(RunRequested(run_id=RUN_ID)), 0, 0, "somebody", receives=2)

    told = telling.given({"Records": [message.record("m7-1", "runs")]})

    assert told == f"m7 (received 2 times) RunRequested {RUN_ID[:8]} attempt 1"


def test_a_state_is_told_uncut() -> None:
    detail = {"run_id": RUN_ID, "state": "requested", "branch": "feature/x", "version": 1}
    entry = {"DetailType": "RunStateChanged", "Detail": json.dumps(detail)}

    told = telling.call("put_events", {"Entries": [entry]}, {"Entries": [{}]})

    assert told == f"put_events RunStateChanged {RUN_ID[:8]} feature/x requested version 1"


def test_a_schedule_has_a_head_says_who_pushes_and_explains_its_faults() -> None:
    lines = list(schedule(simulate(11, trace=True)))

    assert lines[0].split() == ["second", "who", "what"]
    assert any("somebody" in line and "pushes" in line for line in lines)
    assert any(line.endswith(f" {LEGEND['throttled']}") for line in lines)
