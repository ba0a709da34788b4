"""What the Batch endpoint keeps in memory of jobs, however many there were."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local.batch.jobs import Job
from local.batch.ledger import Ledger
from local.batch.register import Register, rows
from local.batch.store import Store
from tests.unit.test_batch_endpoint_arrays import a_job, begun, opened, succeeded


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "batch.sqlite")
    with closing(store):
        yield store


def keep(register: Register, store: Store, job: Job) -> None:
    register.put(job)
    store.save(rows([job]))


def test_a_job_that_has_ended_is_in_the_store_and_no_longer_in_memory(store: Store) -> None:
    register = Register(store)
    keep(register, store, a_job("ended"))
    keep(register, store, begun(a_job("running")))
    keep(register, store, succeeded(a_job("ended")))

    assert [job.job_id for job in register] == ["running"]
    assert register.get("ended") == succeeded(a_job("ended"))


def test_jobs_that_have_ended_keep_their_places_after_a_new_start(tmp_path: Path) -> None:
    books = opened(tmp_path)
    with closing(books.store):
        for name in ("first", "second", "third"):
            books.ledger.add(a_job(name))
        books.ledger.change("second", succeeded)
        before = listed(books.ledger)
    again = opened(tmp_path)
    with closing(again.store):
        after = listed(again.ledger)

    assert [job_id for job_id, _ in before] == ["third", "second", "first"]
    assert after == before


def listed(ledger: Ledger) -> list[tuple[str, int]]:
    with ledger.changed:
        return [(job.job_id, ledger.position(job)) for job in ledger.newest_first()]


def test_a_job_that_has_ended_can_still_be_needed_and_be_ended_again(tmp_path: Path) -> None:
    books = opened(tmp_path)
    with closing(books.store):
        books.ledger.add(a_job("needed"))
        ended = books.ledger.change("needed", succeeded)
        unchanged = books.ledger.change("needed", lambda job: job)

        assert unchanged == ended
        assert books.ledger.get("needed") == ended
        assert books.ledger.get("never there") is None
