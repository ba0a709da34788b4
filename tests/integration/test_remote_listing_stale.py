"""`cloud-runner remote terminate --stale` on moto's EC2 and tables."""

import json
import re
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from cli.endings import MAYBE_RUNNING
from cli.remote.commands import remote
from shared import machine_tags
from tests.integration.own_machines import OwnMachines, ago, own_machines
from tests.integration.runs_account import RunsAccount, Typed, empty


def late() -> dict[str, str]:
    """The tags of a machine that should have ended an hour ago."""
    return {machine_tags.ENDS: machine_tags.ends(ago(hours=1))}


@pytest.fixture
def machines(anybodys: RunsAccount) -> Iterator[OwnMachines]:
    with empty(anybodys) as stack, own_machines(stack) as machines:
        yield machines


def typed(*words: str, answers: str = "", code: int = 0) -> Typed:
    result = CliRunner(mix_stderr=False).invoke(
        remote, ["terminate", "--stale", *words], input=answers, catch_exceptions=False
    )

    assert result.exit_code == code, result.stdout + result.stderr
    return Typed(result.stdout, result.stderr)


def test_what_should_have_ended_is_ended_as_it_was_to_and_nothing_else(
    machines: OwnMachines,
) -> None:
    over = machines.runs.keep("over", state="failed", stopped_at=ago(minutes=20))
    going = machines.runs.keep("going", state="running")
    ids = [
        machines.start("late", tags=late()),
        machines.start("kept", tags={**late(), machine_tags.AFTERWARDS: "keep"}),
        machines.start(
            "over", tags={machine_tags.RUN: over.run_id, machine_tags.AFTERWARDS: "stop"}
        ),
        machines.start("idle", tags={machine_tags.IDLE_MINUTES: "30"}),
        machines.start("going", tags={machine_tags.RUN: going.run_id}),
        machines.start("others", tags={**late(), machine_tags.STACK: "acme-testing"}),
    ]
    said = typed("--yes").stdout

    assert machines.states(ids) == [
        "terminated",
        "stopped",
        "stopped",
        "terminated",
        "running",
        "running",
    ]
    assert f"{ids[0]} (late)  terminated: it should have ended 1 h ago" in said
    assert re.search(rf"{ids[2]} \(over\)  stopped: its run ended 2\d min ago", said)
    assert "going" not in said


def test_somebody_sees_what_is_to_be_ended_before_it_is(machines: OwnMachines) -> None:
    instance_id = machines.start("late", tags=late())
    said = typed(answers="n\n", code=1).stderr
    before = machines.state(instance_id)
    typed(answers="y\n")

    assert f"{instance_id} (late)  m7i.large on-demand  it should have ended 1 h ago" in said
    assert "end this machine?" in said
    assert before == "running"
    assert machines.state(instance_id) == "terminated"


def test_nothing_stale_is_no_question(machines: OwnMachines) -> None:
    machines.start("young")

    assert "no machine of acme-development in eu-west-1 is stale" in typed().stderr


def test_a_machine_that_cannot_be_stopped_is_terminated_and_said_so(machines: OwnMachines) -> None:
    tags = {**late(), machine_tags.AFTERWARDS: "stop"}
    instance_id = machines.start("spot", spot=True, tags=tags)
    said = typed(answers="y\n").stderr

    assert "-> terminate, since it is a spot machine of a one-time request" in said
    assert machines.state(instance_id) == "terminated"


def test_a_machine_that_may_still_run_is_named_and_the_others_are_ended(
    machines: OwnMachines,
) -> None:
    stubborn = machines.start("stubborn", tags=late())
    stopped = machines.start("stopped", tags={**late(), machine_tags.AFTERWARDS: "stop"})
    machines.ec2.refused = {"terminate_instances"}
    said = typed("--yes", code=MAYBE_RUNNING)
    told = json.loads(typed("--yes", "--json", code=MAYBE_RUNNING).stdout)

    assert f"{stubborn} (stubborn) in eu-west-1 may still be running" in said.stderr
    assert machines.state(stopped) == "stopped"
    assert [(one["instance_id"], one["state"]) for one in told] == [(stubborn, None)]


def test_programs_get_what_became_of_each(machines: OwnMachines) -> None:
    instance_id = machines.start("late", tags=late())
    (told,) = json.loads(typed("--yes", "--json").stdout)
    none = json.loads(typed("--yes", "--json").stdout)

    assert told == {
        "instance_id": instance_id,
        "name": "late",
        "why": "it should have ended 1 h ago",
        "how": "terminate",
        "state": "terminated",
    }
    assert none == []


def test_what_got_work_while_somebody_thought_goes_on(
    machines: OwnMachines, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = machines.start("idle", tags={machine_tags.IDLE_MINUTES: "30"})
    run = machines.runs.keep("new", state="running")

    def think(*_: object, **__: object) -> None:
        tags = [{"Key": machine_tags.RUN, "Value": run.run_id}]
        machines.ec2.moto.create_tags(Resources=[idle], Tags=tags)

    monkeypatch.setattr("click.confirm", think)
    typed()

    assert machines.state(idle) == "running"
