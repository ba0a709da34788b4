"""How Batch is asked about many runs, and which requests are sent again."""

from services.reconciler.findings import FORSAKEN, findings, still_requested
from shared.batch_jobs import BatchJobs
from shared.consumer import backoff
from shared.events import Asked, JobDescribed, RunId, RunRequested, Sweep, SweepDue
from shared.runs import Run
from tests.fakes import Batch, Clock
from tests.samples import JOB_QUEUE, NOW, a_job, a_run, minutes, template


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
    jobs = [event.job or {} for event in found if isinstance(event, JobDescribed)]
    assert [job.get("status") for job in jobs] == ["RUNNING"] * 205


def test_a_sweep_that_has_not_moved_is_looked_after_again() -> None:
    batch = Batch(Clock(), [])
    run = submitted(batch, 1).changed(asked=Asked(sweep=Sweep(sweep_id="4f2a", size=2)))

    assert list(findings([run], BatchJobs(batch), NOW)) == [SweepDue(run_id=run.run_id)]


def test_nothing_to_ask_about_calls_nobody() -> None:
    batch = Batch(Clock(), [])

    assert list(findings([a_run(), a_run(job=a_job())], BatchJobs(batch), NOW)) == []
    assert batch.described == []


def test_requests_under_a_live_lease_are_left_alone() -> None:
    live = a_run(lease_until=NOW + minutes(1))
    over = a_run(lease_until=NOW, attempt=2)

    assert list(still_requested([a_run(), live, over], NOW)) == [
        RunRequested(run_id=live.run_id),
        RunRequested(run_id=live.run_id, attempt=2),
    ]


def test_no_request_is_sent_again_while_its_message_may_still_come() -> None:
    longest = max(backoff(delivery) for delivery in range(1, 40) for _ in range(100))
    unmoved = template()["Parameters"]["UnmovedSeconds"]["Default"]

    assert FORSAKEN * unmoved > longest
