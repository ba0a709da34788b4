"""`cloud-runner runs watch` on moto's table, in a pipe."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from shared.errors import Unavailable
from shared.events import Asked, Progress, Sweep
from shared.run_store import RunStore
from shared.runs import Blocked, request_run_id
from tests.fakes import refusal
from tests.integration.command_line import NAMES
from tests.integration.runs_account import STREAM, RunsAccount
from tests.samples import NOW, a_job, minutes


def test_a_run_is_told_from_its_request_to_its_end_with_its_log(stack: RunsAccount) -> None:
    run_id = stack.keep("one").run_id
    job = a_job(job_id="job-1")
    blocked = Blocked(reason="no capacity", since=NOW + minutes(1))
    stack.meanwhile = [
        lambda: stack.move(run_id, state="submitted", job=job, submitted_at=NOW + minutes(1)),
        lambda: stack.move(run_id, blocked=blocked),
        lambda: stack.say("one"),
        lambda: stack.move(
            run_id,
            state="running",
            blocked=None,
            job=job.model_copy(update={"log_stream": STREAM}),
            started_at=NOW + minutes(2),
        ),
        lambda: stack.move(run_id, state="succeeded", stopped_at=NOW + minutes(4)),
        lambda: stack.say("late"),
    ]
    said = stack.type("watch", run_id).stdout

    assert said.splitlines() == [
        "2026-11-20 12:00:00Z  requested by Someone",
        f"2026-11-20 12:01:00Z  submitted as {job.name}",
        "2026-11-20 12:01:00Z  waits: no capacity",
        "2026-11-20 12:02:00Z  running",
        "  | one",
        "  | late",
        "2026-11-20 12:04:00Z  succeeded after 2 min",
    ]


def test_a_run_that_fails_ends_the_watch_with_code_3(stack: RunsAccount) -> None:
    run_id = stack.running("one").run_id
    stack.meanwhile = [
        lambda: stack.move(
            run_id, state="failed", reason="exit code 1", stopped_at=NOW + minutes(3)
        )
    ]
    said = stack.type("watch", run_id, code=3)

    assert "2026-11-20 12:03:00Z  failed after 1 min: exit code 1" in said.stdout
    assert f"Error: run {run_id} failed after 1 min: exit code 1" in said.stderr


def test_a_run_that_was_over_before_is_told_from_its_times(stack: RunsAccount) -> None:
    run = stack.running("one", state="succeeded", stopped_at=NOW + minutes(3), attempt=2)

    assert [line[22:31] for line in stack.type("watch", run.run_id).stdout.splitlines()] == [
        "requested",
        "submitted",
        "running",
        "succeeded",
    ]


def test_a_sweep_is_told_by_its_progress(stack: RunsAccount) -> None:
    asked = Asked(sweep=Sweep(sweep_id="s", size=60, objective="f1"))
    run_id = stack.running("sweep", asked=asked).run_id

    def progress(done: int, best: str | None) -> None:
        at = NOW + minutes(3 + done)
        told = Progress(size=60, succeeded=done, running=2, best=best, looked_at=at)
        stack.move(run_id, progress=told)

    stack.meanwhile = [
        lambda: progress(0, None),
        lambda: progress(7, "0.5"),
        lambda: progress(7, "0.5"),
        lambda: stack.move(run_id, state="succeeded", stopped_at=NOW + minutes(99)),
    ]
    said = [line[22:] for line in stack.type("watch", run_id).stdout.splitlines()]

    assert said[2:] == [
        "running",
        "0 of 60 done, 2 running",
        "7 of 60 done, 2 running, best f1 0.5",
        "succeeded after 1 h 37 min",
    ]


def test_all_open_runs_are_told_until_none_is_open(stack: RunsAccount) -> None:
    one = stack.running("one").run_id
    two = stack.keep("two", branch="other").run_id
    stack.keep("old", state="failed")

    def third() -> None:
        stack.keep("three", branch="third", state="submitted")

    stack.meanwhile = [
        lambda: stack.move(two, state="submitted"),
        third,
        lambda: stack.move(one, state="succeeded"),
        lambda: stack.move(two, state="stopped", reason="stopped by someone: too slow"),
        lambda: stack.move(stack.store.latest("submitted").__next__().run_id, state="succeeded"),
    ]
    said = stack.type("watch", code=3)
    words = [line.split("  ", 1)[1] for line in said.stdout.splitlines()]

    assert sorted(words[:2]) == [
        "team/churn-model main  running",
        "team/churn-model other  requested",
    ]
    assert words[2:] == [
        "team/churn-model other  submitted",
        "team/churn-model third  submitted",
        "team/churn-model main  succeeded",
        "team/churn-model other  stopped: stopped by someone: too slow",
        "team/churn-model third  succeeded",
    ]
    assert "Error: 1 of the runs that were watched did not succeed" in said.stderr


def test_on_a_terminal_the_open_runs_are_a_table_that_changes(
    stack: RunsAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=200, highlight=False)
    monkeypatch.setattr("cli.runs.watching.console", terminal)
    run_id = stack.running("one").run_id
    stack.meanwhile = [
        lambda: stack.keep("late", branch="evil\x1b[2J", state="submitted"),
        lambda: stack.move(run_id, state="succeeded", stopped_at=NOW + minutes(4)),
        lambda: stack.move(request_run_id(NAMES.stack, "late"), state="succeeded"),
    ]
    stack.type("watch")
    shown = screen.getvalue()

    assert "RUN           STATE" in shown
    assert f"{run_id[:12]}  succeeded after 2 min" in shown
    assert "\x1b[2J" not in shown


def away(call: Callable[..., Any], times: int) -> Callable[..., Any]:
    """A call that fails so often before it is answered again."""
    failures = ["reading: ThrottlingException"] * times

    def asked(*words: Any, **named: Any) -> Any:
        if failures:
            raise Unavailable(failures.pop())
        return call(*words, **named)

    return asked


@pytest.mark.parametrize("words", [(), ("one",)], ids=["all", "one"])
def test_a_throttle_does_not_end_a_watch_and_is_said_once(
    stack: RunsAccount, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    run_id = stack.running("one").run_id
    name = "get" if words else "latest"
    before = getattr(RunStore, name)

    def fails() -> None:
        monkeypatch.setattr(RunStore, name, away(before, 3))

    stack.meanwhile = [
        fails,
        *(lambda: None for _ in range(3)),
        lambda: stack.move(run_id, state="succeeded", stopped_at=NOW + minutes(4)),
    ]
    said = stack.type("watch", *(run_id for _ in words))

    assert said.stderr.count("reading: ThrottlingException: it will be asked again") == 1
    assert "succeeded after 2 min" in said.stdout


def test_a_log_that_is_throttled_is_followed_to_its_end(
    stack: RunsAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = stack.running("one").run_id
    logs = stack.here.client("logs")
    before, refused = logs.get_log_events, [refusal("ThrottlingException", 400)] * 2

    def answers(**asked: Any) -> Any:
        if refused:
            raise refused.pop()
        return before(**asked)

    monkeypatch.setattr(logs, "get_log_events", answers)
    stack.say("one")
    stack.meanwhile = [
        lambda: None,
        lambda: None,
        lambda: stack.say("two"),
        lambda: stack.move(run_id, state="succeeded", stopped_at=NOW + minutes(4)),
    ]
    said = stack.type("logs", run_id, "--follow")

    assert said.stdout.split() == ["one", "two"]
    assert "reading the log: ThrottlingException: it will be asked again" in said.stderr


def test_nothing_to_watch_is_said(stack: RunsAccount) -> None:
    stack.keep("old", state="failed")
    said = stack.type("watch")

    assert said.stdout == ""
    assert "no run is open" in said.stderr


def test_ctrl_c_leaves_the_run_alone_and_says_how_to_end_it(stack: RunsAccount) -> None:
    run_id = stack.running("one").run_id

    def interrupt() -> None:
        raise KeyboardInterrupt

    stack.meanwhile = [interrupt]
    said = stack.type("watch", run_id, code=130).stderr
    run = stack.store.get(run_id)

    assert f"the run goes on; to end it: cloud-runner runs stop {run_id}" in said
    assert run is not None
    assert run.stop is None
