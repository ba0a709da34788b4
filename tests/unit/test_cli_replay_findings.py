"""What is to do about a branch's head."""

import json
from datetime import timedelta
from typing import Any

import click
import pytest

from cli.replay.findings import Finding, Rules, find
from cli.replay.heads import Head
from cli.replay.projects import authorised
from cli.typed import FullName, Span
from services.parser.keywords import Limits
from shared.events import RunId
from shared.runs import Run, commit_run_id
from tests.samples import COMMIT, NAMES, NOW, REPOSITORY, a_run

RULES = Rules(
    NAMES.stack,
    "ACME",
    Limits(gpus=8, memory_mib=65536, vcpus=16, points=1000, failed_percent=0),
    timedelta(days=7),
)
RESULT = "Results of a run\n\nCloud-Run-Id: 7777\nCloud-Run-Attempt: 1\n"


def head(message: str | None = ":ACME_RUN: train", **target: Any) -> Head:
    told = {"hash": COMMIT, "message": message, "date": NOW.isoformat(), **target}
    return Head.model_validate({"type": "branch", "name": "main", "target": told})


def found(one: Head, *runs: Run) -> Finding | None:
    records = {run.run_id: run for run in runs}
    return find(REPOSITORY, one, RULES, records.get, NOW)


def todo(one: Head, *runs: Run) -> str:
    finding = found(one, *runs)
    assert finding is not None
    return finding.todo


@pytest.mark.parametrize("message", [None, "", "prose", " :ACME_RUN:", ":OTHER_RUN:", RESULT])
def test_a_head_that_asks_for_nothing_is_no_finding(message: str | None) -> None:
    assert found(head(message)) is None


@pytest.mark.parametrize(
    ("message", "asks"),
    [
        (":ACME_RUN:", "run"),
        (":ACME_RUN: train\n:ACME_GPUS:", "run train"),
        (":ACME_RUN_EXP:\n:ACME_RUN: -S a=1", "experiment -S a=1"),
        (
            ":ACME_RUN:\n:ACME_MEMORY: 32GB",
            "rejected: memory is a whole number of MiB: write 32768",
        ),
    ],
)
def test_what_a_head_asks_for_is_said_as_the_parser_reads_it(message: str, asks: str) -> None:
    finding = found(head(message))

    assert finding is not None
    assert (finding.asks, finding.state, finding.todo) == (asks, None, "send")


@pytest.mark.parametrize("state", ["requested", "running", "succeeded", "failed", "rejected"])
def test_a_head_with_a_record_was_heard_whatever_became_of_it(state: str) -> None:
    run_id = commit_run_id(NAMES.stack, REPOSITORY.uuid, "main", COMMIT)
    finding = found(head(), a_run(run_id=run_id, state=state))

    assert finding is not None
    assert (finding.state, finding.todo) == (state, "known")


def test_a_record_of_another_branch_is_not_this_ones() -> None:
    other = a_run(run_id=commit_run_id(NAMES.stack, REPOSITORY.uuid, "dev", COMMIT))

    assert todo(head(), other) == "send"


@pytest.mark.parametrize(("days", "expected"), [(6.99, "send"), (7.01, "old"), (-1, "send")])
def test_an_old_head_is_left_alone(days: float, expected: str) -> None:
    assert todo(head(date=(NOW - timedelta(days=days)).isoformat())) == expected


def test_a_head_of_unknown_age_is_sent() -> None:
    assert todo(head(date=None)) == "send"


def test_an_old_head_with_a_record_was_heard() -> None:
    run_id = commit_run_id(NAMES.stack, REPOSITORY.uuid, "main", COMMIT)

    assert todo(head(date="2001-01-01T00:00:00+00:00"), a_run(run_id=run_id)) == "known"


def test_a_message_too_long_for_a_queue_is_cut_as_the_webhook_cuts_it() -> None:
    finding = found(head("prose\n" * 50_000 + ":ACME_RUN:"))

    assert finding is not None
    assert finding.pushed.keywords_cut
    assert finding.asks.startswith("rejected: the commit message is too long")
    assert len(finding.pushed.detail()) <= 200 * 1024


def test_the_record_is_looked_up_by_the_runs_identity() -> None:
    asked: list[RunId] = []
    find(REPOSITORY, head(), RULES, asked.append, NOW)

    assert asked == [commit_run_id(NAMES.stack, REPOSITORY.uuid, "main", COMMIT)]


def test_the_authorised_webhooks_name_each_repository_once() -> None:
    hooks = {
        "b": {"secret": "x", "repository": "team/b"},
        "c": {"secret": "z", "repository": "team/b"},
        "a": {"secret": "y", "repository": "team/a", "more": 1},
    }

    assert authorised(json.dumps(hooks), "name") == ["team/a", "team/b"]


@pytest.mark.parametrize(
    "text", [None, "", '["4b1ed7a2"]', '{"a": {"secret": "s3cret"}}', "s3cret"]
)
def test_a_secret_that_names_no_repositories_is_told_without_its_content(text: str | None) -> None:
    with pytest.raises(click.ClickException, match="the secret name ") as error:
        authorised(text, "name")
    assert "s3cret" not in str(error.value)
    assert error.value.__cause__ is None


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30m", timedelta(minutes=30)),
        ("12h", timedelta(hours=12)),
        ("7d", timedelta(days=7)),
        ("4w", timedelta(weeks=4)),
    ],
)
def test_a_time_span_is_a_number_and_its_unit(text: str, span: timedelta) -> None:
    assert Span().convert(text, None, None) == span


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "7 d", "1.5h", "7y", "99999d"])
def test_anything_else_is_no_time_span(text: str) -> None:
    with pytest.raises(click.BadParameter, match="as in 7d"):
        Span().convert(text, None, None)


@pytest.mark.parametrize(
    "text",
    [
        *("churn-model", "team/", "/x", "https://bitbucket.org/team/x", "a b/c", "team/-x"),
        *("team/x/y", "team/é", "\N{KELVIN SIGN}/x", "team/x\n", "te.am/x", ""),
    ],
)
def test_a_repository_is_a_workspace_and_a_slug_in_any_case(text: str) -> None:
    assert FullName().convert("Team/Churn.Model", None, None) == "team/churn.model"
    with pytest.raises(click.BadParameter, match="is not WORKSPACE/SLUG"):
        FullName().convert(text, None, None)
