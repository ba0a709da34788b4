"""`cloud-runner remote` with machines that are there, on moto's EC2: its own, and others'."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.endings import NotSuccessful
from cli.remote.beginning import NotBegun
from cli.remote.reach import Unanswered
from shared.events import Machine
from tests.integration.remote_engine_world import (
    INTERRUPTED,
    World,
    error,
)
from tests.samples import minutes

Experiment = Callable[[BaseException | None, bool], None]


@pytest.fixture
def experiment(monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """Let experiments end by an error, or well, after they have begun or before."""

    def ends(by: BaseException | None, begins: bool) -> None:
        def run(*_: Any, on_begun: Any, **__: Any) -> None:
            if begins:
                on_begun(a_machines_run)
            if by is not None:
                raise by

        monkeypatch.setattr("cli.remote.steps.run_experiment", run)

    a_machines_run = type("Run", (), {"run_id": "7" * 24})()
    return ends


def test_a_machine_is_tagged(world: World) -> None:
    machine = world.given()
    world.type("tag", "--instance", machine, "--tags", "Project=churn,Stage=try")

    assert world.tags() == {"Project": "churn", "Stage": "try"}


def test_a_machine_that_is_not_there_is_said_to_be_not(world: World) -> None:
    said = world.type("stop", "--instance", "gpu-study", code=1)

    assert "there is no machine gpu-study in eu-west-1" in said.stderr


def test_a_name_that_two_machines_have_is_not_enough(world: World) -> None:
    for machine in (world.given(), world.given()):
        world.type("tag", "--instance", machine, "--tags", "Name=twin")
    said = world.type("stop", "--instance", "twin", code=1)

    assert "several machines are called twin: which one? i-" in said.stderr


def test_a_machine_is_stopped_and_started_with_its_watchdog(world: World) -> None:
    machine = world.given()
    world.type("stop", "--instance", machine)
    stopped = world.states()
    said = world.type("start", "--instance", machine, "--max-hours", "6")

    assert (stopped, world.states()) == (["stopped"], ["running"])
    assert world.agent.terms["max_seconds"] == 6 * 3600
    assert world.agent.terms["afterwards"] == "stop"
    assert "it stops itself at" in said.stderr


def test_a_machine_that_is_started_is_known_for_ours_before_it_runs(world: World) -> None:
    machine = world.given(stopped=True)
    world.ec2.refuses["start_instances"] = error("InsufficientInstanceCapacity", status=500)
    said = world.type("start", "--instance", machine, code=1)

    tags = world.tags()
    assert "AWS has none of this type to give there now" in said.stderr
    assert (tags["cloud-runner"], tags["cloud-runner-machine"]) == ("acme-development", "given")
    ends = datetime.fromisoformat(tags["cloud-runner-ends"])
    assert ends - datetime.now(UTC) > timedelta(hours=23)
    assert world.states() == ["stopped"]


def test_a_machine_that_was_started_for_nothing_is_stopped_again(world: World) -> None:
    machine = world.given(stopped=True)
    world.agent.refuses_to_set_up = True
    said = world.type("start", "setup", "--instance", machine, "--module", "train", code=1)

    assert world.states() == ["stopped"]
    assert f"stopping {machine}: setup did not succeed" in said.stderr
    assert said.stderr.count("docker is not installed") == 1


def test_shutting_down_means_what_is_wanted_before_anything_is_set_up(world: World) -> None:
    machine = world.given()
    world.type(
        *("setup", "--instance", machine, "--module", "train", "--afterwards", "terminate"),
    )

    assert world.shutdown() == "terminate"
    assert world.agent.terms["afterwards"] == "terminate"
    assert world.agent.prepared


def test_nothing_begins_where_shutting_down_would_mean_something_else(world: World) -> None:
    def stop(_answer: Any) -> Any:
        return {"InstanceInitiatedShutdownBehavior": {"Value": "stop"}}

    machine = world.given()
    world.ec2.answers["describe_instance_attribute"] = stop
    said = world.type(
        *("setup", "--instance", machine, "--module", "train", "--afterwards", "terminate"), code=4
    )

    assert "EC2 says that it is otherwise still" in said.stderr
    assert world.agent.prepared == []


def test_a_spot_machine_cannot_be_stopped_which_is_said_before(world: World) -> None:
    machine = world.given(InstanceMarketOptions={"MarketType": "spot"})
    said = world.type("setup", "--instance", machine, "--module", "train", code=1)

    assert "cannot be stopped: it is a spot machine of a one-time request" in said.stderr
    assert "--afterwards terminate, or keep" in said.stderr
    assert world.agent.terms == {}


def _persistent(world: World) -> str:
    """A spot machine of somebody else's, with a request that would be filled again."""
    machine = world.given(InstanceMarketOptions={"MarketType": "spot"})

    def requested(answer: Any) -> Any:
        for reservation in answer["Reservations"]:
            for one in reservation["Instances"]:
                one["SpotInstanceRequestId"] = "sir-0123"
        return answer

    world.ec2.answers["describe_instances"] = requested
    world.ec2.answers["describe_spot_instance_requests"] = lambda _: {
        "SpotInstanceRequests": [{"SpotInstanceRequestId": "sir-0123", "Type": "persistent"}]
    }
    return machine


def test_a_machine_that_would_be_replaced_is_not_let_terminate_itself(world: World) -> None:
    machine = _persistent(world)
    said = world.type(
        *("setup", "--instance", machine, "--module", "train", "--afterwards", "terminate"), code=1
    )

    assert "has a persistent spot request, which would start another one" in said.stderr
    assert world.agent.terms == {}


def test_a_machine_of_a_persistent_request_can_be_stopped(world: World) -> None:
    machine = _persistent(world)
    world.type("setup", "--instance", machine, "--module", "train")

    assert world.agent.terms["afterwards"] == "stop"


def test_to_terminate_a_machine_cancels_the_request_that_would_replace_it(world: World) -> None:
    world.type("terminate", "--instance", _persistent(world), "--yes")

    assert world.ec2.cancelled() == [{"SpotInstanceRequestIds": ["sir-0123"]}]
    assert world.states() == ["terminated"]


def test_a_machine_that_we_made_ends_as_it_was_told_then(world: World) -> None:
    made = world.create().stdout.strip()
    world.type("setup", "--instance", made, "--module", "train")

    assert world.agent.terms["afterwards"] == "terminate"
    assert world.tags()["cloud-runner-machine"] == "created"


def test_a_machine_of_an_auto_scaling_group_is_not_taken(world: World) -> None:
    machine = world.given()

    def grouped(answer: Any) -> Any:
        for reservation in answer["Reservations"]:
            for one in reservation["Instances"]:
                one["Tags"] = [{"Key": "aws:autoscaling:groupName", "Value": "web"}]
        return answer

    world.ec2.answers["describe_instances"] = grouped
    said = world.type("setup", "--instance", machine, "--module", "train", code=1)

    assert "belongs to the Auto Scaling group web" in said.stderr


def test_a_machine_that_is_stopped_has_to_be_started_first(world: World) -> None:
    machine = world.given(stopped=True)
    said = world.type("experiment", "--instance", machine, "--module", "train", code=1)

    assert "is stopped: put the action start first" in said.stderr


def test_a_busy_machine_is_left_alone(world: World) -> None:
    machine = world.given()
    world.agent.installed = world.agent.watched = True
    world.agent.busy = "4f2a9c"
    said = world.type("experiment", "--instance", machine, "--module", "train", code=1)

    assert "is busy with run 4f2a9c: wait for its end, or cloud-runner runs stop" in said.stderr
    assert world.agent.terms == {}
    assert world.states() == ["running"]


def _busy(world: World) -> str:
    """A machine of ours that somebody's experiment runs on, with 8 hours to live."""
    world.agent.terms = {"max_seconds": 8 * 3600}
    words = ("--market", "on-demand", "--afterwards", "stop", "--max-hours", "8")
    machine = world.create(*words, "--tags", "Project=churn").stdout.strip()
    world.agent.busy = "4f2a9c"
    return machine


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--max-hours", "1"),
        ("--max-hours", "48", "--afterwards", "terminate"),
        ("--max-hours", "48", "--idle-minutes", "5"),
        ("--max-hours", "48", "--tags", "Project=other"),
        ("setup", "--module", "train", "--max-hours", "48"),
    ],
    ids=["anew", "sooner", "afterwards", "idle", "tags", "setup"],
)
def test_nothing_changes_under_an_experiment_that_runs(
    world: World, words: tuple[str, ...]
) -> None:
    machine = _busy(world)
    before = world.tags(), world.shutdown(), world.agent.terms
    said = world.type("start", *words, "--instance", machine, code=1)

    assert (world.tags(), world.shutdown(), world.agent.terms) == before
    assert world.agent.prepared == []
    assert "is busy with run 4f2a9c: wait for its end, or cloud-runner runs stop" in said.stderr
    later = f"cloud-runner remote start --instance {machine} --max-hours HOURS --idle-minutes 30"
    assert f"a later end, and nothing else, can be set meanwhile: {later}" in said.stderr
    assert "runs as before; its watchdog ends it" in said.stderr


def test_a_machine_that_is_not_ours_gets_no_later_end_under_an_experiment(world: World) -> None:
    machine = world.given()
    world.agent.installed = world.agent.watched = True
    world.agent.busy = "4f2a9c"
    said = world.type("start", "--instance", machine, "--max-hours", "48", code=1)

    assert "Tags" not in world.machine()
    assert world.agent.terms == {}
    assert "is busy with run 4f2a9c: wait for its end" in said.stderr
    assert "a later end" not in said.stderr


def test_an_experiment_that_runs_can_be_given_more_time(world: World) -> None:
    machine = _busy(world)
    before, shutdown = world.tags(), world.shutdown()
    # What runs there has its program from that file.
    world.agent.raises["install"] = AssertionError("the agent was replaced")
    said = world.type("start", "--instance", machine, "--max-hours", "48")

    assert abs(_ends_in(world) - timedelta(hours=48)) < timedelta(minutes=1)
    ends = world.tags()["cloud-runner-ends"]
    assert world.tags() == {**before, "cloud-runner-ends": ends}
    assert world.shutdown() == shutdown
    assert (world.agent.terms["afterwards"], world.agent.terms["idle_seconds"]) == ("stop", 1800)
    assert "it stops itself at" in said.stderr


@pytest.mark.parametrize("words", [("start",), ("setup", "--module", "train")])
def test_a_watchdog_that_could_not_be_started_anew_may_live_no_more(
    world: World, words: tuple[str, ...]
) -> None:
    machine = world.given()
    world.agent.installed = world.agent.watched = world.agent.refuses_to_arm = True
    said = world.type(*words, "--instance", machine, code=4)

    assert f"the machine {machine} in eu-west-1 may still be running: " in said.stderr
    assert "there is no python3: it ran before, and nothing is known that" in said.stderr
    assert "its watchdog ends it" not in said.stderr


def test_a_machine_that_somebody_else_uses_is_not_ended_by_what_comes_next(world: World) -> None:
    machine = world.given()
    world.agent.installed = world.agent.watched = True
    world.agent.busy = "4f2a9c"
    world.type(
        *("experiment", "terminate", "--instance", machine, "--module", "train", "--yes"), code=1
    )

    assert world.states() == ["running"]


def test_an_answer_that_was_lost_keeps_an_experiment_that_may_run(
    world: World, experiment: Experiment
) -> None:
    experiment(Unanswered("no answer within 120 s"), False)
    world.create("experiment", "terminate", "--module", "train", code=4)

    assert world.states() == ["running"]


def test_a_given_machine_that_nothing_ends_is_named_by_the_exit_code(world: World) -> None:
    machine = world.given()
    world.agent.unreachable = "not known to Systems Manager"
    said = world.type("experiment", "--instance", machine, "--module", "train", code=4)

    assert f"the machine {machine} in eu-west-1 may still be running" in said.stderr
    assert "it ran before, and nothing is known that would end it" in said.stderr
    assert world.states() == ["running"]


def test_a_given_machine_with_a_watchdog_ends_itself(world: World) -> None:
    machine = world.given()
    world.agent.refuses_to_set_up = True
    said = world.type("setup", "--instance", machine, "--module", "train", code=1)

    assert "runs as before; its watchdog ends it" in said.stderr
    assert world.states() == ["running"]


def test_to_terminate_anothers_machine_is_asked_for(world: World) -> None:
    machine = world.given()
    world.type("terminate", "--instance", machine, answers="n\n", code=1)
    before = world.states()
    said = world.type("terminate", "--instance", machine, answers="y\n")

    assert (before, world.states()) == (["running"], ["terminated"])
    assert "was not made by this command" in said.stderr


@pytest.mark.parametrize(
    ("tags", "answers"),
    [
        ({"cloud-runner": "acme-development", "cloud-runner-machine": "given"}, "n\n"),
        ({"cloud-runner": "acme-development"}, "n\n"),
    ],
    ids=["offered", "of Batch"],
)
def test_to_terminate_what_remote_has_not_made_is_asked_for_whatever_its_tags(
    world: World, tags: dict[str, str], answers: str
) -> None:
    machine = world.tagged(world.given(), tags)
    said = world.type("terminate", "--instance", machine, answers=answers, code=1)

    assert world.states() == ["running"]
    assert "was not made by this command" in said.stderr


@pytest.mark.parametrize(
    ("stack", "says"),
    [
        ("acme-production", "acme-production, not to acme-development: --environment production"),
        ("other-staging", "--organization other --environment staging if it is meant"),
    ],
)
@pytest.mark.parametrize("words", [("terminate", "--yes"), ("setup", "--module", "train")])
def test_a_machine_of_another_environment_is_left_to_it(
    world: World, words: tuple[str, ...], stack: str, says: str
) -> None:
    tags = {"cloud-runner": stack, "cloud-runner-machine": "created"}
    machine = world.tagged(world.given(), tags)
    said = world.type(*words, "--instance", machine, code=1)

    assert says in said.stderr
    assert world.states() == ["running"]
    assert world.tags() == tags


@pytest.mark.parametrize("words", [("stop",), ("terminate", "--yes"), ("tag", "--tags", "a=b")])
def test_a_machine_can_be_ended_and_tagged_without_a_stack(
    world: World, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    machine = world.create("--market", "on-demand").stdout.strip()
    monkeypatch.setattr(world.account.here.stacks, "found", {})
    said = world.type(*words, "--instance", machine)

    assert "note: there is no stack acme-development-cloud-runner" in said.stderr
    assert f"{machine} " in said.stderr


def _ends_in(world: World) -> timedelta:
    left = datetime.fromisoformat(world.tags()["cloud-runner-ends"]) - datetime.now(UTC)
    assert abs(left - timedelta(seconds=world.agent.terms["max_seconds"])) < timedelta(minutes=1)
    return left


@pytest.mark.parametrize(
    ("words", "hours"), [((), 8), (("--max-hours", "3"), 3), (("--max-hours", "24"), 24)]
)
@pytest.mark.parametrize("action", ["start", "setup"])
def test_a_machine_that_runs_keeps_its_end_unless_another_is_said(
    world: World, action: str, words: tuple[str, ...], hours: float
) -> None:
    world.agent.terms["max_seconds"] = 8 * 3600
    machine = world.create("--max-hours", "8").stdout.strip()
    said = () if action == "start" else ("--module", "train")
    told = world.type(action, "--instance", machine, *said, *words).stderr

    assert abs(_ends_in(world) - timedelta(hours=hours)) < timedelta(minutes=1)
    assert ("as was said before: --max-hours" in told) == (action == "setup" and not words)


def test_a_machine_that_is_started_again_has_a_new_end(world: World) -> None:
    machine = world.create(*("--market", "on-demand", "--max-hours", "8")).stdout.strip()
    world.type("stop", "--instance", machine)
    world.type("start", "--instance", machine)

    assert abs(_ends_in(world) - timedelta(hours=24)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("operation", "words"),
    [("create_tags", ("setup", "--module", "train")), ("terminate_instances", ("terminate",))],
)
def test_a_machine_that_one_may_not_touch_can_be_offered_by_its_owner(
    world: World, operation: str, words: tuple[str, ...]
) -> None:
    machine = world.given()
    world.ec2.refuses[operation] = error("UnauthorizedOperation", status=403)
    yes = ("--yes",) if operation == "terminate_instances" else ()
    said = world.type(*words, "--instance", machine, *yes, code=4)

    assert "UnauthorizedOperation" in said.stderr
    assert "docs/remote.md says under 'A machine that you have'" in said.stderr


def test_to_end_a_machine_under_a_run_is_asked_for_and_noted(world: World) -> None:
    machine = world.create().stdout.strip()
    run = world.account.keep(
        "x",
        state="running",
        machine=Machine(instance_id=machine, ends_at=datetime.now(UTC) + minutes(60)),
    )
    world.ec2.create_tags(
        Resources=[machine], Tags=[{"Key": "cloud-runner-run", "Value": run.run_id}]
    )
    world.type("terminate", "--instance", machine, answers="n\n", code=1)
    before = world.states()
    world.type("terminate", "--instance", machine, answers="y\n")

    noted = world.account.store.get(run.run_id)
    assert (before, world.states()) == (["running"], ["terminated"])
    assert noted is not None
    assert noted.stop_asked is not None
    assert noted.stop_asked.why == "its machine was ended: cloud-runner remote terminate"


def test_what_has_ended_already_is_fine(world: World) -> None:
    machine = world.given()
    world.type("terminate", "--instance", machine, "--yes")
    said = world.type("terminate", "--instance", machine, "--yes")

    assert f"{machine} is terminated" in said.stderr


def test_a_machine_that_may_not_be_ended_may_run(world: World) -> None:
    machine = world.given()
    world.ec2.refuses["terminate_instances"] = error("OperationNotPermitted")
    said = world.type("terminate", "--instance", machine, "--yes", code=4)

    assert "OperationNotPermitted" in said.stderr
    assert f"the machine {machine} in eu-west-1 may still be running" in said.stderr


def test_a_machine_is_printed_for_programs(world: World) -> None:
    machine = world.given()
    said = world.type("stop", "--instance", machine, "--json")

    assert json.loads(said.stdout)["state"] == "stopped"


def test_an_experiment_that_did_not_begin_leaves_no_machine(
    world: World, experiment: Experiment
) -> None:
    experiment(NotBegun("run 4f2a has not begun: no docker"), False)
    said = world.create("setup", "experiment", "--module", "train", code=1)

    assert "run 4f2a has not begun: no docker" in said.stderr
    assert world.states() == ["terminated"]


def test_an_experiment_that_has_begun_keeps_its_machine(
    world: World, experiment: Experiment
) -> None:
    experiment(SystemExit(130), True)
    said = world.create("experiment", "--module", "train", code=130)

    assert world.states() == ["running"]
    assert "terminating" not in said.stderr


def test_an_experiment_of_which_nothing_is_known_keeps_its_machine_and_says_so(
    world: World, experiment: Experiment
) -> None:
    experiment(Unanswered("no answer within 120 s"), False)
    said = world.create("experiment", "--module", "train", code=4)

    assert "may still be running: no answer within 120 s: its watchdog ends it" in said.stderr


def test_ctrl_c_before_an_experiment_has_begun_leaves_no_machine(
    world: World, experiment: Experiment
) -> None:
    experiment(KeyboardInterrupt(), False)
    world.create("experiment", "--module", "train", code=INTERRUPTED)

    assert world.states() == ["terminated"]


def test_a_kept_machine_that_was_to_be_terminated_is_named_after_an_interruption(
    world: World, experiment: Experiment
) -> None:
    experiment(SystemExit(130), True)
    words = ("experiment", "terminate", "--module", "train", "--afterwards", "keep")
    said = world.create(*words, code=4)

    assert world.states() == ["running"]
    assert "may still be running: ended by a signal: terminate was not waited for" in said.stderr


def test_a_machine_is_terminated_after_an_experiment_that_failed_if_that_comes_next(
    world: World, experiment: Experiment
) -> None:
    experiment(NotSuccessful("run 4f2a failed"), True)
    world.create(*("experiment", "terminate", "--module", "train", "--afterwards", "keep"), code=3)

    assert world.states() == ["terminated"]


def test_a_bucket_that_is_not_there_is_known_before_a_machine_is_made(world: World) -> None:
    said = world.create("experiment", "--module", "train", "--bucket", "nobodys-bucket", code=1)

    assert "there is no bucket nobodys-bucket" in said.stderr
    assert world.machines() == []
