"""The action `experiment`: what is written and said, whatever becomes of order, run and machine."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cli.asking import AccountError
from cli.endings import MachineMayRun, NotSuccessful
from cli.remote.agent_calls import AgentRefused
from cli.remote.beginning import NotBegun
from cli.remote.overseeing import Overdue, RecordSilent
from cli.remote.reach import Unanswered, Unreachable
from shared import machine_tags
from shared.errors import Unavailable
from tests.fakes import refusal
from tests.integration.remote_experiment_world import (
    WANTED,
    World,
    listener,
    one_machine,
    remote_account,
)
from tests.integration.runs_account import RunsAccount
from tests.samples import minutes


@pytest.fixture(scope="module")
def account() -> Iterator[RunsAccount]:
    with remote_account() as account:
        yield account


@pytest.fixture
def world(account: RunsAccount, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with one_machine(account, monkeypatch) as world:
        yield world


def test_an_experiment_is_a_run_from_its_record_to_the_end_of_its_machine(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.here.meanwhile = world.goes_well()
    world.experiment()
    run, said = world.run, capsys.readouterr()

    assert run.state == "succeeded"
    assert run.machine is not None
    assert run.machine.instance_id == world.instance_id
    assert run.machine.archive == "s3://acme-data/remote/x.tar.gz"
    assert (run.asked.module, run.asked.arguments) == ("train", "--fast")
    assert world.machine.state == "terminated"
    assert world.machine.tags[machine_tags.RUN] == run.run_id
    assert [one.run_id for one in world.begun] == [run.run_id]
    assert f"submitted on {world.instance_id} (t3.micro)" in said.out
    assert f"to end it: cloud-runner runs stop {run.run_id}" in said.err
    assert said.err.splitlines()[-1] == f"{world.instance_id} has ended"


def test_the_bus_hears_that_it_was_asked_for_and_that_it_has_begun(world: World) -> None:
    world.here.meanwhile = world.goes_well()
    world.experiment()
    states = [event.detail["state"] for event in world.heard()]

    assert states == ["requested", "submitted"]


def test_no_job_is_asked_for(world: World) -> None:
    world.here.meanwhile = world.goes_well()
    world.experiment()

    assert world.here.sent("runs") == []


def test_the_order_is_that_of_the_record(world: World) -> None:
    world.here.meanwhile = world.goes_well()
    world.experiment()
    (order,) = world.agent.orders

    assert order["run_id"] == world.run.run_id
    assert order["argv"] == ["python3", "-m", "train", "--fast"]
    assert order["log_stream"] == f"remote/{world.instance_id}/{world.run.run_id}"
    assert order["afterwards"] == "terminate"


def test_an_experiment_that_fails_ends_with_code_3_once_its_machine_has_ended(
    world: World,
) -> None:
    world.here.meanwhile = [
        lambda: world.report("failed", exit_code=1),
        *(lambda: None,) * 4,
        world.end_machine,
    ]

    with pytest.raises(NotSuccessful, match=r"failed.*exit code 1") as raised:
        world.experiment()

    assert raised.value.exit_code == 3
    assert world.machine.state == "terminated"


def test_a_machine_that_is_busy_begins_nothing(world: World) -> None:
    world.agent.busy = "another"

    with pytest.raises(NotBegun, match="busy with run another"):
        world.experiment()

    assert world.run.state == "failed"
    assert "busy with run another" in (world.run.reason or "")
    assert world.machine.tags[machine_tags.RUN] == "another"
    assert [event.detail["state"] for event in world.heard()] == ["requested", "failed"]
    assert world.begun == []


@pytest.mark.parametrize(
    "refused",
    [
        AgentRefused("begin on the machine: no watchdog lives"),
        Unreachable("it is gone: no watchdog lives"),
        AccountError("sending: no watchdog lives"),
    ],
)
def test_an_order_that_is_refused_ends_the_run_with_the_reason(
    world: World, refused: Exception
) -> None:
    world.agent.begins, world.agent.fails = False, refused

    with pytest.raises(NotBegun, match="no watchdog lives"):
        world.experiment()

    assert world.run.state == "failed"
    assert "no watchdog lives" in (world.run.reason or "")
    assert machine_tags.RUN not in world.machine.tags


def test_an_order_whose_answer_is_lost_has_begun_if_the_machine_is_busy_with_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.agent.fails = Unanswered("the answer is lost", 60)
    world.here.meanwhile = world.goes_well()
    world.experiment()

    assert len(world.agent.orders) == 1
    assert world.run.state == "succeeded"
    assert "the answer is lost: looking whether it has begun" in capsys.readouterr().err


def test_an_order_whose_answer_is_lost_has_begun_if_the_machine_has_reported(
    world: World,
) -> None:
    world.agent.fails, world.agent.silent = Unanswered("lost", 60), Unreachable("gone")
    world.here.meanwhile = [lambda: None, *world.goes_well()]
    world.experiment()

    assert world.run.state == "succeeded"


def test_an_order_that_can_have_no_effect_any_more_has_not_begun(world: World) -> None:
    world.agent.begins, world.agent.fails = False, Unanswered("lost", 60)

    world.tag("the run before")
    with pytest.raises(NotBegun, match="lost, and the machine has not begun"):
        world.experiment()

    assert world.seconds >= 60
    assert world.run.state == "failed"
    assert world.machine.tags[machine_tags.RUN] == "the run before"


def test_an_order_of_which_nothing_is_known_leaves_the_run_open(world: World) -> None:
    world.agent.fails, world.agent.silent = Unanswered("lost", 60), Unanswered("gone")

    with pytest.raises(Unanswered, match="not known whether the run has begun: cloud-runner runs"):
        world.experiment()

    assert world.run.state == "requested"
    assert world.begun == []
    assert world.machine.tags[machine_tags.RUN] == world.run.run_id


def test_the_tag_names_the_run_before_until_the_machine_has_begun(world: World) -> None:
    begin, named = world.agent.begin, []
    world.tag("the run before")

    def look(order: dict[str, Any]) -> Any:
        named.append(world.machine.tags[machine_tags.RUN])
        return begin(order)

    world.agent.begin = look  # type: ignore[method-assign]  # the model of a way, looked into
    world.experiment(replace(WANTED, detach=True))

    assert named == ["the run before"]
    assert world.machine.tags[machine_tags.RUN] == world.run.run_id
    assert world.run.after == "the run before"


def test_a_tag_that_cannot_be_written_does_not_stop_what_has_begun(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**_asked: object) -> None:
        raise refusal("UnauthorizedOperation", 403, "CreateTags")

    with monkeypatch.context() as patch:
        patch.setattr(world.client, "create_tags", refuse)
        world.experiment(replace(WANTED, detach=True))

    assert world.run.state == "submitted"
    assert "remote list does not know that run" in capsys.readouterr().err


def test_an_order_that_arrives_twice_begins_once(world: World) -> None:
    begin = world.agent.begin

    def twice(order: dict[str, Any]) -> Any:
        begin(order)
        return begin(order)

    world.agent.begin = twice  # type: ignore[method-assign]  # the model of a way that repeats
    world.here.meanwhile = world.goes_well()
    world.experiment()

    assert world.run.state == "succeeded"


def test_a_command_that_is_interrupted_before_the_order_leaves_a_run_that_has_failed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_asked: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.remote.beginning.order", interrupt)

    with pytest.raises(KeyboardInterrupt):
        world.experiment()

    assert world.run.state == "failed"
    assert "ended before its machine began" in (world.run.reason or "")
    assert world.agent.orders == []


def test_a_command_that_is_interrupted_with_the_order_leaves_the_run_open(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.agent.fails = KeyboardInterrupt()

    with pytest.raises(KeyboardInterrupt):
        world.experiment()

    assert world.run.state == "requested"
    assert world.machine.tags[machine_tags.RUN] == world.run.run_id
    assert "not known whether the run has begun" in capsys.readouterr().err


def test_a_record_that_cannot_be_written_does_not_stop_what_has_begun(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def away(*_args: object) -> None:
        message = "writing a run: away"
        raise Unavailable(message)

    with monkeypatch.context() as patch:
        patch.setattr("shared.run_store.RunStore.change", away)
        world.experiment(replace(WANTED, detach=True))

    assert "its machine will report for itself" in capsys.readouterr().err
    assert world.run.state == "requested"
    assert len(world.begun) == 1


def test_detached_it_returns_when_the_machine_has_begun(world: World) -> None:
    world.experiment(replace(WANTED, detach=True))

    assert world.run.state == "submitted"
    assert world.machine.state == "running"


def test_ctrl_c_ends_the_watch_alone(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    world.here.meanwhile = [lambda: world.report("running"), interrupt]

    with pytest.raises(SystemExit) as raised:
        world.experiment()

    assert raised.value.code == 130
    assert "the run goes on; to end it: cloud-runner runs stop" in capsys.readouterr().err
    assert world.run.state == "running"
    assert world.run.stop is None
    assert world.machine.state == "running"


def test_ctrl_c_while_the_machine_ends_names_the_command_that_tells_of_it(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.remote.overseeing.ending.confirm", interrupt)
    monkeypatch.setenv("CLOUD_RUNNER_ENVIRONMENT", "development")
    world.here.meanwhile = [lambda: world.report("succeeded", exit_code=0)]

    with pytest.raises(SystemExit):
        world.experiment()

    assert "ends itself; cloud-runner remote list -e development shows" in capsys.readouterr().err


def test_services_that_are_slow_are_waited_for_after_the_machines_end(world: World) -> None:
    world.here.meanwhile = [
        lambda: world.report("running"),
        world.end_machine,
        *(lambda: None,) * 200,
        lambda: world.report("succeeded", exit_code=0),
    ]
    world.experiment()

    assert world.run.state == "succeeded"


def test_a_record_that_never_tells_is_given_up_some_time_after_the_machines_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Half an hour is more pauses than a test may take.
    monkeypatch.setattr("cli.remote.overseeing._RECORD_SECONDS", 60)
    world.here.meanwhile = [world.end_machine]

    with pytest.raises(RecordSilent, match="has ended, but nothing says how run") as raised:
        world.experiment()

    assert raised.value.exit_code == 1


def test_a_machine_that_stays_after_its_work_is_ended_from_here(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.here.meanwhile = [lambda: world.report("succeeded", exit_code=0)]
    world.experiment()

    assert world.seconds > 900
    assert world.machine.state == "terminated"
    assert "it is ended from here" in capsys.readouterr().err


def test_a_machine_past_its_end_is_ended_though_its_run_goes_on(world: World) -> None:
    late = machine_tags.ends(datetime.now(UTC) - minutes(21))
    tags = [{"Key": machine_tags.ENDS, "Value": late}]
    world.here.meanwhile = [
        lambda: world.report("running"),
        lambda: world.client.create_tags(Resources=[world.instance_id], Tags=tags),
    ]

    with pytest.raises(Overdue):
        world.experiment()

    assert world.machine.state == "terminated"


def test_a_machine_that_does_not_end_is_told_by_exit_code_and_notification(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_asked: object) -> None:
        raise refusal("UnauthorizedOperation", 403, "TerminateInstances")

    world.here.meanwhile = [lambda: world.report("failed", exit_code=2)]
    with monkeypatch.context() as patch, listener() as (url, posted):
        patch.setattr(world.client, "terminate_instances", refuse)
        wanted = replace(WANTED, notify=url, name="first")
        with pytest.raises(MachineMayRun) as raised:
            world.experiment(wanted)
    (body,) = posted
    said = json.loads(body)

    assert raised.value.exit_code == 4
    assert world.instance_id in raised.value.message
    assert said["status"] == "not terminated"
    assert (said["instance"], said["name"]) == (world.instance_id, "first")
    assert (said["run_id"], said["exit_code"]) == (world.run.run_id, 2)
    assert "UnauthorizedOperation" in said["reason"]
    assert said["minutes"] >= 0


def test_a_machine_that_is_to_be_kept_is_left_running_and_that_is_said(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.here.meanwhile = [lambda: world.report("succeeded", exit_code=0)]
    world.experiment(replace(WANTED, afterwards="keep"))

    said = capsys.readouterr().err
    ends_at = world.machine.ends_at

    assert world.machine.state == "running"
    assert ends_at is not None
    assert said.splitlines()[-1] == (
        f"{world.instance_id} is kept until {ends_at:%Y-%m-%d %H:%M} UTC; to end it: "
        f"cloud-runner remote terminate --instance {world.instance_id}"
    )


def test_a_machine_that_was_to_be_kept_and_was_stopped_is_not_said_to_go_on(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop() -> None:
        world.report("failed", exit_code=143)
        world.client.stop_instances(InstanceIds=[world.instance_id])

    world.here.meanwhile = [stop]
    with pytest.raises(NotSuccessful):
        world.experiment(replace(WANTED, afterwards="keep"))

    assert capsys.readouterr().err.splitlines()[-1] == f"{world.instance_id} is stopped"


def test_a_machine_that_is_to_stop_has_ended_when_it_is_stopped(world: World) -> None:
    world.here.meanwhile = [
        lambda: world.report("succeeded", exit_code=0),
        *(lambda: None,) * 4,
        lambda: world.client.stop_instances(InstanceIds=[world.instance_id]),
    ]
    world.experiment(replace(WANTED, afterwards="stop"))

    assert world.machine.state == "stopped"


def test_a_watch_that_breaks_off_says_that_the_machine_may_still_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise refusal("ExpiredTokenException", 400, "GetItem")

    with monkeypatch.context() as patch:
        world.here.meanwhile = [
            lambda: world.report("running"),
            lambda: patch.setattr("shared.run_store.RunStore.get", refuse),
        ]
        with pytest.raises(MachineMayRun, match=r"watching its run.*aws sso login"):
            world.experiment()

    assert world.machine.state == "running"


def test_the_record_says_which_commit_of_which_clone_runs_in_which_image(world: World) -> None:
    world.agent.commit = "c0ffee"
    world.here.meanwhile = world.goes_well()
    git = "https://git.example.com/someone/tool.git"
    world.experiment(replace(WANTED, git=git, branch="v2", docker="python:3.12"))
    machine = world.run.machine

    assert machine is not None
    assert (machine.git, machine.branch, machine.commit) == (git, "v2", "c0ffee")
    assert machine.image == "python:3.12"
    assert (world.run.repository, world.run.commit) == (None, None)


def test_a_machine_that_does_not_tell_its_commit_runs_all_the_same(world: World) -> None:
    world.agent.silent = Unanswered("gone")
    world.experiment(replace(WANTED, git="https://git.example.com/a/b.git", detach=True))
    machine = world.run.machine

    assert world.run.state == "submitted"
    assert machine is not None
    assert (machine.git, machine.commit) == ("https://git.example.com/a/b.git", None)


def test_a_run_is_submitted_when_its_order_is_sent_not_when_it_is_answered(world: World) -> None:
    begin, heard = world.agent.begin, []

    def slow(order: dict[str, Any]) -> Any:
        heard.append(datetime.now(UTC))
        return begin(order)

    world.agent.begin = slow  # type: ignore[method-assign]  # the model of a slow answer
    world.experiment(replace(WANTED, detach=True))

    assert world.run.submitted_at is not None
    assert world.run.submitted_at <= heard[0]
