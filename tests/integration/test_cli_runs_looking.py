"""`cloud-runner runs list` and `show` on moto's tables."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from cli.requests import keep_log_lines_out_of_the_output
from shared.events import Asked, Person, Progress, Repository, Sweep
from shared.runs import Stop
from shared.telemetry import log
from tests.integration.runs_account import RunsAccount
from tests.integration.service_chain import TABLE
from tests.samples import COMMIT, NOW, minutes

OTHER = Repository(uuid="{other}", full_name="team/other")


def ids(text: str) -> list[str]:
    """The ids of the table's rows."""
    return [line.split()[0] for line in text.splitlines()[1:] if line.strip()]


def test_the_run_that_changed_last_comes_first_whatever_its_state(stack: RunsAccount) -> None:
    old = stack.keep("old", state="failed", updated_at=NOW)
    new = stack.keep("new", state="running", updated_at=NOW + minutes(9))
    between = stack.keep("between", state="succeeded", updated_at=NOW + minutes(5))
    shown = stack.type("list").stdout

    assert ids(shown) == [run.run_id[:12] for run in (new, between, old)]


@pytest.fixture
def logging_as_in_a_command() -> Iterator[None]:
    """Log lines as they are in a new process that has loaded the command."""

    def forget() -> None:
        structlog.reset_defaults()
        vars(log).pop("bind", None)  # the proxy keeps its first logger

    forget()
    keep_log_lines_out_of_the_output()
    yield
    forget()


@pytest.mark.usefixtures("logging_as_in_a_command")
def test_a_record_that_cannot_be_read_is_no_part_of_the_json(stack: RunsAccount) -> None:
    run, newer = stack.keep("one"), stack.keep("two")
    stack.here.client("dynamodb").update_item(
        TableName=TABLE,
        Key={"run_id": {"S": newer.run_id}},
        UpdateExpression="SET attempt = :newer",
        ExpressionAttributeValues={":newer": {"S": "as a newer version has it"}},
    )
    shown = stack.type("list", "--json")

    assert [one["run_id"] for one in json.loads(shown.stdout)] == [run.run_id]
    assert "record not readable" in shown.stderr


def test_a_list_tells_that_there_is_more_than_it_shows(stack: RunsAccount) -> None:
    for number in range(5):
        stack.keep(str(number), updated_at=NOW + minutes(number))
    some, rest = stack.type("list", "--limit", "3"), stack.type("list", "--limit", "5")

    assert len(ids(some.stdout)) == 3
    assert "--limit 15 shows more" in some.stderr
    assert len(ids(rest.stdout)) == 5
    assert "more of them" not in rest.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--state", "failed"), {"other"}),
        (("--state", "failed", "--state", "running"), {"other", "mine"}),
        (("--repository", "team/other"), {"other"}),
        (("--repository", "Team/Churn-Model"), {"mine", "late"}),
        (("--branch", "feature/x"), {"other"}),
        (("--commit", COMMIT[:9].upper()), {"mine", "late"}),
        (("--by", "some"), {"mine", "late"}),
        (("--by", "role/nightly"), {"other"}),
        (("--since", "1h"), {"late"}),
        (("--repository", "team/other", "--state", "running"), set()),
    ],
)
def test_a_filter_lets_through_what_fits(
    stack: RunsAccount, words: tuple[str, ...], expected: set[str]
) -> None:
    just_now = datetime.now(UTC) - timedelta(minutes=5)
    kept = {
        "mine": stack.keep("mine", state="running"),
        "late": stack.keep("late", state="succeeded", updated_at=just_now),
        "other": stack.keep(
            "other",
            state="failed",
            repository=OTHER,
            branch="feature/x",
            commit="f" * 40,
            pushed_by=Person(id="arn:aws:sts::1:assumed-role/nightly/job"),
        ),
    }
    told = json.loads(stack.type("list", *words, "--json").stdout)

    assert {run["run_id"] for run in told} == {kept[name].run_id for name in expected}


def test_an_empty_list_says_whether_the_filters_are_why(stack: RunsAccount) -> None:
    assert "no runs yet in acme-development-cloud-runner" in stack.type("list").stderr
    assert "no run fits" in stack.type("list", "--branch", "x").stderr
    assert json.loads(stack.type("list", "--json").stdout) == []


def test_a_sweep_is_listed_with_how_far_it_is(stack: RunsAccount) -> None:
    progress = Progress(size=60, succeeded=36, failed=1, running=4, best="0.94", looked_at=NOW)
    sweep = Sweep(sweep_id="s", size=60, objective="accuracy")
    run = stack.keep("sweep", state="running", asked=Asked(sweep=sweep), progress=progress)
    listed = stack.type("list").stdout
    shown = stack.type("show", run.run_id).stdout

    assert "running 37/60" in listed
    assert "sweep of 60 points, best 0.94" in listed
    assert "37 of 60 done, 1 failed, 4 running, best accuracy 0.94" in shown


def test_what_others_wrote_reaches_no_terminal_as_it_is(stack: RunsAccount) -> None:
    stack.keep("evil", branch="x\x1b[2J", asked=Asked(arguments="\x1b]0;title\x07"))

    assert "\x1b" not in stack.type("list").output


@pytest.mark.parametrize("cut", [4, 11, 24])
def test_a_run_is_found_by_the_beginning_of_its_id(stack: RunsAccount, cut: int) -> None:
    run = stack.keep("one")
    told = json.loads(stack.type("show", run.run_id[:cut].upper(), "--json").stdout)

    assert told["run_id"] == run.run_id
    assert told["asked"]["arguments"] == "train"


def test_a_run_is_found_by_its_commit(stack: RunsAccount) -> None:
    run = stack.keep("one")
    told = json.loads(stack.type("show", COMMIT[:7], "--json").stdout)

    assert told["run_id"] == run.run_id


def test_a_commit_with_several_runs_lists_them(stack: RunsAccount) -> None:
    main, other = stack.keep("one"), stack.keep("two", branch="other", state="failed")
    said = stack.type("show", COMMIT, code=1).output

    assert f"{COMMIT} may be one of 2 runs" in said
    assert f"{main.run_id}  requested" in said
    assert f"{other.run_id}  failed" in said
    assert "other" in said


def test_what_no_run_can_be_called_is_said(stack: RunsAccount) -> None:
    assert "the first 4 or more characters" in stack.type("show", "abc", code=2).output
    assert "is no run" in stack.type("show", "main", code=2).output
    assert (
        "there is no run abcd: cloud-runner runs list" in stack.type("show", "abcd", code=1).output
    )


def test_a_run_is_shown_with_its_job_its_times_and_what_can_be_done(stack: RunsAccount) -> None:
    stop = Stop(by="someone", why="too slow", attempt=1, at=NOW + minutes(3))
    run = stack.running("one", stop=stop)
    shown = stack.type("show", run.run_id)
    done = stack.move(run.run_id, state="stopped", stopped_at=NOW + minutes(7), reason="stopped")
    ended = stack.type("show", run.run_id)

    assert "state       stopping" in shown.stdout
    assert "stop        asked by someone: too slow" in shown.stdout
    assert f"job         {run.job.name if run.job else ''}" in shown.stdout
    assert "started     2026-11-20 12:02:00Z" in shown.stdout
    assert f"cloud-runner runs stop {run.run_id[:12]}" in shown.stderr
    assert done.final
    assert "took        5 min" in ended.stdout
    assert f"cloud-runner runs rerun {run.run_id[:12]}" in ended.stderr


def test_a_stack_that_is_not_there_is_said_with_what_to_do(stack: RunsAccount) -> None:
    said = stack.type("list", "-e", "testing", code=1).output

    assert "there is no stack acme-testing-cloud-runner" in said
