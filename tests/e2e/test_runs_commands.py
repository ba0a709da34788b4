"""`cloud-runner runs` on the running stack: with `--local`, and as somebody who points to AWS."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.layout import PROJECT
from shared.events import RunId
from shared.runs import Run, request_run_id
from tests.contracts.recorded_calls import unknown
from tests.e2e.test_the_command_line import actions, allowed, commands
from tests.e2e.trivial import TRIVIAL, trivial_job
from tests.e2e.world import NAMES, RUN_SECONDS, WorkingCopy, World, until

EXAMPLE = "acme/faulty-parts"
_SECONDS = RUN_SECONDS


def local(world: World) -> list[str]:
    """The options that lead to the running stack."""
    return ["--local", "--state-dir", str(world.folder / "state")]


def environment(world: World) -> dict[str, str]:
    """A shell in which nothing leads to the stack, and whose own account is nobody's."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CLOUD_RUNNER_"))}
    return clean | {"AWS_PROFILE": "nobody", "HOME": str(world.folder), "PYTHONPATH": str(PROJECT)}


def typed(
    world: World, *words: str, code: int = 0, where: Path = PROJECT
) -> "subprocess.CompletedProcess[str]":
    """A command, typed with `--local`, at its end."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", *words[:2], *local(world), *words[2:]],
        env=environment(world),
        cwd=where,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@contextmanager
def going(world: World, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """A command, typed with `--local`, while it goes on; one that never ends is killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", *words[:2], *local(world), *words[2:]],
        env=environment(world),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    patience = threading.Timer(_SECONDS, process.kill)
    patience.start()
    try:
        yield process
    finally:
        patience.cancel()
        process.kill()
        process.communicate()


def line_of(process: "subprocess.Popen[str]", *parts: str) -> str:
    """The next line on standard output that holds all `parts`."""
    assert process.stdout is not None
    for line in process.stdout:
        if all(part in line for part in parts):
            return line.rstrip("\n")
    pytest.fail(f"it ended without {parts}")


def waiting_job(world: World, release: Path) -> None:
    """Jobs of the trivial repository say a line and wait for a file, then say another."""
    script = f"echo begun; until [ -e {release} ]; do sleep 0.1; done; echo released"
    trivial_job(world, ["sh", "-c", script])


def asked(world: World, request_id: str) -> RunId:
    """Ask for a run of the trivial repository; its id."""
    words = ("--repository", TRIVIAL, "--request-id", request_id)
    typed(world, "runs", "submit", *words)
    return request_run_id(NAMES.stack, request_id)


def record(world: World, run_id: RunId, states: Sequence[str] = ()) -> Run:
    """The record of a run, once it is in one of `states`."""
    run = until(lambda: _in(world.runs.get(run_id), states))
    assert run is not None, world.runs.get(run_id)
    return run


def _in(run: Run | None, states: Sequence[str]) -> Run | None:
    return run if run is not None and (not states or run.state in states) else None


@pytest.fixture(scope="module")
def clone(world: World, tmp_path_factory: pytest.TempPathFactory) -> WorkingCopy:
    """A clone of the trivial repository, whose branch main holds a commit."""
    clone = world.clone(TRIVIAL, tmp_path_factory.mktemp("runs") / "clone")
    clone.push("Something to run", "main")
    return clone


@pytest.mark.usefixtures("clone")
def test_a_running_job_is_followed_to_its_end(world: World, tmp_path: Path) -> None:
    waiting_job(world, tmp_path / "release")
    run_id = asked(world, f"follow {tmp_path.name}".replace(" ", "-"))
    with (
        going(world, "runs", "logs", run_id, "-f") as log,
        going(world, "runs", "watch", run_id) as watch,
    ):
        begun = line_of(log, "begun")
        running = line_of(watch, "running")
        (tmp_path / "release").touch()
        log_code, watch_code = log.wait(_SECONDS), watch.wait(_SECONDS)
        assert log.stdout is not None
        assert watch.stdout is not None
        rest, told = log.stdout.read(), watch.stdout.read()

    assert begun == "begun"
    assert running.endswith("Z  running")
    assert rest == "released\n"
    assert "  | released\n" in told
    assert "succeeded after" in told.splitlines()[-1]
    assert (log_code, watch_code) == (0, 0)
    assert typed(world, "runs", "logs", run_id).stdout == "begun\nreleased\n"
    assert typed(world, "runs", "logs", run_id, "--tail", "1").stdout == "released\n"


@pytest.mark.usefixtures("clone")
def test_a_run_is_stopped_with_who_and_why_and_then_runs_again(
    world: World, tmp_path: Path
) -> None:
    waiting_job(world, tmp_path / "release")
    run_id = asked(world, f"stop-{tmp_path.name}")
    record(world, run_id, ["running"])
    shown = typed(world, "runs", "show", run_id[:10]).stdout
    typed(world, "runs", "stop", run_id[:10], "--why", "the wrong data", "--yes")
    with going(world, "runs", "watch", run_id) as watch:
        ended = line_of(watch, "stopped")
        stopped_code = watch.wait(_SECONDS)
    # Other tests' runs have been of the same commit.
    commit = record(world, run_id).commit or ""
    status, description = world.final_status(TRIVIAL, commit, run_id=run_id)
    (tmp_path / "release").touch()
    again = typed(world, "runs", "rerun", run_id, "--watch").stdout

    assert "state       running" in shown
    assert "the wrong data" in ended
    assert stopped_code == 3
    assert status == "STOPPED"
    assert "stopped by root: the wrong data" in description
    assert "requested, attempt 2" in again
    assert "released" in again
    run = record(world, run_id)
    assert (run.state, run.attempt) == ("succeeded", 2)
    assert len(world.jobs(run_id)) == 2


def test_in_a_clone_its_branch_is_submitted_once_and_watched(
    world: World, clone: WorkingCopy, tmp_path: Path
) -> None:
    trivial_job(world, ["sh", "-c", 'echo "$ACME_RUN_ARGS"'])
    request_id = f"clone-{tmp_path.name}"
    commit = clone.push("Ask for it", "asked")
    words = ("--request-id", request_id, "--vcpus", "1", "--watch", "--", "-S", "note=two words")
    first = typed(world, "runs", "submit", *words, where=clone.folder)
    second = typed(world, "runs", "submit", *words, where=clone.folder)
    run = record(world, request_run_id(NAMES.stack, request_id))

    assert f"request {request_id}" in first.stderr
    assert "  | -S note='two words'" in first.stdout
    assert "succeeded" in second.stdout
    assert (run.branch, run.commit, run.asked.vcpus) == ("asked", commit, 1)
    assert run.pushed_by.name == "root"
    assert len(world.jobs(run.run_id)) == 1
    assert world.final_status(TRIVIAL, commit)[0] == "SUCCESSFUL"


@pytest.mark.usefixtures("clone")
def test_open_runs_are_watched_until_none_is_open(world: World, tmp_path: Path) -> None:
    waiting_job(world, tmp_path / "release")
    run_id = asked(world, f"open-{tmp_path.name}")
    record(world, run_id, ["running"])
    with going(world, "runs", "watch") as watch:
        running = line_of(watch, run_id[:12], "running")
        (tmp_path / "release").touch()
        # Which branch is the repository's main one, other tests have decided by their pushes.
        ended = line_of(watch, f"{run_id[:12]}  {TRIVIAL} ", "succeeded")
        watch.wait(_SECONDS)

    assert running.endswith("  running")
    assert "succeeded after" in ended


@pytest.mark.usefixtures("clone")
def test_ctrl_c_and_sigterm_end_what_goes_on_with_their_own_codes(
    world: World, tmp_path: Path
) -> None:
    waiting_job(world, tmp_path / "release")
    run_id = asked(world, f"signal-{tmp_path.name}")
    codes = []
    for number in (signal.SIGINT, signal.SIGTERM):
        with going(world, "runs", "logs", run_id, "-f") as log:
            line_of(log, "begun")
            log.send_signal(number)
            codes.append(log.wait(_SECONDS))
            assert log.stderr is not None
            assert "Traceback" not in log.stderr.read()
    (tmp_path / "release").touch()
    record(world, run_id, ["succeeded"])

    assert codes == [130, 143]


def test_a_pushed_run_is_told_as_on_aws_with_no_more_rights_than_the_policy_gives(
    world: World, tmp_path: Path
) -> None:
    copy = world.clone(EXAMPLE, tmp_path / "clone")
    commit = copy.push("Features\n\n:ACME_RUN: --single-item featurize_data\n", "as-on-aws")
    world.final_status(EXAMPLE, commit)
    with commands(world) as (run, made):
        filters = ("--repository", EXAMPLE, "--branch", "as-on-aws", "--state", "succeeded")
        listed = json.loads(run("runs", "list", *filters, "--json").stdout)
        shown = json.loads(run("runs", "show", commit[:8], "--json").stdout)
        table = run("runs", "list", "--by", "nobody", "--since", "1h").output
        # The emulator keeps no logs of jobs: this is the copy that the job has left in S3.
        log = run("runs", "logs", commit).output
        again = run("runs", "rerun", commit).output
        # It finds all done, and may end before it can be stopped.
        run("runs", "stop", commit, "--why", "seen enough", "--yes", code=(0, 1))
        run("runs", "watch", commit, code=(0, 3))
        first = run("runs", "logs", commit, "--attempt", "1").output
        submitted = run("runs", "submit", "--repository", EXAMPLE, "--ref", "as-on-aws").output

    assert [one["commit"] for one in listed] == [commit]
    assert shown["state"] == "succeeded"
    assert "no run fits" in table
    assert "featurize_data" in log
    assert "attempt 2" in again
    assert first == log
    assert "requested" in submitted
    recorded = actions(made)
    assert not unknown(recorded)
    assert recorded - allowed("CommandLinePolicy") - {"sts:GetCallerIdentity"} == set()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("project", "list"), TRIVIAL),
        (("project", "show", EXAMPLE), EXAMPLE),
        (("dlq", "list"), "statuses"),
        (("push", "replay", "--all", "--since", "1h", "--dry-run"), "branches that ask"),
    ],
)
def test_what_looks_at_an_environment_looks_at_the_local_one_too(
    world: World, words: tuple[str, ...], said: str
) -> None:
    assert said in typed(world, *words).stdout


def test_a_stack_that_does_not_run_is_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "runs", "list", "--local", "--state-dir", str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )

    assert done.returncode == 1
    assert f"no stack runs in {tmp_path}: cloud-runner local up" in done.stderr
