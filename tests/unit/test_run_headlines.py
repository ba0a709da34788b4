"""The one line of an event that a mail is made of."""

import json
from typing import Any

import pytest

from shared.events import Repository, RunStateChanged
from shared.runs import state_changed
from tests.samples import a_run, template

REASON = 'image pull: failed to resolve reference "1.dkr.ecr/churn:latest": C:\\not\nfound\x1b[31m'


def headline(**changes: Any) -> str:
    return state_changed(a_run(state="failed", **changes)).headline


def test_a_headline_tells_which_run_came_to_what_and_why() -> None:
    repository = Repository(uuid="{1}", full_name="acme/churn")

    said = headline(repository=repository, branch="main", reason="exit code 1")

    assert said == "acme/churn, branch main, failed: exit code 1"


def test_a_run_without_a_repository_is_told_by_its_id() -> None:
    run = a_run(state="succeeded", repository=None, branch=None, commit=None)

    assert state_changed(run).headline == f"run {run.run_id}, succeeded"


def test_a_headline_stands_between_quotes_as_it_is() -> None:
    said = headline(branch='a"b\\', reason=REASON)

    assert json.loads(f'"{said}"') == said
    assert "'1.dkr.ecr/churn:latest': C:/not found" in said


def test_a_headline_has_an_end() -> None:
    assert len(headline(reason="a" * 10_000)) == 500


def test_an_event_carries_its_headline_and_one_without_is_read() -> None:
    event = state_changed(a_run(state="failed", reason="exit code 1"))
    sent = json.loads(event.detail())

    assert sent.pop("headline") == event.headline
    assert RunStateChanged.model_validate(sent) == event


@pytest.mark.parametrize("written", ["branch", "reason", "message", "arguments", "name"])
def test_no_mail_is_made_of_what_people_write_freely(written: str) -> None:
    (target,) = template()["Resources"]["FailedRunsRule"]["Properties"]["Targets"]
    paths = target["InputTransformer"]["InputPathsMap"].values()

    assert not [path for path in paths if path.rpartition(".")[2] == written]
