"""What the models do where the platform leaves it open, once somebody chooses so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from shared.events import RunId
from shared.run_store import RunStore
from tests.contracts import wiring
from tests.samples import JOB_QUEUE, NOW, REPOSITORY, a_run, minutes
from tests.simulation.models.batch import Batch
from tests.simulation.models.beside_moto import outcome
from tests.simulation.models.bitbucket import GIT_URL, URL, Bitbucket
from tests.simulation.models.dynamodb import DynamoDb
from tests.simulation.models.eventbridge import DEFAULT_BUS, EventBridge
from tests.simulation.models.ports import Unmodelled
from tests.simulation.models.sqs import Sqs

T = TypeVar("T")
QUEUE, DEAD = "https://sqs.invalid/1/q", "https://sqs.invalid/1/dead"
JOB = {"jobName": "a-job", "jobQueue": JOB_QUEUE, "jobDefinition": "d"}


@dataclass
class Chosen:
    """The faults that strike: all those that are `on`. What is between two numbers is the higher.

    Also the time, which stands still until it is moved, and what happens later.
    """

    on: set[str] = field(default_factory=set)
    now: float = NOW.timestamp()
    acts: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def strikes(self, fault: str, what: str) -> bool:
        return fault in self.on

    def among(self, options: Sequence[T], what: str = "") -> T:
        return options[-1]

    def between(self, low: float, high: float, what: str = "") -> float:
        return high

    def seconds(self, low: float, high: float, what: str = "") -> float:
        return high

    def clock(self) -> float:
        return self.now

    def later(self, seconds: float, act: Callable[[], None], label: str) -> None:
        self.acts.append((self.now + seconds, act))

    def settle(self) -> None:
        """Do all that is to happen later, at its time."""
        while self.acts:
            self.now, act = min(self.acts, key=lambda one: one[0])
            self.acts.remove((self.now, act))
            act()

    def make(self, model: Callable[..., T], *more: Any) -> T:
        return model(self.clock, self, self.later, *more)


@pytest.fixture
def chosen() -> Chosen:
    return Chosen()


# ---- DynamoDB ------------------------------------------------------------------------------------


def runs(chosen: Chosen) -> tuple[DynamoDb, RunStore]:
    dynamodb = chosen.make(DynamoDb)
    dynamodb.create_table(TableName="runs", **wiring.properties("RunsTable"))
    return dynamodb, RunStore(dynamodb, "runs")


def test_an_index_that_lags_shows_what_was_before(chosen: Chosen) -> None:
    _, store = runs(chosen)
    store.create(a_run())
    chosen.on = {"index-lag"}
    store.change(a_run().run_id, lambda run: run.changed(state="running"))

    assert [run.version for run in store.latest("requested")] == [1]
    assert not list(store.latest("running"))
    chosen.now += 61
    assert [run.version for run in store.latest("running")] == [2]


def test_an_index_that_lags_does_not_show_a_new_item_even_when_it_changes(chosen: Chosen) -> None:
    _, store = runs(chosen)
    chosen.on = {"index-lag"}
    store.create(a_run())
    chosen.on = set()
    chosen.now += 30
    store.change(a_run().run_id, lambda run: run.changed(reason="r"))

    assert not list(store.latest("requested"))
    chosen.now += 31
    assert [run.version for run in store.latest("requested")] == [2]


def test_only_a_consistent_read_sees_the_latest_write(chosen: Chosen) -> None:
    dynamodb, store = runs(chosen)
    store.create(a_run())
    chosen.on = {"eventual-read"}
    key: dict[str, Any] = {"TableName": "runs", "Key": {"run_id": {"S": a_run().run_id}}}

    assert not dynamodb.get_item(**key)
    assert dynamodb.get_item(**key, ConsistentRead=True)["Item"]
    chosen.now += 6
    assert dynamodb.get_item(**key)["Item"]


def test_a_query_goes_on_where_its_pages_end(chosen: Chosen) -> None:
    dynamodb, store = runs(chosen)
    for number in range(5):
        store.create(a_run(run_id=RunId(f"{number:024}"), updated_at=NOW + minutes(number // 2)))
    dynamodb.page_bytes = 1

    assert [int(run.run_id) for run in store.unmoved("requested", NOW + minutes(9))] == [*range(5)]
    assert [int(run.run_id) for run in store.latest("requested")] == [4, 3, 2, 1, 0]


def test_every_write_is_kept_and_a_refused_one_is_not(chosen: Chosen) -> None:
    dynamodb, store = runs(chosen)
    store.create(a_run())
    store.create(a_run())

    assert [(one.table, one.key) for one in dynamodb.writes] == [("runs", (a_run().run_id,))]


@pytest.mark.parametrize(
    "expression", ["size(#a) > :v", "#a.b = :v", "#a = :v AND", "contains(#a, :v)"]
)
def test_an_expression_that_is_not_known_is_not_guessed_at(chosen: Chosen, expression: str) -> None:
    dynamodb, _ = runs(chosen)
    with pytest.raises(Unmodelled):
        dynamodb.put_item(
            TableName="runs",
            Item={"run_id": {"S": "1"}},
            ConditionExpression=expression,
            ExpressionAttributeNames={"#a": "a"},
            ExpressionAttributeValues={":v": {"N": "1"}},
        )


def test_a_key_of_an_index_is_a_text_if_it_is_there(chosen: Chosen) -> None:
    dynamodb, _ = runs(chosen)
    item = {"run_id": {"S": "1"}, "state": {"N": "1"}}

    put = outcome(lambda: dynamodb.put_item(TableName="runs", Item=item))
    assert put == "ValidationException"


# ---- SQS -----------------------------------------------------------------------------------------


def a_queue(chosen: Chosen) -> Sqs:
    sqs = chosen.make(Sqs)
    sqs.declare(DEAD)
    sqs.declare(QUEUE, visibility=30, most_receives=2, dead_letters=DEAD)
    return sqs


def send(sqs: Sqs, *bodies: str) -> dict[str, list[dict[str, Any]]]:
    entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies)]
    return sqs.send_message_batch(QueueUrl=QUEUE, Entries=entries)


def test_a_copy_of_a_message_comes_although_it_was_deleted(chosen: Chosen) -> None:
    sqs = a_queue(chosen)
    send(sqs, "a")
    chosen.on = {"delivered-twice"}
    (first,) = sqs.receive(QUEUE, 10)
    chosen.on = set()
    sqs.delete(QUEUE, [first["receiptHandle"]])
    chosen.now += 61
    (copy,) = sqs.receive(QUEUE, 10)

    assert copy["messageId"] == first["messageId"]
    sqs.delete(QUEUE, [copy["receiptHandle"]])
    assert not sqs.waiting(QUEUE)


def test_a_message_whose_deletion_is_lost_comes_again(chosen: Chosen) -> None:
    sqs = a_queue(chosen)
    send(sqs, "a")
    chosen.on = {"delete-lost"}
    (first,) = sqs.receive(QUEUE, 10)
    sqs.delete(QUEUE, [first["receiptHandle"]])
    assert not sqs.receive(QUEUE, 10)
    chosen.now += 30
    (again,) = sqs.receive(QUEUE, 10)

    assert again["attributes"]["ApproximateReceiveCount"] == "2"


def test_an_older_receipt_deletes_nothing(chosen: Chosen) -> None:
    sqs = a_queue(chosen)
    send(sqs, "a")
    (first,) = sqs.receive(QUEUE, 10)
    chosen.now += 30
    sqs.receive(QUEUE, 10)
    sqs.delete(QUEUE, [first["receiptHandle"]])

    assert len(sqs.waiting(QUEUE)) == 1


def test_a_message_can_only_be_given_back_while_it_is_in_flight(chosen: Chosen) -> None:
    sqs = a_queue(chosen)
    send(sqs, "a")
    (record,) = sqs.receive(QUEUE, 10)

    def give_back(seconds: int) -> object:
        return outcome(
            lambda: sqs.change_message_visibility(
                QueueUrl=QUEUE, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=seconds
            )
        )

    assert give_back(43_201) == "InvalidParameterValue"
    assert give_back(5) == {}
    assert sqs.next_visible(QUEUE) == chosen.now + 5
    chosen.now += 5
    assert give_back(5) == "MessageNotInflight"
    sqs.delete(QUEUE, [record["receiptHandle"]])
    assert give_back(5) == "InvalidParameterValue"


def test_a_dead_letter_tells_when_it_was_sent_and_given_up_and_is_new_when_moved_back(
    chosen: Chosen,
) -> None:
    sqs = a_queue(chosen)
    send(sqs, "a")
    for _ in range(3):
        sqs.receive(QUEUE, 10)
        chosen.now += 30
    (letter,) = sqs.dead(QUEUE)

    assert letter.died_at is not None
    assert letter.died_at - letter.sent_at == 60 > sqs.retry_seconds(QUEUE) == 30
    assert not sqs.waiting(QUEUE)
    assert sqs.redrive(QUEUE) == 1
    (record,) = sqs.receive(QUEUE, 10)
    assert record["messageId"] != letter.id
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert not sqs.dead(QUEUE)


def test_some_messages_of_a_batch_are_refused_and_the_others_are_not(chosen: Chosen) -> None:
    sqs = a_queue(chosen)
    refused = send(sqs, "a", "\x00")
    chosen.on = {"partial"}
    failed = send(sqs, "b")

    assert [(one["Id"], one["SenderFault"]) for one in refused["Failed"]] == [("1", True)]
    assert [(one["Id"], one["SenderFault"]) for one in failed["Failed"]] == [("0", False)]
    assert [message.body for message in sqs.waiting(QUEUE)] == ["a"]


def test_whoever_polls_hears_of_every_message_that_may_be_visible_earlier(chosen: Chosen) -> None:
    sqs = a_queue(chosen)
    changed: list[str] = []
    sqs.on_change = changed.append
    send(sqs, "a")
    (record,) = sqs.receive(QUEUE, 10)
    sqs.change_message_visibility(
        QueueUrl=QUEUE, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=5
    )

    assert changed == [QUEUE, QUEUE]


# ---- EventBridge ---------------------------------------------------------------------------------


def bridged(chosen: Chosen) -> tuple[EventBridge, Sqs]:
    sqs = a_queue(chosen)
    eventbridge = chosen.make(EventBridge, sqs)
    for bus in (DEFAULT_BUS, "ours"):
        eventbridge.rule(bus, bus, {"source": ["aws.batch", "cloud-runner"]}, QUEUE)
    return eventbridge, sqs


EVENT = {"source": "aws.batch", "detail-type": "Batch Job State Change", "detail": {"jobId": "1"}}
ENTRY = {"EventBusName": "ours", "Source": "cloud-runner", "DetailType": "K", "Detail": "{}"}


@pytest.mark.parametrize(("fault", "times"), [("", 1), ("event-lost", 0), ("event-twice", 2)])
def test_what_batch_says_may_be_lost_and_may_come_twice(
    chosen: Chosen, fault: str, times: int
) -> None:
    eventbridge, sqs = bridged(chosen)
    chosen.on = {fault}
    eventbridge.deliver_aws(EVENT)
    chosen.settle()

    assert len(sqs.waiting(QUEUE)) == times


def test_what_putevents_has_accepted_is_never_lost(chosen: Chosen) -> None:
    eventbridge, sqs = bridged(chosen)
    chosen.on = {"event-lost", "delayed"}
    answer = eventbridge.put_events(Entries=[ENTRY, {**ENTRY, "Detail": "[]"}])
    chosen.settle()

    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][1]["ErrorCode"] == "MalformedDetail"
    assert len(sqs.waiting(QUEUE)) == len(eventbridge.published) == 1


def test_an_event_that_is_refused_is_on_no_bus(chosen: Chosen) -> None:
    eventbridge, sqs = bridged(chosen)
    chosen.on = {"partial"}
    answer = eventbridge.put_events(Entries=[ENTRY])
    chosen.settle()

    assert answer["FailedEntryCount"] == 1
    assert not eventbridge.published
    assert not sqs.waiting(QUEUE)


# ---- Batch ---------------------------------------------------------------------------------------


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


# ---- Bitbucket -----------------------------------------------------------------------------------

COMMITTED = (REPOSITORY.full_name, "c" * 40)
STATUSES = f"{URL}/repositories/{REPOSITORY.full_name}/commit/{COMMITTED[1]}/statuses/build"
STATUS = b'{"key": "k", "state": "FAILED", "url": "https://example.com"}'
SHOWN = {"Authorization": "Bearer t"}


def a_bitbucket(chosen: Chosen) -> Bitbucket:
    bitbucket = chosen.make(Bitbucket)
    bitbucket.commits.add(COMMITTED)
    bitbucket.tokens.add("Bearer t")
    return bitbucket


def test_a_status_takes_the_place_of_the_one_with_its_key(chosen: Chosen) -> None:
    bitbucket = a_bitbucket(chosen)
    answers = [bitbucket.request("POST", STATUSES, STATUS, SHOWN).status for _ in range(2)]

    assert answers == [201, 200]
    assert list(bitbucket.statuses) == [(*COMMITTED, "k")]
    assert len(bitbucket.history) == 2


def test_a_status_is_refused_for_its_token_its_commit_and_its_fields(chosen: Chosen) -> None:
    bitbucket = a_bitbucket(chosen)
    other = {"Authorization": "Bearer other"}

    assert bitbucket.request("POST", STATUSES, STATUS, other).status == 401
    assert bitbucket.request("POST", STATUSES.replace("c" * 40, "d"), STATUS, SHOWN).status == 404
    wrong = STATUS.replace(b"FAILED", b"LOST")
    assert bitbucket.request("POST", STATUSES, wrong, SHOWN).status == 400
    assert not bitbucket.history


def test_a_granted_token_is_good_for_two_hours(chosen: Chosen) -> None:
    bitbucket = a_bitbucket(chosen)
    bitbucket.consumers.add("Basic b")
    asked = bitbucket.request(
        "POST", f"{GIT_URL}/site/oauth2/access_token", b"", {"Authorization": "Basic b"}
    )
    granted = {"Authorization": f"Bearer {asked.json()['access_token']}"}

    assert bitbucket.request("POST", STATUSES, STATUS, granted).status == 201
    chosen.now += asked.json()["expires_in"]
    assert bitbucket.request("POST", STATUSES, STATUS, granted).status == 401
