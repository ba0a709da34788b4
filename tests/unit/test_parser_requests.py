"""Which record a pushed commit asks for."""

import pytest

from services.parser.keywords import Limits
from services.parser.requests import request
from shared.events import CommitPushed, Repository
from shared.runs import Run
from tests.samples import COMMIT, NAMES, NOW, REPOSITORY, a_push

LIMITS = Limits(gpus=8, memory_mib=65536, vcpus=16, points=1000, failed_percent=0)
TRAILERS = "\n\nCloud-Run-Id: 777777777777777777777777\nCloud-Run-Attempt: 1\n"


def asked(pushed: CommitPushed) -> Run | None:
    return request(pushed, NAMES.stack, "ACME", LIMITS, NOW)


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


MERGED = "Merged in feature (pull request #3)\n\nScale the features\n\n"
ASKS = "* Scale\n\n:ACME_RUN: train"
RESULT = f"* dvc repro train\n\nResults of {COMMIT} on feature, from AWS Batch.{TRAILERS}"


@pytest.mark.parametrize(
    "message",
    [
        f"{MERGED}{ASKS}\n\n{RESULT}",
        f"{MERGED}{RESULT}\n{ASKS}",
        f"{MERGED}{ASKS}\n\n{RESULT}\nApproved-by: Someone",
        f"Scale the features\n\n{ASKS}\n\n{RESULT}",
        f"Squashed commit of the following:\n\n:ACME_RUN: train\n\nResults{TRAILERS}",
    ],
    ids=["the result last", "the result first", "approved", "a title of one's own", "git's own"],
)
def test_a_squash_merge_asks_for_what_one_of_its_messages_asks_for_wherever_its_result_stands(
    message: str,
) -> None:
    run = asked(a_push(message.replace("\n", "\r\n")))

    assert run is not None
    assert run == asked(a_push(message))
    assert (run.state, run.asked.arguments) == ("requested", "train")


def test_a_merge_of_a_result_that_asks_for_nothing_starts_no_run() -> None:
    assert asked(a_push(f"{MERGED}{RESULT}")) is None


def test_a_commit_of_a_repository_that_was_renamed_is_rejected_with_the_command_that_mends_it() -> (
    None
):
    now = Repository(uuid=REPOSITORY.uuid, full_name="team/renamed")
    run = asked(a_push(repository=now, known_as=REPOSITORY.full_name))

    assert run is not None
    assert (run.state, run.repository, run.unreadable) == ("rejected", now, True)
    assert run.reason == (
        "run cloud-runner project add team/renamed, then push another commit: the repository was "
        "added as team/churn-model, and has been renamed"
    )


def test_a_commit_of_a_renamed_repository_that_asks_for_nothing_has_no_run() -> None:
    assert asked(a_push("prose", known_as="team/before")) is None


def test_what_is_wrong_with_the_keywords_is_said_before_the_name_of_the_repository() -> None:
    run = asked(a_push(":ACME_RUN:\n:ACME_MEMORY: 32GB", known_as="team/before"))

    assert run is not None
    assert run.reason == "memory is a whole number of MiB: write 32768"


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
