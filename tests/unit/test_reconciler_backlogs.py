"""What the reconciler does not add to a queue that nobody reads."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from services.reconciler.backlogs import MOST_WAITING, Backlogs
from shared.errors import Unavailable
from shared.events import Event, JobDescribed, RunId, RunRequested, SweepDue
from tests.fakes import refusal

RUNS, BATCH = "https://sqs.invalid/runs", "https://sqs.invalid/batch-events"
QUEUES: dict[type[Event], str] = {RunRequested: RUNS, SweepDue: RUNS, JobDescribed: BATCH}
ASKED = RunRequested(run_id=RunId("a" * 24), attempt=1)
DUE = SweepDue(run_id=RunId("b" * 24), attempt=1)
HEARD = JobDescribed(run_id=RunId("c" * 24), attempt=1, job_id="job-1", job=None)


class Counts:
    """SQS's client: how many messages wait in each queue, and how many are in flight."""

    def __init__(self, **waiting: tuple[int, int]) -> None:
        self.waiting = waiting
        self.error: Exception | None = None
        self.asked: list[str] = []

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803 - botocore's names
        if self.error:
            raise self.error
        name = QueueUrl.rpartition("/")[2]
        self.asked.append(name)
        counts = map(str, self.waiting.get(name.replace("-", "_"), (0, 0)))
        return {"Attributes": dict(zip(AttributeNames, counts, strict=True))}


def test_a_queue_that_is_read_gets_what_was_found() -> None:
    sqs = Counts(runs=(MOST_WAITING, 0))

    assert Backlogs(sqs, QUEUES).with_room([ASKED, HEARD, DUE]) == [ASKED, DUE, HEARD]
    assert sorted(sqs.asked) == ["batch-events", "runs"]


@pytest.mark.parametrize("waiting", [(MOST_WAITING + 1, 0), (0, MOST_WAITING + 1), (60, 60)])
def test_a_queue_that_nobody_reads_gets_no_further_copies(waiting: tuple[int, int]) -> None:
    backlogs = Backlogs(Counts(batch_events=waiting), QUEUES)

    with capture_logs() as lines:
        taken = backlogs.with_room([ASKED, HEARD, HEARD])

    assert taken == [ASKED]
    (line,) = lines
    assert (line["event"], line["queue"], line["left_out"]) == ("queue not read", "batch-events", 2)
    assert line["waiting"] == sum(waiting)


def test_where_nothing_was_found_nobody_is_asked() -> None:
    sqs = Counts()

    assert Backlogs(sqs, QUEUES).with_room([]) == []
    assert sqs.asked == []


def test_a_queue_that_does_not_say_how_much_waits_in_it_fails_the_tick() -> None:
    sqs = Counts()
    sqs.error = refusal("ServiceUnavailable", 503, "GetQueueAttributes")

    with pytest.raises(Unavailable, match="counting a queue's messages"):
        Backlogs(sqs, QUEUES).with_room([ASKED])


def test_a_hundred_ended_jobs_that_nobody_reads_of_for_eight_hours_are_some_hundred_messages() -> (
    None
):
    sqs, waiting = Counts(), 0
    for _ in range(8 * 12):
        sqs.waiting["batch_events"] = (waiting, 0)
        waiting += len(Backlogs(sqs, QUEUES).with_room([HEARD] * 100))

    assert waiting == 200
