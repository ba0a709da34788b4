"""`cloud-runner runs` about runs that have a machine of one's own instead of a Batch job."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.account import Account
from cli.local_account import LocalStack
from cli.runs.machines import again, left
from cli.runs.stack import RunsStack
from local.layout import StateDir
from shared.events import Asked
from shared.names import Names
from shared.runs import Run, Stop
from tests.integration.own_machines import OwnMachines, a_machine, own_machines
from tests.integration.runs_account import LOG_GROUP, RunsAccount
from tests.samples import NOW, REPOSITORY, a_run, minutes

TOOL = "https://git.example.com/someone/tool.git"
STREAM = "remote/i-0123456789abcdef0/777"
ARCHIVE = "s3://acme-data/remote/2026-11-20 12h09.tar.gz"
MODULE = Asked(module="churn.train", arguments="--epochs 3 'note=two words'")
ALONE: dict[str, Any] = {"repository": None, "branch": None, "commit": None, "asked": MODULE}


@pytest.fixture
def machines(stack: RunsAccount) -> Iterator[OwnMachines]:
    with own_machines(stack) as machines:
        yield machines


def keep(stack: RunsAccount, **changes: Any) -> Run:
    """The record of a run that runs on its machine."""
    running: dict[str, Any] = {
        "state": "running",
        "machine": a_machine(log_stream=STREAM),
        "submitted_at": NOW + minutes(1),
        "started_at": NOW + minutes(2),
        **ALONE,
    }
    return stack.keep("one", **running | changes)


def over(stack: RunsAccount, **changes: Any) -> Run:
    """The record of one that has ended and stored its archive."""
    machine = a_machine(log_stream=STREAM, archive=ARCHIVE)
    ended: dict[str, Any] = {"state": "succeeded", "machine": machine, "exit_code": 0}
    return keep(stack, **ended | {"stopped_at": NOW + minutes(9)} | changes)


def test_a_run_on_a_machine_is_listed_by_its_module(stack: RunsAccount) -> None:
    run = keep(stack)
    (line,) = stack.type("list").stdout.splitlines()[1:]

    assert line.startswith(f"{run.run_id[:12]}  running")
    assert "python -m churn.train --epochs 3" in line


def test_a_run_that_has_no_repository_is_told_apart_by_what_it_does(stack: RunsAccount) -> None:
    run = keep(stack)
    said = stack.type("stop", run.run_id, answers="n\n", code=1).stderr

    assert f"{run.run_id}  running  2026-11-20 12:00  python -m churn.train" in said


def test_a_run_is_shown_with_its_machine_and_where_its_archive_is(stack: RunsAccount) -> None:
    shown = stack.type("show", over(stack).run_id)

    assert "machine     i-0123456789abcdef0, g5.xlarge, spot\n" in shown.stdout
    assert "terminated; ended at 2026-11-21 12:00:00Z at the latest" in shown.stdout
    assert f"log stream  {STREAM}\n" in shown.stdout
    assert f"archive     {ARCHIVE}\n" in shown.stdout
    assert "job" not in shown.stdout
    assert "runs rerun" not in shown.stderr
    assert "cloud-runner remote create setup experiment --launchspec FILE" in shown.stderr
    assert "the record does not keep --results-path" in shown.stderr


def test_a_run_of_another_host_is_shown_with_its_clone_and_its_container(
    stack: RunsAccount,
) -> None:
    machine = a_machine(git=TOOL, branch="v2", commit="c0ffee", image="python:3.12")
    shown = stack.type("show", over(stack, machine=machine).run_id)

    assert f"clone       {TOOL}, branch v2, commit c0ffee\n" in shown.stdout
    assert "container   python:3.12\n" in shown.stdout


def test_a_kept_machine_that_was_stopped_with_its_run_is_not_said_to_go_on(
    stack: RunsAccount,
) -> None:
    machine = a_machine(afterwards="keep")
    stop = Stop(by="Someone", why="too slow", attempt=1, at=NOW)
    run_id = over(stack, machine=machine).run_id
    goes_on = stack.type("show", run_id).stdout
    stack.move(run_id, state="stopped", stop=stop)

    assert "kept running; ended at" in goes_on
    assert "stopped with its run; ended at" in stack.type("show", run_id).stdout


def test_programs_get_the_machine_too(stack: RunsAccount) -> None:
    told = json.loads(stack.type("show", over(stack).run_id, "--json").stdout)

    assert told["machine"] == {
        "instance_id": "i-0123456789abcdef0",
        "instance_type": "g5.xlarge",
        "market": "spot",
        "afterwards": "terminate",
        "ends_at": "2026-11-21T12:00:00.000Z",
        "log_stream": STREAM,
        "archive": ARCHIVE,
    }


def test_its_log_is_followed_in_the_group_of_jobs(stack: RunsAccount) -> None:
    run_id = keep(stack, machine=a_machine()).run_id
    stack.meanwhile = [
        lambda: stack.move(run_id, machine=a_machine(log_stream=STREAM)),
        lambda: stack.say("epoch 1", stream=STREAM),
        lambda: stack.say("epoch 2", stream=STREAM),
        lambda: stack.move(run_id, state="succeeded", stopped_at=NOW + minutes(9)),
    ]

    assert stack.type("logs", run_id, "-f").stdout.splitlines() == ["epoch 1", "epoch 2"]


def test_it_is_watched_from_its_request_to_its_archive(stack: RunsAccount) -> None:
    begun = a_machine(log_stream=STREAM)
    run_id = keep(stack, state="requested", submitted_at=None, started_at=None).run_id
    stack.meanwhile = [
        lambda: stack.move(run_id, state="submitted", machine=begun, submitted_at=NOW + minutes(1)),
        lambda: stack.move(run_id, state="running", started_at=NOW + minutes(2)),
        lambda: stack.say("epoch 1", stream=STREAM),
        lambda: stack.move(
            run_id,
            state="failed",
            reason="exit code 1",
            machine=begun.model_copy(update={"archive": ARCHIVE}),
            stopped_at=NOW + minutes(9),
        ),
    ]
    said = stack.type("watch", run_id, code=3)

    assert said.stdout.splitlines() == [
        "2026-11-20 12:00:00Z  requested by Someone",
        "2026-11-20 12:01:00Z  submitted on i-0123456789abcdef0 (g5.xlarge)",
        "2026-11-20 12:02:00Z  running",
        "  | epoch 1",
        "2026-11-20 12:09:00Z  failed after 7 min: exit code 1",
    ]
    assert f"log and results are in {ARCHIVE}:\n  aws s3 cp '{ARCHIVE}' -" in said.stderr
    assert f"Error: run {run_id} failed after 7 min: exit code 1" in said.stderr


def test_a_long_reason_is_told_once(stack: RunsAccount) -> None:
    reason = "the machine could not " + "do what it was asked to " * 10
    said = stack.type("watch", over(stack, state="failed", reason=reason).run_id, code=3)

    assert reason.strip() in said.stdout
    assert f"failed after 7 min: {reason[:100]}…" in said.stderr


def test_a_log_that_is_gone_is_in_the_archive_and_that_is_said(stack: RunsAccount) -> None:
    said = stack.type("logs", over(stack).run_id, code=1).stderr

    assert "the log group has no log of it; log and results are in s3://acme-data/remote" in said
    assert f"aws s3 cp '{ARCHIVE}' - | tar xzvf -" in said


def test_a_log_without_an_archive_says_how_the_run_ended(stack: RunsAccount) -> None:
    reason = "spot interruption: the machine was taken away"
    machine = a_machine(log_stream=STREAM)
    lost = over(stack, state="failed", reason=reason, machine=machine).run_id

    assert f"nothing was stored: failed after 7 min: {reason}" in (
        stack.type("logs", lost, code=1).stderr
    )


def test_a_machine_that_never_began_has_no_log(stack: RunsAccount) -> None:
    changes = {"state": "failed", "reason": "no capacity", "started_at": None, "exit_code": None}
    never = over(stack, machine=a_machine(), **changes).run_id
    shown = stack.type("show", never).stderr

    assert "the experiment has never run: failed: no capacity" in (
        stack.type("logs", never, code=1).stderr
    )
    assert "runs logs" not in shown


@pytest.mark.parametrize(
    ("afterwards", "said", "state"),
    [
        ("terminate", "terminated", "terminated"),
        ("stop", "stopped", "stopped"),
        ("keep", "stopped", "stopped"),
    ],
)
def test_stopping_says_what_becomes_of_the_machine_and_ends_it(
    machines: OwnMachines, afterwards: Any, said: str, state: str
) -> None:
    instance_id = machines.start("study")
    run = keep(machines.runs, machine=a_machine(instance_id, afterwards=afterwards))
    typed = machines.runs.type("stop", run.run_id, "--yes", "--why", "too slow")
    after = machines.runs.store.get(run.run_id)

    assert f"{run.run_id}: its machine {instance_id} is {said} with it" in typed.stderr
    assert machines.state(instance_id) == state
    assert after is not None
    assert after.stop is not None
    assert after.stop.why == "too slow"
    assert machines.runs.batch.terminated == []


def test_a_machine_goes_on_where_somebody_does_not_want_to_stop_it(machines: OwnMachines) -> None:
    instance_id = machines.start("study")
    run = keep(machines.runs, machine=a_machine(instance_id))
    machines.runs.type("stop", run.run_id, answers="n\n", code=1)

    assert machines.state(instance_id) == "running"


def test_a_machine_whose_run_is_over_is_not_stopped_for_it(machines: OwnMachines) -> None:
    instance_id = machines.start("study")
    run = over(machines.runs, machine=a_machine(instance_id))
    said = machines.runs.type("stop", run.run_id, "--yes", code=1).stderr

    assert "is over already" in said
    assert "with it" not in said
    assert machines.state(instance_id) == "running"


def test_running_it_again_is_refused_with_what_to_type(stack: RunsAccount) -> None:
    run = over(stack, repository=REPOSITORY, branch="main", commit="c0ffee")
    said = stack.type("rerun", run.run_id, code=1).stderr
    after = stack.store.get(run.run_id)

    assert (
        "  cloud-runner remote create setup experiment --launchspec FILE "
        "--git team/churn-model --branch main --commit c0ffee --module churn.train "
        "-- --epochs 3 'note=two words'\n"
    ) in said
    assert stack.sent("runs") == []
    assert after is not None
    assert after.attempt == 1


def test_running_it_again_takes_the_same_clone_image_and_name(stack: RunsAccount) -> None:
    machine = a_machine(git=TOOL, branch="v2", commit="c0ffee", image="python:3.12", name="a try")
    said = stack.type("rerun", over(stack, machine=machine).run_id, code=1).stderr

    assert (
        f"--launchspec FILE --git {TOOL} --branch v2 --docker python:3.12 --module churn.train "
        "--name 'a try' -- --epochs 3"
    ) in said
    assert "--commit" not in said
    assert "with what the record does not keep, as it was: --results-path" in said


def test_a_machine_that_is_still_there_is_what_it_runs_on_again(stack: RunsAccount) -> None:
    account = Account(Names("acme", "development"), stack.here)
    machine = a_machine(afterwards="stop")
    run = a_run(machine=machine, **ALONE | {"asked": Asked(module="train")})

    assert again(account, run, machine) == (
        "cloud-runner remote start setup experiment --instance i-0123456789abcdef0 --module train"
    )


def test_the_embedded_stack_has_a_machines_log_in_its_log_group(
    stack: RunsAccount, tmp_path: Path
) -> None:
    class Embedded(LocalStack):
        def endpoint(self, service: str) -> Any:
            return None

    account = Account(
        Names("acme", "development"),
        stack.here,
        local_stack=Embedded(StateDir(tmp_path), endpoints=None),  # type: ignore[arg-type] # none
    )
    run = over(stack)
    stack.say("epoch 1", stream=STREAM)
    local = RunsStack(account, account.deployed())
    pages = list(local.log(run).lines(run))

    assert pages == [["epoch 1"]]
    assert local.deployed.output("JobLogGroup") == LOG_GROUP
    assert left(account, run) == f"log and results are in {ARCHIVE}"
