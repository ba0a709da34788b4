"""A run's record as Bitbucket's build status."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.statuses import Links, status
from shared.events import Asked, Progress, Repository, Sweep
from shared.runs import Blocked, Run, Stop, commit_run_id
from tests.samples import COMMIT, NAMES, NOW, REPOSITORY, RUN_ID, a_job, a_run, minutes

LINKS = Links("eu-west-1")


def body(run: Run) -> dict[str, str]:
    return status(run, LINKS, NAMES.stack)


def submitted(**changes: Any) -> Run:
    return a_run(**{"state": "submitted", "job": a_job(job_id="job-1"), **changes})


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("requested", "INPROGRESS"),
        ("submitted", "INPROGRESS"),
        ("running", "INPROGRESS"),
        ("succeeded", "SUCCESSFUL"),
        ("failed", "FAILED"),
        ("rejected", "FAILED"),
        ("stopped", "STOPPED"),
    ],
)
def test_each_state_is_shown_as_bitbuckets_and_named_first(state: str, shown: str) -> None:
    posted = body(a_run(state=state))

    assert posted["state"] == shown
    assert posted["description"].startswith(state)


@pytest.mark.parametrize(
    ("run", "description"),
    [
        (a_run(), "requested: waiting to be submitted"),
        (submitted(), "submitted: waiting for a machine"),
        (submitted(state="running"), "running"),
        (submitted(state="running", started_at=NOW), "running since 12:00 UTC"),
        (submitted(state="succeeded"), "succeeded"),
        (
            submitted(state="succeeded", started_at=NOW, stopped_at=NOW + minutes(61.5)),
            "succeeded after 1 h 1 min",
        ),
        (
            submitted(state="succeeded", started_at=NOW, stopped_at=NOW + minutes(1.5)),
            "succeeded after 1 min 30 s",
        ),
        (submitted(state="succeeded", started_at=NOW, stopped_at=NOW), "succeeded after 0 s"),
        (submitted(state="failed", reason="exit code 3"), "failed: exit code 3"),
        (submitted(state="stopped", reason="stopped by X: Y"), "stopped: stopped by X: Y"),
        (
            a_run(state="rejected", reason="memory is a whole number of MiB: write 32768"),
            "rejected: memory is a whole number of MiB: write 32768",
        ),
        (
            submitted(try_number=2, reason="the machine was taken away"),
            "submitted: waiting for a machine (try 2, the machine was taken away)",
        ),
        (submitted(attempt=2), "attempt 2: submitted: waiting for a machine"),
        (
            submitted(attempt=3, state="running", try_number=2, reason="lost"),
            "attempt 3: running (try 2, lost)",
        ),
    ],
)
def test_the_description_says_which_state_and_why(run: Run, description: str) -> None:
    assert body(run)["description"] == description


@pytest.mark.parametrize("shown", [False, True])
def test_why_a_job_waits_is_told_once_it_is_to_be_shown(*, shown: bool) -> None:
    run = submitted(blocked=Blocked(reason="CAPACITY: none", since=NOW, shown=shown))

    description = body(run)["description"]

    assert description == (
        "submitted: it waits, because CAPACITY: none"
        if shown
        else "submitted: waiting for a machine"
    )


def test_a_run_that_is_to_stop_says_so_until_it_has() -> None:
    stop = Stop(by="Someone", why="too slow", attempt=1, at=NOW)

    assert body(submitted(stop=stop))["description"] == "stopping, as Someone asked: too slow"
    assert body(submitted(stop=stop))["state"] == "INPROGRESS"
    assert body(submitted(stop=stop, state="succeeded"))["description"] == "succeeded"
    assert "stopping" not in body(submitted(stop=stop, attempt=2))["description"]


def test_the_key_is_the_runs_own_and_stays_through_its_attempts() -> None:
    key = body(a_run())["key"]

    assert len(key) <= 40
    assert RUN_ID in key
    assert body(submitted(attempt=7, version=9))["key"] == key
    assert body(a_run(run_id=commit_run_id(NAMES.stack, "{u}", "dev", COMMIT)))["key"] != key


def test_the_refname_is_the_plain_branch() -> None:
    assert body(a_run(branch="feature/x"))["refname"] == "feature/x"
    assert "refname" not in body(a_run(branch=None))


def test_the_url_is_the_commits_page_while_there_is_no_job() -> None:
    page = f"https://bitbucket.org/team/churn-model/commits/{COMMIT}"

    assert body(a_run())["url"] == page
    assert body(a_run(job=a_job()))["url"] == page


def test_the_url_is_the_jobs_page_once_there_is_one() -> None:
    assert body(submitted())["url"] == (
        "https://eu-west-1.console.aws.amazon.com/batch/home?region=eu-west-1#jobs/ec2/detail/job-1"
    )


def test_braces_in_a_url_are_encoded() -> None:
    odd = Repository(uuid="{u}", full_name="{team}/{slug}")
    run = submitted(repository=odd, commit="{hash}", job=a_job(job_id="{job}"))

    assert not set("{}") & set(body(run)["url"])
    assert not set("{}") & set(body(run.changed(job=None))["url"])


text = st.text(max_size=600)


@given(text, text, text, st.sampled_from(["requested", "submitted", "running", "failed"]))
def test_whatever_the_record_holds_bitbuckets_limits_are_kept(
    reason: str, arguments: str, commit: str, state: str
) -> None:
    run = a_run(
        state=state,
        reason=reason,
        asked=Asked(arguments=arguments),
        commit=commit,
        repository=Repository(uuid="{u}", full_name="t" * 200 + "/" + "s" * 300),
    )

    posted = body(run)

    assert set(posted) == {"key", "state", "name", "description", "url", "refname"}
    assert 0 < len(posted["key"]) <= 40
    assert 0 < len(posted["name"]) <= 255
    assert 0 < len(posted["description"]) <= 255
    assert len(posted["url"]) <= 450
    assert "." in (urlsplit(posted["url"]).hostname or "")
    assert not set("{}") & set(posted["url"])


def test_a_long_description_is_shortened_and_a_long_job_id_is_no_link() -> None:
    long = body(submitted(state="failed", reason="x" * 300, job=a_job(job_id="j" * 500)))

    assert len(long["description"]) == 255
    assert long["description"].endswith("\u2026")
    assert long["url"].startswith(f"https://bitbucket.org/{REPOSITORY.full_name}/")


def test_the_name_says_what_was_asked() -> None:
    assert body(a_run())["name"] == "Cloud run in acme-testing: train"
    assert body(a_run(asked=Asked()))["name"] == "Cloud run in acme-testing"
    assert body(a_run(asked=Asked(experiment=True)))["name"] == "Cloud experiment in acme-testing"


def a_sweep(state: str = "running", **changes: Any) -> Run:
    sweep = Sweep(sweep_id=RUN_ID, size=60, space="lr=0.1,0.01", objective="accuracy")
    return submitted(**{"state": state, "asked": Asked(sweep=sweep), **changes})


def far(**figures: Any) -> Progress:
    return Progress(size=60, looked_at=NOW, **figures)


@pytest.mark.parametrize(
    ("run", "description"),
    [
        (a_sweep("requested"), "requested: waiting to be submitted"),
        (a_sweep("submitted"), "submitted: 60 points wait for machines"),
        (a_sweep(), "running"),
        (a_sweep(progress=far(succeeded=37)), "37 of 60 done"),
        (
            a_sweep(progress=far(succeeded=37, best="0.94")),
            "37 of 60 done, best accuracy 0.94",
        ),
        (
            a_sweep(progress=far(succeeded=35, failed=2, best="0.9412345678")),
            "37 of 60 done, 2 failed, best accuracy 0.941235",
        ),
        (
            a_sweep(attempt=2, progress=far(succeeded=1)),
            "attempt 2: 1 of 60 done",
        ),
        (
            a_sweep(
                "succeeded",
                started_at=NOW,
                stopped_at=NOW + minutes(12),
                progress=far(succeeded=58, failed=2, best="0.94"),
            ),
            "succeeded after 12 min: 60 of 60 done, 2 failed, best accuracy 0.94",
        ),
        (
            a_sweep("failed", reason="4 of 60 points failed", progress=far(failed=4)),
            "failed: 4 of 60 points failed (4 of 60 done, 4 failed)",
        ),
        (a_sweep("stopped", reason="stopped by X: Y"), "stopped: stopped by X: Y"),
        (a_sweep("rejected", reason="write 1"), "rejected: write 1"),
    ],
)
def test_a_sweep_says_how_far_its_points_are(run: Run, description: str) -> None:
    assert body(run)["description"] == description


def test_a_sweep_is_called_after_its_space() -> None:
    assert body(a_sweep())["name"] == "Cloud sweep in acme-testing: lr=0.1,0.01"


def test_a_url_that_is_too_long_is_not_cut_through_an_encoded_character() -> None:
    odd = Repository(uuid="{u}", full_name="t/" + "\u2603" * 200)

    assert body(a_run(repository=odd))["url"] == "https://bitbucket.org/"
