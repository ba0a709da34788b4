"""What a sweep is refused for, before anything of it is submitted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.sweep.checks_sizes import too_many_waves
from cli.sweep.config import Plan, read
from cli.sweep.trace import Trace
from cli.sweep.trace_state import Target
from shared.best import Best, BestResults
from shared.events import State
from tests.fakes import refusal
from tests.integration.sweep_account import (
    BEST,
    BUCKET,
    DEFINITION,
    QUEUE,
    SweepAccount,
    a_definition,
    a_queue,
    sweep_account,
)
from tests.samples import NOW, REGION

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


def test_a_resumed_sweep_asks_about_the_points_that_are_still_to_be_sent(
    there: SweepAccount, file: Path
) -> None:
    trace, words = file.with_name("trace.jsonl"), ("--set", "tuner=random", "--set", "ntrial=200")
    file.write_text("repository: team/churn-model\nspace: {n: {uniform: [0, 1]}}\n")
    plan = read([f"@{file}"], ["tuner=random", "ntrial=1"])[0]
    with Trace.open(trace, [Target("4f2a77c1d0ab", plan.fingerprint())]) as begun:
        begun.note("wave", wave=1, target=0, points=[{"n": 0.5}], run_id="0" * 24)
    answer = there.run("run", f"@{file}", *words, "--trace-file", str(trace), answers="n\n")

    assert "send 199 more points?" in answer.output
    assert answer.exit_code == 1


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("gpus=9", "gpus: GPUs are a whole number from 0 to 8: write 8"),
        ("memory=70000", "memory is a whole number of MiB from 4 to 65536: write 65536"),
        ("vcpus=17", "vCPUs are a whole number from 1 to 16: write 16"),
    ],
)
def test_more_than_the_stack_lets_a_run_have_is_told_as_a_commit_hears_it(
    there: SweepAccount, file: Path, word: str, said: str
) -> None:
    assert said in refused(there, file, "--set", word)


def test_the_job_definition_of_another_project_is_refused(there: SweepAccount, file: Path) -> None:
    other = "acme-development-ml-other"
    there.batch.definitions.append(a_definition(other))
    said = refused(there, file, "--set", f"job_def={other}")

    assert f"the job definition {other} is another project's" in said
    assert f"name {DEFINITION}, or none" in said


@pytest.mark.parametrize("stage", ["-n one", "--name=one train", "--queue", "--no-commit"])
def test_arguments_that_every_point_would_refuse_are_refused_first(
    there: SweepAccount, file: Path, stage: str
) -> None:
    assert "leave it out" in refused(there, file, "--set", f"stage={stage}")


def test_a_study_of_the_other_direction_is_told_before_anything_runs(
    there: SweepAccount, file: Path
) -> None:
    dynamodb = there.here.client("dynamodb")
    dynamodb.create_table(
        TableName=BEST,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("target", "study")
        ],
        KeySchema=[
            {"AttributeName": "target", "KeyType": "HASH"},
            {"AttributeName": "study", "KeyType": "RANGE"},
        ],
    )
    entry = Best(0.5, {"lr": 0.1}, "s1", 1, 0, None, NOW)
    table = BestResults(dynamodb, BEST)
    table.commit("team/churn-model", "sweep f1", [entry], 3, "minimize")
    said = refused(there, file, "--commit-table-name", BEST)

    assert "of the study 'sweep f1' to minimize and not to maximize" in said


def test_waves_are_counted_over_all_targets_and_beside_those_that_there_were() -> None:
    plan = Plan(strategy="list", trials=50, concurrency=4)
    (said,) = too_many_waves([plan, plan], [50, 50], 9_950)

    assert "may be 100 jobs, and a sweep has at most 9,999 beside the 9,950 that it has had" in said
    assert "raise the concurrency to 12 or more" in said
    assert list(too_many_waves([plan, plan], [50, 50], 9_899)) == []
    assert len(list(too_many_waves([plan], [1], 9_999))) == 1


def test_a_second_process_at_a_trace_is_refused_before_it_asks_anything(
    there: SweepAccount, file: Path
) -> None:
    trace = file.with_name("trace.jsonl")
    with Trace.lock(trace):
        answer = there.run("run", f"@{file}", "--yes", "--trace-file", str(trace))

    assert answer.exit_code == 1
    assert answer.output.startswith("Error: another process is at the trace")
