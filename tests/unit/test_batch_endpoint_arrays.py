"""Arrays: what stands for ten thousand children, in the ledger and in the outbox."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from local.batch.arns import Account
from local.batch.arrays import parse_child_id
from local.batch.events import Announcer, events_of
from local.batch.jobs import ENDED, ArrayProperties, Job, Outcome
from local.batch.ledger import Ledger
from local.batch.shapes import AttemptContainer, Container, Dependency, Document, Status
from local.batch.store import Store

ACCOUNT = Account("123456789012", "eu-west-1")
WHERE = AttemptContainer(task_arn="arn:aws:ecs:eu-west-1:123456789012:task/t")
MOST = 10_000


def a_job(job_id: str, size: int | None = None, needs: str | None = None) -> Job:
    return Job(
        job_arn=ACCOUNT.batch("job", job_id),
        job_name=job_id,
        job_id=job_id,
        job_queue=ACCOUNT.batch("job-queue", "q"),
        job_definition=ACCOUNT.batch("job-definition", "d:1"),
        created_at=1,
        container=Container(image="none"),
        array_properties=ArrayProperties(size=size) if size else None,
        depends_on=(Dependency(job_id=needs),) if needs else (),
        tags={"team": "a"},
    )


def runnable(job: Job) -> Job:
    return job.changed(status=Status.RUNNABLE)


def begun(job: Job) -> Job:
    return job.starting(WHERE, "i-0").running(now=2)


def succeeded(job: Job) -> Job:
    return begun(job).ended(Outcome(ENDED, 0), now=3)


@dataclass
class Books:
    """A ledger and the store below it."""

    ledger: Ledger
    store: Store

    def events(self) -> Iterator[Document]:
        return (event for _, entry in self.store.outbox(100) for event in events_of(entry))

    def detail(self, job_id: str) -> Document:
        job = self.ledger.get(job_id)
        assert job is not None
        return self.ledger.detail(job)

    def summary(self, parent_id: str) -> dict[str, int]:
        properties = self.detail(parent_id)["arrayProperties"]
        assert isinstance(properties, dict)
        summary = properties["statusSummary"]
        assert isinstance(summary, dict)
        return {name: int(str(count)) for name, count in summary.items() if count}


def opened(path: Path) -> Books:
    store = Store(path / "batch.sqlite")
    return Books(Ledger(store, Announcer(ACCOUNT, lambda: 1)), store)


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    books = opened(tmp_path)
    with closing(books.store):
        yield books


def queued(books: Books, size: int = MOST) -> str:
    """The id of an array whose children are all RUNNABLE."""
    books.ledger.add(a_job("p", size))
    books.ledger.change("p", partial(Job.changed, status=Status.PENDING))
    books.ledger.change_children("p", runnable)
    return "p"


def test_the_largest_array_is_queued_in_three_rows_and_two_entries(books: Books) -> None:
    queued(books)
    entries = books.store.outbox(100)

    assert books.summary("p") == {"RUNNABLE": MOST}
    assert len([*books.store.load("job")]) == 2
    assert books.store.members("child", "status") == []
    assert len(entries) == 2
    assert len([*books.events()]) == 1 + MOST


def test_every_child_of_an_array_has_an_event_of_its_own(books: Books) -> None:
    queued(books, size=3)
    _, first, second, third = books.events()
    arn = ACCOUNT.batch("job", "p:1")
    detail = second["detail"]

    assert isinstance(detail, dict)
    assert (detail["jobId"], detail["jobArn"], detail["status"]) == ("p:1", arn, "RUNNABLE")
    assert detail["arrayProperties"] == {"index": 1}
    assert detail["tags"] == {"team": "a", "resourceArn": arn}
    assert second["resources"] == [arn]
    assert len({str(one["id"]) for one in (first, second, third)}) == 3
    assert [one["id"] for one in books.events()][1:] == [first["id"], second["id"], third["id"]]
    assert detail | {"tags": {"team": "a"}} == books.detail("p:1")


def test_events_of_an_arrays_children_are_lost_and_doubled_one_by_one() -> None:
    copies = iter([0, 1, 2])
    (entry,) = Announcer(ACCOUNT, lambda: next(copies)).children_changed(
        a_job("p:*").detail() | {"tags": {}}, range(3)
    )
    ids = [str(event["id"]) for event in events_of(entry)]

    assert len(ids) == 3
    assert ids[1] == ids[2] != ids[0]


def test_a_child_that_begins_goes_its_own_way_and_the_others_wait(books: Books) -> None:
    queued(books)
    books.ledger.change("p:0", begun)

    assert books.detail("p:0")["status"] == "RUNNING"
    assert books.detail("p:1")["status"] == "RUNNABLE"
    assert books.detail("p:9999")["arrayProperties"] == {"index": 9999}
    assert books.summary("p") == {"RUNNABLE": MOST - 1, "RUNNING": 1}
    assert [*books.ledger.children_in("p", Status.RUNNING)] == [0]


def test_children_wait_in_the_order_of_their_indexes_and_leave_the_line_at_last(
    books: Books,
) -> None:
    queued(books, size=3)
    started = []
    while lines := [*books.ledger.lines]:
        started.append(books.ledger.first_in(lines[0]).job_id)
        books.ledger.change(started[-1], begun)

    assert started == ["p:0", "p:1", "p:2"]


def test_a_child_that_is_tried_again_waits_behind_the_others(books: Books) -> None:
    queued(books, size=2)
    books.ledger.change("p:0", begun)
    books.ledger.change("p:0", runnable)
    (line,) = books.ledger.lines
    first = books.ledger.first_in(line).job_id
    books.ledger.change("p:1", begun)

    assert first == "p:1"
    assert books.ledger.first_in(line).job_id == "p:0"


def test_a_child_that_somebody_looked_at_keeps_its_turn(books: Books) -> None:
    queued(books, size=3)
    books.ledger.block("p:1", "CAPACITY:X - none")
    (line,) = books.ledger.lines

    assert books.ledger.first_in(line).job_id == "p:1"
    assert books.summary("p") == {"RUNNABLE": 3}


def test_the_children_that_wait_end_at_once_and_the_array_with_them(books: Books) -> None:
    queued(books)
    books.ledger.change("p:0", succeeded)
    books.ledger.change_children("p", partial(Job.failed, reason="enough", now=9))

    assert books.summary("p") == {"SUCCEEDED": 1, "FAILED": MOST - 1}
    assert books.detail("p")["status"] == "FAILED"
    assert books.detail("p:9999")["statusReason"] == "enough"
    assert [*books.ledger.lines] == []
    assert len(books.store.members("child", "status")) == 1


def test_a_child_that_has_ended_is_found_in_the_store(books: Books) -> None:
    queued(books, size=2)
    books.ledger.change("p:1", succeeded)

    assert books.detail("p:1")["status"] == "SUCCEEDED"
    assert books.detail("p:1")["stoppedAt"] == 3
    assert [*books.ledger.children_in("p", Status.SUCCEEDED)] == [1]


def test_an_array_is_the_same_after_the_endpoint_started_again(tmp_path: Path) -> None:
    books = opened(tmp_path)
    with closing(books.store):
        queued(books)
        books.ledger.change("p:0", succeeded)
        books.ledger.change("p:1", begun)
        books.ledger.change("p:2", begun)
        books.ledger.change("p:2", runnable)
        before = [books.detail(job_id) for job_id in ("p", "p:0", "p:1", "p:2", "p:9999")]
    again = opened(tmp_path)
    with closing(again.store):
        (line,) = again.ledger.lines
        turn = again.ledger.first_in(line).job_id
        after = [again.detail(job_id) for job_id in ("p", "p:0", "p:1", "p:2", "p:9999")]
        running = [job.job_id for job in again.ledger.on_machines()]

    assert after == before
    assert running == ["p:1"]
    assert turn == "p:3"


def test_who_needs_a_child_is_looked_at_when_all_children_end_at_once(books: Books) -> None:
    queued(books, size=3)
    for name, needs in (("after-parent", "p"), ("after-child", "p:2"), ("after-other", "x")):
        books.ledger.add(a_job(name, needs=needs))
    books.ledger.to_admit()
    books.ledger.change_children("p", partial(Job.failed, reason="enough", now=9))

    assert {job.job_id for job in books.ledger.to_admit()} == {"after-parent", "after-child"}


@pytest.mark.parametrize("job_id", ["p:3", "p:-1", "p:01", "p:*", "p:", ":0", "q:0", "p:²", "p:x"])
def test_no_child_has_any_other_id(books: Books, job_id: str) -> None:
    queued(books, size=3)

    assert books.ledger.get(job_id) is None


def test_only_parents_and_single_jobs_are_listed_newest_first(books: Books) -> None:
    queued(books, size=2)
    books.ledger.change("p:0", begun)
    books.ledger.add(a_job("alone"))

    assert [job.job_id for job in books.ledger.newest_first()] == ["alone", "p"]


def test_a_childs_id_is_its_parents_and_its_index() -> None:
    assert parse_child_id("4f2a:10") == ("4f2a", 10)
