"""What a sweep is refused for, before anything of it is submitted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.events import State
from tests.fakes import refusal
from tests.integration.sweep_account import (
    BUCKET,
    DEFINITION,
    QUEUE,
    SweepAccount,
    a_definition,
    a_queue,
    sweep_account,
)
from tests.samples import REGION

OTHER_QUEUE = f"arn:aws:batch:{REGION}:123456789012:job-queue/fast"
FILE = "repository: team/churn-model\nobjective: f1\nspace: {lr: [0.1, 0.01]}\n"


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[SweepAccount]:
    with sweep_account(monkeypatch) as there:
        yield there


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(FILE)
    return path


def refused(there: SweepAccount, file: Path, *words: str) -> str:
    """What is said of a sweep that is refused; nothing of it may have been made."""
    trace = file.with_name("trace.jsonl")
    answer = there.run("run", f"@{file}", "--yes", "--trace-file", str(trace), *words)
    states: tuple[State, ...] = ("requested", "submitted", "running")
    assert answer.exit_code in (1, 2), answer.output
    assert not trace.exists()
    assert [run for state in states for run in there.records.latest(state)] == []
    assert "Contents" not in there.here.client("s3").list_objects_v2(Bucket=BUCKET)
    assert "Traceback" not in answer.output
    return answer.output


def test_a_dry_run_says_what_would_be_done_and_does_nothing(
    there: SweepAccount, file: Path
) -> None:
    answer = there.run("run", f"@{file}", "--dry-run")

    assert answer.exit_code == 0
    assert answer.output.splitlines() == [
        f"2 points (grid) on the queue cpu, job definition {DEFINITION}",
        "each runs dvc exp run",
        "judged by f1, to maximize",
        "of team/churn-model, main at 0123456789ab, as Bitbucket has it",
        "the first points:",
        "  lr=0.1",
        "  lr=0.01",
        "nothing was done: --dry-run",
    ]


def test_a_queue_that_is_not_there_is_told_with_those_that_are(
    there: SweepAccount, file: Path
) -> None:
    said = refused(there, file, "--set", "job_queue=cpus")

    assert "there is no job queue cpus: the stack has cpu, gpu" in said


def test_a_queue_of_others_is_told_with_the_parameter_to_set(
    there: SweepAccount, file: Path
) -> None:
    there.batch.queues.append(a_queue(OTHER_QUEUE))
    said = refused(there, file, "--set", "job_queue=fast")

    assert "SweepJobQueueArns" in said
    assert OTHER_QUEUE in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"state": "DISABLED"}, "is DISABLED: enable it"), ({"status": "INVALID"}, "is INVALID")],
)
def test_a_queue_that_takes_no_jobs_is_told(
    there: SweepAccount, file: Path, changes: dict[str, str], said: str
) -> None:
    there.batch.queues[0] = a_queue(QUEUE, **changes)

    assert f"the job queue cpu {said}" in refused(there, file)


@pytest.mark.parametrize(
    ("definitions", "words", "said"),
    [
        ([], (), f"there is no job definition {DEFINITION}: add the project first"),
        (
            [a_definition()],
            ("--set", "job_def=acme-development-ml-churn-model:3"),
            "there is no job definition acme-development-ml-churn-model:3: name one",
        ),
        (
            [a_definition(status="INACTIVE")],
            ("--set", f"job_def={DEFINITION}:1"),
            "is not active any more: name another revision",
        ),
        (
            [a_definition(containerProperties={"command": ["true"]})],
            (),
            "does not run the program of this project",
        ),
        (
            [a_definition("tuner")],
            ("--set", "job_def=tuner"),
            "the stack may not use the job definition tuner: add its ARN",
        ),
    ],
)
def test_a_job_definition_that_cannot_be_used_is_told(
    there: SweepAccount,
    file: Path,
    definitions: list[dict[str, Any]],
    words: tuple[str, ...],
    said: str,
) -> None:
    there.batch.definitions[:] = definitions

    assert said in refused(there, file, *words)


def test_a_table_that_is_not_there_is_told_with_its_keys(there: SweepAccount, file: Path) -> None:
    said = refused(there, file, "--commit-table-name", "tunign")

    assert "there is no table tunign" in said
    assert "partition key target and the sort key study" in said


def test_ten_million_points_are_too_many(there: SweepAccount, file: Path) -> None:
    said = refused(there, file, "--set", "space.n={range: [0, 10000000]}")

    assert "this is 20,000,000 points, and a sweep has at most 100,000" in said


def test_more_jobs_than_can_be_numbered_are_told_with_the_concurrency_to_ask_for(
    there: SweepAccount, file: Path
) -> None:
    file.write_text(FILE + "concurrency: 2\n")
    said = refused(there, file, "--set", "space.n={range: [0, 40000]}")

    assert "raise the concurrency to 36 or more" in said


def test_all_that_is_wrong_is_told_at_once(there: SweepAccount, file: Path) -> None:
    there.batch.definitions.clear()
    words = ("--set", "job_queue=cpus", "--commit-table-name", "tunign")
    said = refused(there, file, *words)

    assert said.count("\n  - ") == 3


@pytest.mark.parametrize(
    ("denied", "words", "said"),
    [
        ("batch.describe_job_queues", (), "may not batch:DescribeJobQueues"),
        ("batch.describe_job_definitions", (), "may not batch:DescribeJobDefinitions"),
        ("s3.list_objects_v2", (), "may not s3:ListBucket on s3://data/projects/churn-model/"),
        (
            "dynamodb.describe_table",
            ("--commit-table-name", "tuning"),
            "may not dynamodb:DescribeTable, GetItem and UpdateItem on the table tuning",
        ),
    ],
)
def test_a_missing_permission_is_told_by_its_name(
    there: SweepAccount, file: Path, denied: str, words: tuple[str, ...], said: str
) -> None:
    service, operation = denied.split(".")

    def deny(**_: Any) -> None:
        raise refusal("AccessDeniedException", 400, operation)

    client = there.here.clients[service] = there.here.client(service)
    trace = file.with_name("trace.jsonl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, operation, deny)
        answer = there.run("run", f"@{file}", "--yes", "--trace-file", str(trace), *words)

    assert answer.exit_code == 1
    assert said in answer.output
    assert not trace.exists()


def test_who_is_asked_and_says_no_begins_nothing(there: SweepAccount, file: Path) -> None:
    trace = file.with_name("trace.jsonl")
    words = ("--set", "space.n={range: [0, 100]}", "--trace-file", str(trace))
    answer = there.run("run", f"@{file}", *words, answers="n\n")

    assert "send 200 points?" in answer.output
    assert answer.exit_code == 1
    assert not trace.exists()
