"""Which record a pushed commit asks for."""

import pytest

from services.parser.keywords import Limits
from services.parser.requests import request
from shared.events import CommitPushed, Repository
from shared.runs import Run
from tests.samples import COMMIT, NOW, REPOSITORY, a_push

LIMITS = Limits(gpus=8, memory_mib=65536, vcpus=16, points=1000, failed_percent=0)
TRAILERS = "\n\nCloud-Run-Id: 777777777777777777777777\nCloud-Run-Attempt: 1\n"


def asked(pushed: CommitPushed) -> Run | None:
    return request(pushed, "ACME", LIMITS, NOW)


def test_a_commit_with_a_run_keyword_is_a_requested_run_with_all_that_the_submitter_needs() -> None:
    run = asked(a_push(":ACME_RUN: train\n:ACME_GPUS: 2\n:ACME_MEMORY: 4096\n:ACME_VCPUS: 4"))

    assert run is not None
    assert (run.state, run.attempt, run.try_number, run.version) == ("requested", 1, 1, 1)
    assert (run.repository, run.branch, run.commit) == (REPOSITORY, "main", COMMIT)
    assert run.asked.model_dump() == {
        "arguments": "train",
        "experiment": False,
        "gpus": 2,
        "memory_mib": 4096,
        "vcpus": 4,
        "changes": None,
        "sweep": None,
        "quiet": False,
        "module": None,
    }
    assert run.pushed_by.name == "Someone"
    assert run.stopped_at is None


def test_a_commit_that_asks_for_nothing_has_no_run() -> None:
    assert asked(a_push("prose about :ACME_RUN:")) is None


def test_a_message_that_cannot_be_read_is_a_rejected_run_that_says_what_to_write() -> None:
    run = asked(a_push(":ACME_RUN:\n:ACME_MEMORY: 32GB"))

    assert run is not None
    assert run.state == "rejected"
    assert run.reason == "memory is a whole number of MiB: write 32768"
    assert run.stopped_at == NOW
    assert run.unreadable


def test_a_message_whose_keywords_may_be_lost_is_rejected() -> None:
    run = asked(a_push("prose", keywords_cut=True))

    assert run is not None
    assert run.state == "rejected"
    assert "put the keywords first" in (run.reason or "")


@pytest.mark.parametrize(
    "message",
    [
        f"Results of the run{TRAILERS}",
        f":ACME_RUN: train{TRAILERS}",
        f":ACME_NONSENSE: train{TRAILERS}",
        "Results\r\n\r\nCloud-Run-Id: 7\r\nCloud-Run-Attempt: 1\r\n",
    ],
)
def test_a_result_commit_asks_for_nothing_so_that_no_run_starts_another(message: str) -> None:
    assert asked(a_push(message)) is None
    assert asked(a_push(message, keywords_cut=True)) is None


@pytest.mark.parametrize(
    "message",
    [
        ":ACME_RUN:\n\nCloud-Run-Attempt: 2",
        f":ACME_RUN:\n\n* Results{TRAILERS}\n\n* the next commit of a squash merge",
    ],
)
def test_trailers_that_are_not_both_the_last_paragraphs_silence_nothing(message: str) -> None:
    assert asked(a_push(message)) is not None


def test_a_mention_of_the_trailer_inside_a_line_is_no_trailer() -> None:
    assert asked(a_push(":ACME_RUN:\n\nsee Cloud-Run-Id: 7")) is not None


def run_id(pushed: CommitPushed) -> str:
    run = asked(pushed)
    assert run is not None
    return run.run_id


def test_the_same_commit_on_the_same_branch_is_the_same_run() -> None:
    renamed = Repository(uuid=REPOSITORY.uuid, full_name="team/renamed")

    assert run_id(a_push()) == run_id(a_push(":ACME_RUN: other", repository=renamed))


def test_another_branch_commit_or_repository_is_another_run() -> None:
    other = Repository(uuid="{other}", full_name=REPOSITORY.full_name)
    ids = [
        run_id(a_push()),
        run_id(a_push(branch="dev")),
        run_id(a_push(commit="hash")),
        run_id(a_push(repository=other)),
        run_id(a_push(branch="main" + COMMIT[:1], commit=COMMIT[1:])),
    ]

    assert len(set(ids)) == len(ids)
