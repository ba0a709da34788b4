"""What can happen to a call: done or not, heard or not, tried again or not."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from tests.fakes import refusal
from tests.simulation.choices import Choices
from tests.simulation.effects import EffectfulClients
from tests.simulation.outages import Outages
from tests.simulation.scheduler import Scheduler
from tests.simulation.world import Trace, World


class Told(Choices):
    """Strikes what it is told, in that order, and nothing else."""

    def __init__(self, *faults: str) -> None:
        super().__init__(1)
        self.faults = list(faults)

    def strikes(self, fault: str, what: str) -> bool:
        if self.faults and self.faults[0] == fault:
            self.faults.pop(0)
            return True
        return False


class Batch:
    """Counts the jobs that it was given."""

    def __init__(self) -> None:
        self.jobs: list[str] = []

    def submit_job(self, **submission: str) -> dict[str, str]:
        if submission["jobName"] == "wrong":
            raise refusal("ClientException", 400)
        self.jobs.append(submission["jobName"])
        return {"jobId": f"job-{len(self.jobs)}"}

    def list_jobs(self, **_query: object) -> dict[str, list[str]]:
        return {"jobSummaryList": self.jobs}


class Account:
    """A world with nothing but Batch."""

    def __init__(self, *faults: str) -> None:
        self.batch = Batch()
        self.choices = Told(*faults)
        self.scheduler = Scheduler(0)
        bare: Any = SimpleNamespace(
            batch=self.batch,
            choices=self.choices,
            scheduler=self.scheduler,
            trace=Trace(self.scheduler, on=True),
            count=lambda _what: None,
            latency=0.06,
        )
        self.world = cast("World", bare)
        self.outages = Outages(self.choices, lambda: self.scheduler.now, 0)
        self.seconds = 0.0

    def call(self, attempts: int = 3, name: str = "a", operation: str = "submit_job") -> object:
        """What a process hears that submits a job: the answer, or the error."""
        client = EffectfulClients(self.world, self.outages, "submitter").make(
            "batch", attempts=attempts
        )
        heard: list[object] = []

        def work() -> object:
            try:
                return getattr(client, operation)(jobName=name)
            except Exception as error:  # noqa: BLE001 - it is what the test is about
                return error
            finally:
                self.seconds = self.scheduler.now

        self.scheduler.spawn("submitter", work, done=heard.append)
        while self.scheduler.step() is not None:
            pass
        (one,) = heard
        return one


def code(error: object) -> str:
    assert isinstance(error, ClientError)
    return str(error.response["Error"]["Code"])


def test_a_call_is_done_while_others_run_before_and_after() -> None:
    account = Account()
    others: list[int] = []
    account.scheduler.later(0.001, lambda: others.append(len(account.batch.jobs)), "before")
    account.scheduler.later(1, lambda: others.append(len(account.batch.jobs)), "after")

    assert account.call() == {"jobId": "job-1"}
    assert others == [0, 1]


@pytest.mark.parametrize(
    ("fault", "jobs"), [("crash-before", []), ("crash-after", ["a"]), ("unclear", ["a"])]
)
def test_a_call_whose_answer_is_never_heard_is_done_or_not(fault: str, jobs: list[str]) -> None:
    account = Account(fault)

    answer = account.call(attempts=1)

    assert not isinstance(answer, dict)
    assert account.batch.jobs == jobs


def test_an_answer_that_does_not_come_is_waited_for_as_long_as_the_product_waits() -> None:
    account = Account("unclear")

    assert isinstance(account.call(attempts=1), ReadTimeoutError)
    assert 5 < account.seconds < 5.1


def test_a_client_of_several_attempts_calls_again_and_a_job_may_be_there_twice() -> None:
    account = Account("unclear")

    assert account.call(attempts=3) == {"jobId": "job-2"}
    assert account.batch.jobs == ["a", "a"]


@pytest.mark.parametrize("fault", ["throttled", "not-reached"])
def test_a_call_that_is_not_done_is_tried_as_often_as_the_client_says(fault: str) -> None:
    passing, lasting = Account(fault, fault), Account(fault, fault, fault)

    assert passing.call(attempts=3) == {"jobId": "job-1"}
    error = lasting.call(attempts=3)
    assert lasting.batch.jobs == []
    assert isinstance(error, (ClientError, ConnectTimeoutError, EndpointConnectionError))


def test_what_the_service_refuses_is_not_tried_again() -> None:
    account = Account()

    assert code(account.call(name="wrong")) == "ClientException"


def test_what_lands_late_is_done_after_the_caller_has_given_up() -> None:
    account = Account("lands-late")
    jobs: list[int] = []
    account.scheduler.later(5.1, lambda: jobs.append(len(account.batch.jobs)), "given up")

    assert isinstance(account.call(attempts=1), ReadTimeoutError)
    assert jobs == [0]
    assert account.batch.jobs == ["a"]


def test_what_only_reads_does_not_land_late() -> None:
    account = Account("lands-late")

    assert account.call(attempts=1, operation="list_jobs") == {"jobSummaryList": []}


def test_during_an_outage_nothing_is_done_and_after_it_everything_is() -> None:
    account = Account("outage-batch")

    error = account.call(attempts=1)

    assert isinstance(error, (ClientError, ConnectTimeoutError))
    assert account.batch.jobs == []
    after: Callable[[], object] = account.call
    account.scheduler.now = account.outages.last_end
    assert after() == {"jobId": "job-1"}
