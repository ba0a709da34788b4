"""How Batch is asked about many runs, and which requests are sent again."""

from datetime import timedelta

from services.reconciler.findings import findings, still_requested
from shared.batch_jobs import BatchJobs
from shared.consumer import backoff
from shared.events import RunId, RunRequested
from shared.runs import Run
from tests.fakes import Batch, Clock
from tests.samples import JOB_QUEUE, NOW, a_job, a_run, minutes


def submitted(batch: Batch, number: int) -> Run:
    """A run with a job in `batch`."""
    run = a_run(run_id=RunId(f"{number:024}"), state="submitted")
    name = a_job().name + str(number)
    parameters = {"runId": run.run_id, "attempt": "1"}
    job_id = batch.submit_job(jobName=name, jobQueue=JOB_QUEUE, parameters=parameters)["jobId"]
    return run.changed(job=a_job(job_id=job_id).model_copy(update={"name": name}))


def test_batch_is_asked_about_a_hundred_jobs_a_call() -> None:
    batch = Batch(Clock(), [])
    runs = [submitted(batch, number) for number in range(205)]
    for job_id in batch.jobs:
        batch.move(job_id, "RUNNING")

    found = list(findings(runs, BatchJobs(batch), NOW))

    assert batch.described == [100, 100, 5]
    assert [event.run_id for event in found] == [run.run_id for run in runs]
    assert {(event.job or {}).get("status") for event in found} == {"RUNNING"}


def test_nothing_to_ask_about_calls_nobody() -> None:
    batch = Batch(Clock(), [])

    assert list(findings([a_run(), a_run(job=a_job())], BatchJobs(batch), NOW)) == []
    assert batch.described == []


def test_a_request_is_sent_again_when_nobody_has_it_any_more() -> None:
    later = NOW + minutes(20)
    live = a_run(lease_until=later + minutes(1))
    over = a_run(lease_until=later, attempt=2)
    just_touched = a_run(updated_at=NOW + minutes(1))

    assert list(still_requested([a_run(), live, over, just_touched], later)) == [
        RunRequested(run_id=live.run_id),
        RunRequested(run_id=live.run_id, attempt=2),
    ]


def test_a_request_is_not_sent_again_while_its_message_may_still_come() -> None:
    longest = max(backoff(delivery) for delivery in range(1, 40) for _ in range(100))
    run = a_run()

    assert not list(still_requested([run], run.updated_at + timedelta(seconds=longest)))
