"""Data goes to its remote before anything else, and not at the first try only."""

import time

import pytest

from container.delivery import deliver_data
from container.exits import Exit, JobFailed


class Remote:
    """A DVC remote that takes data after so many tries."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.pauses: list[float] = []
        self.interrupted = False

    def push(self) -> bool:
        self.refusals -= 1
        return self.refusals < 0

    def pause(self, seconds: float, *, finish: bool = False) -> None:
        assert finish  # a SIGTERM must not lose what is finished
        self.pauses.append(seconds)


def test_data_that_is_not_taken_at_once_is_pushed_again_with_growing_pauses() -> None:
    remote = Remote(refusals=2)

    deliver_data(remote, remote, time.monotonic() + 1000)

    assert remote.pauses == [2, 8]


def test_data_that_is_never_taken_ends_the_job_without_a_commit() -> None:
    remote = Remote(refusals=9)

    with pytest.raises(JobFailed) as failed:
        deliver_data(remote, remote, time.monotonic())

    assert failed.value.code == Exit.DATA_NOT_PUSHED
    assert len(remote.pauses) == 1


def test_after_sigterm_there_is_no_time_to_wait_for_the_remote() -> None:
    remote = Remote(refusals=9)
    remote.interrupted = True

    with pytest.raises(JobFailed) as failed:
        deliver_data(remote, remote, time.monotonic() + 1000)

    assert failed.value.code == Exit.DATA_NOT_PUSHED
    assert remote.pauses == []
