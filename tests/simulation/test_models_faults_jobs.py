"""What the model of Batch does where the platform leaves it open, once somebody chooses so."""

import pytest

from tests.samples import JOB_QUEUE
from tests.simulation.chosen import Chosen
from tests.simulation.models.batch import Batch
from tests.simulation.models.beside_moto import outcome

JOB = {"jobName": "a-job", "jobQueue": JOB_QUEUE, "jobDefinition": "d"}


def a_batch(chosen: Chosen) -> Batch:
    batch = chosen.make(Batch)
    batch.queues[JOB_QUEUE] = False
    batch.definitions.add("d")
    return batch


def listed(batch: Batch) -> list[str]:
    filters = [{"name": "JOB_NAME", "values": ["A-JOB"]}]
    first = batch.list_jobs(jobQueue=JOB_QUEUE, filters=filters)
    return [job["jobId"] for job in first["jobSummaryList"]]


@pytest.mark.parametrize(("fault", "seconds"), [("list-lag", 60), ("list-lag-beyond", 180)])
def test_a_job_is_listed_some_time_after_it_was_submitted(
    chosen: Chosen, fault: str, seconds: float
) -> None:
    batch = a_batch(chosen)
    chosen.on = {fault}
    batch.submit_job(**JOB)
    chosen.now += seconds - 1
    before = listed(batch)
    chosen.now += 1

    assert not before
    assert listed(batch) == ["job-1"]


def test_a_job_that_is_described_late_is_as_it_was_before(chosen: Chosen) -> None:
    batch = a_batch(chosen)
    batch.submit_job(**JOB)
    batch.move("job-1", "RUNNING", startedAt=1)
    chosen.on = {"eventual-read"}

    assert batch.describe_jobs(jobs=["job-1"])["jobs"][0]["status"] == "SUBMITTED"
    chosen.now += 11
    assert batch.describe_jobs(jobs=["job-1"])["jobs"][0]["status"] == "RUNNING"


def test_a_new_job_definition_is_shown_after_some_minutes(chosen: Chosen) -> None:
    batch = a_batch(chosen)
    chosen.on = {"definition-unseen"}
    batch.define("new")
    chosen.now += 289
    before = batch.describe_job_definitions(jobDefinitionName="new")["jobDefinitions"]
    chosen.now += 1

    assert not before
    assert batch.describe_job_definitions(jobDefinitionName="new")["jobDefinitions"]


def test_a_job_that_is_known_may_be_left_out_of_an_answer(chosen: Chosen) -> None:
    batch = a_batch(chosen)
    batch.submit_job(**JOB)
    chosen.on = {"left-out"}

    assert not batch.describe_jobs(jobs=["job-1"])["jobs"]
    chosen.on = set()
    assert batch.describe_jobs(jobs=["job-1"])["jobs"]


def test_a_new_job_may_not_be_described_yet_and_an_old_one_no_more(chosen: Chosen) -> None:
    batch = a_batch(chosen)
    chosen.on = {"eventual-read"}
    batch.submit_job(**JOB)
    known = []
    for seconds in (59, 1):
        chosen.now += seconds
        known.append(len(batch.describe_jobs(jobs=["job-1"])["jobs"]))
    batch.forget("job-1")

    assert known == [0, 1]
    assert not batch.describe_jobs(jobs=["job-1"])["jobs"]
    assert batch.submit_job(**JOB)["jobId"] == "job-2"


@pytest.mark.parametrize(
    "wrong",
    [
        {"jobName": "a job"},
        {"jobQueue": "arn:other"},
        {"jobDefinition": "other"},
        {"shareIdentifier": "default"},
    ],
)
def test_a_job_that_batch_calls_wrong_is_not_taken(chosen: Chosen, wrong: dict[str, str]) -> None:
    batch = a_batch(chosen)

    assert outcome(lambda: batch.submit_job(**JOB | wrong)) == "ClientException"
    assert not batch.jobs


def test_a_job_ends_once_it_is_terminated_and_not_twice(chosen: Chosen) -> None:
    batch = a_batch(chosen)
    heard: list[str] = []
    batch.on_submitted(heard.append)
    batch.submit_job(**JOB)
    batch.terminate_job(jobId="job-1", reason="r")
    batch.terminate_job(jobId="job-1", reason="again")
    batch.terminate_job(jobId="job-2", reason="there is none")

    assert heard == ["job-1"]
    assert batch.terminations == [("job-1", "r")]
    assert batch.event("job-1")["detail"]["statusReason"] == "r"
