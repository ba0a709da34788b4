"""What stands still, and what goes on, while SQS, EventBridge or Lambda is away for others too."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.events import RunRequested, enclose
from tests.contracts import wiring
from tests.samples import NOW, RUN_ID
from tests.simulation import names
from tests.simulation.account import account
from tests.simulation.choices import Choices
from tests.simulation.deliveries import Deliveries
from tests.simulation.models.declared import declare_rules
from tests.simulation.models.messages import Lineage
from tests.simulation.outages import Outages
from tests.simulation.pollers import Pollers
from tests.simulation.projects import Projects
from tests.simulation.pushes import Push
from tests.simulation.scheduler import Scheduler
from tests.simulation.schedules import Schedules
from tests.simulation.simulate import _HOSTILE_SECONDS, _LONGEST_SETTLING, _MOST_REDRIVES, simulate

RUNS = names.ref("RunsQueue")
VISIBILITY = 180
# A batch takes a moment to be found, and to be deleted.
SOON = 1


class Told(Choices):
    """Strikes what it is told, in that order, and nothing else; what lasts, lasts `seconds`."""

    def __init__(self, *faults: str, lasting: float = 0) -> None:
        super().__init__(1)
        self.faults = list(faults)
        self.lasting = lasting

    def strikes(self, fault: str, what: str) -> bool:
        del what
        if self.faults and self.faults[0] == fault:
            self.faults.pop(0)
            return True
        return False

    def seconds(self, low: float, high: float, what: str = "") -> float:
        del low, high, what
        return self.lasting


class Functions:
    """Does what it is called for at once, and notes when; away, or throttled, it is not called."""

    def __init__(self, stack: "Stack") -> None:
        self.stack = stack
        self.calls: list[tuple[str, float, list[str]]] = []
        self.busy = 0

    def invoke(
        self,
        name: str,
        event: dict[str, Any],
        done: Callable[[Any], None],
        lineage: Lineage | None = None,
    ) -> None:
        del lineage
        counts = [one["attributes"]["ApproximateReceiveCount"] for one in event.get("Records", [])]
        self.calls.append((name, self.stack.passed, counts))
        done({"batchItemFailures": [], "statusCode": 202})

    def refuses(self, name: str, lineage: Lineage | None = None) -> float:
        del name, lineage
        if self.stack.choices.strikes("invoke-throttled", ""):
            return self.stack.choices.lasting
        return self.stack.outages.left("lambda")

    def redeploy(self) -> None:
        raise NotImplementedError


class Stack:
    """The stack's queues and rules, with functions that do nothing."""

    def __init__(self, *faults: str, lasting: float = 0) -> None:
        self.choices = Told(*faults, lasting=lasting)
        self.scheduler = Scheduler(NOW.timestamp())
        self.world = account(self.choices, self.scheduler)
        self.outages = Outages(self.choices, lambda: self.scheduler.now, 0)
        self.functions = Functions(self)
        self.world.outages, self.world.functions = self.outages, self.functions
        self.world.eventbridge.away = self.outages.left
        declare_rules(self.world.eventbridge)
        Pollers(self.world)

    @property
    def passed(self) -> float:
        return self.scheduler.now - NOW.timestamp()

    def away(self, service: str, seconds: float) -> None:
        self.outages.let(service, self.scheduler.now, self.scheduler.now + seconds)

    def send(self) -> None:
        body = enclose(RunRequested(run_id=RUN_ID))
        self.world.sqs.send_message(QueueUrl=RUNS, MessageBody=body)

    def run(self, seconds: float) -> None:
        end = self.scheduler.now + seconds
        while (self.scheduler.next_due or end + 1) <= end:
            self.scheduler.step()
        self.scheduler.now = end


def test_while_sqs_is_away_no_poller_receives() -> None:
    stack = Stack()
    stack.send()
    stack.away("sqs", 1000)
    stack.run(2000)

    ((_, at, counts),) = stack.functions.calls
    assert 1000 <= at < 1000 + SOON
    assert counts == ["1"]


def test_what_is_done_while_sqs_is_away_cannot_be_deleted_and_comes_again() -> None:
    stack = Stack()
    stack.send()
    while not stack.functions.calls:
        stack.scheduler.step()
    stack.away("sqs", 10)
    stack.run(VISIBILITY + SOON)

    assert [counts for _, _, counts in stack.functions.calls] == [["1"], ["2"]]
    assert not stack.world.sqs.waiting(RUNS)


@pytest.mark.parametrize("service", ["sqs", "events"])
def test_an_event_that_was_accepted_comes_once_its_way_is_free(service: str) -> None:
    stack = Stack()
    entry = {"Source": "cloud-runner", "DetailType": "RunStateChanged", "Detail": "{}"}
    entry["EventBusName"] = names.ref("EventBus")
    stack.world.eventbridge.put_events(Entries=[entry])
    stack.away(service, 5000)
    stack.run(4999)
    assert not stack.functions.calls
    stack.run(500)

    ((name, at, _),) = stack.functions.calls
    assert name == "notifier"
    assert 5000 <= at < 5500


def test_of_what_batch_says_while_eventbridge_is_away_some_comes_late_and_some_never() -> None:
    stack = Stack()
    stack.away("events", 5000)
    detail = {"jobQueue": names.environment("submitter")["JOB_QUEUE"], "status": "RUNNING"}
    for _ in range(20):
        event = {"source": "aws.batch", "detail-type": "Batch Job State Change", "detail": detail}
        stack.world.eventbridge.deliver_aws(event)
    stack.run(5500)

    times = [at for name, at, counts in stack.functions.calls for _ in counts if name == "monitor"]
    assert 0 < len(times) < 20
    assert min(times) >= 5000


def test_no_schedule_fires_while_eventbridge_is_away() -> None:
    stack = Stack()
    Schedules(stack.world).begin()
    stack.away("events", 1000)
    stack.run(2000)

    times = [at for _, at, _ in stack.functions.calls]
    assert times
    assert min(times) >= 1000


def test_a_schedule_that_lambda_cannot_serve_is_served_late() -> None:
    stack = Stack()
    Schedules(stack.world).begin()
    stack.away("lambda", 1000)
    stack.run(1299)

    times = [at for _, at, _ in stack.functions.calls]
    # Those of before, and its own.
    assert len(times) > 2
    assert min(times) >= 1000


def test_while_lambda_is_away_messages_are_received_all_the_same() -> None:
    stack = Stack()
    stack.send()
    stack.away("lambda", 3 * VISIBILITY - 10)
    stack.run(4 * VISIBILITY)

    ((_, at, counts),) = stack.functions.calls
    assert 3 * VISIBILITY - 10 <= at < 3 * VISIBILITY
    assert counts == ["3"]


def test_a_message_that_lambda_can_call_nobody_with_is_given_up_in_the_end() -> None:
    stack = Stack()
    stack.send()
    stack.away("lambda", 30_000)
    stack.run(25 * VISIBILITY)

    assert not stack.functions.calls
    (letter,) = stack.world.sqs.dead(RUNS)
    assert letter.receives == 20


def test_a_throttled_batch_is_called_while_its_messages_are_hidden() -> None:
    stack = Stack("invoke-throttled", lasting=VISIBILITY - 2)
    stack.send()
    stack.run(2 * VISIBILITY)

    ((_, at, counts),) = stack.functions.calls
    assert VISIBILITY - 2 <= at < VISIBILITY
    assert counts == ["1"]


def test_a_batch_that_is_throttled_for_longer_comes_again_with_its_count_raised() -> None:
    stack = Stack("invoke-throttled", lasting=VISIBILITY + 1)
    stack.send()
    stack.run(2 * VISIBILITY)

    ((_, at, counts),) = stack.functions.calls
    assert VISIBILITY <= at < VISIBILITY + SOON
    assert counts == ["2"]


@pytest.mark.parametrize(("away", "called", "resent"), [(0.05, 1, 1), (1000.0, 0, 2)])
def test_a_push_that_lambda_is_not_called_with_is_sent_three_times_in_all(
    away: float, called: int, resent: int
) -> None:
    stack = Stack()
    projects = Projects(stack.world)
    deliveries = Deliveries(stack.world, stack.world.ledger)
    hook = projects.hook("pushed to")
    stack.away("lambda", away)
    (ask,) = deliveries.push(hook, Push(hook.repository, (("main", projects.commit()),)))
    stack.run(100)

    assert len([name for name, _, _ in stack.functions.calls if name == "webhook"]) == called
    assert stack.world.counts["deliveries resent"] == resent
    assert ask.stored is bool(called)
    assert not deliveries.open
    assert not stack.world.ledger.complaints


def test_a_seed_tells_when_a_service_is_away_and_when_it_is_back() -> None:
    for seed in range(1, 200):
        if "outage-lambda" in Choices(seed).profile:
            lines = simulate(seed, trace=True).lines
            assert [line.split()[1:] for line in lines if " lambda " in line] == [
                ["lambda", "is", "away"],
                ["lambda", "is", "back"],
            ]
            return
    pytest.fail("no seed has an outage of Lambda")


def test_no_message_gets_as_old_as_its_queue_keeps_it() -> None:
    longest = max(_HOSTILE_SECONDS) + 30_000 + (1 + _MOST_REDRIVES) * _LONGEST_SETTLING

    for queue in wiring.queues().values():
        # The age of a dead letter is that of its message, which is why the model forgets nothing.
        assert queue["MessageRetentionPeriod"] > longest
