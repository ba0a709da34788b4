"""Lambda calls a function 16 times in a chain of messages, unless the template allows it more.

AWS Lambda developer guide, "Use Lambda recursive loop detection to prevent infinite loops".
"""

import math

import pytest

from cli.dlq.routes import Back, ToItsSource
from tests.contracts import wiring
from tests.simulation.account import account
from tests.simulation.choices import Choices
from tests.simulation.chosen import Chosen
from tests.simulation.functions import Lambda
from tests.simulation.models.sqs import Sqs
from tests.simulation.operators import send_back
from tests.simulation.outages import Outages
from tests.simulation.scheduler import Scheduler
from tests.simulation.simulate import BEGIN

QUEUE, DEAD = "https://sqs.invalid/1/q", "https://sqs.invalid/1/dead"


def functions() -> Lambda:
    """The stack's functions, where no fault strikes."""
    choices, scheduler = Choices(1), Scheduler(BEGIN)
    choices.calm = True
    world = account(choices, scheduler)
    return Lambda(world, Outages(choices, lambda: scheduler.now, 0))


def test_lambda_calls_a_function_16_times_in_a_chain_of_messages() -> None:
    stack = functions()

    assert stack.refuses("monitor", {"monitor": 15, "sweeper": 17}) == 0
    assert stack.refuses("monitor", {"monitor": 16}) == math.inf


def test_lambda_calls_the_sweeper_for_as_long_as_the_template_allows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert functions().refuses("sweeper", {"sweeper": 1000}) == 0

    monkeypatch.delitem(wiring.properties("SweeperFunction"), "RecursiveLoop")

    assert functions().refuses("sweeper", {"sweeper": 1000}) == math.inf


def test_a_message_tells_how_often_functions_were_called_until_it_was_sent(chosen: Chosen) -> None:
    sqs = chosen.make(Sqs)
    sqs.declare(QUEUE)
    sqs.lineage = lambda: {"sweeper": 3, "submitter": 1}
    sqs.send_message(QueueUrl=QUEUE, MessageBody="a")
    sqs.lineage = lambda: {"sweeper": 5}
    sqs.send_message_batch(QueueUrl=QUEUE, Entries=[{"Id": "0", "MessageBody": "b"}])
    sqs.put(QUEUE, "c", "events.amazonaws.com")
    received = [one["receiptHandle"] for one in sqs.receive(QUEUE, 10)]

    assert sqs.lineage_of(QUEUE, received) == {"sweeper": 5, "submitter": 1}
    assert sqs.lineage_of(QUEUE, received[-1:]) == {}


def test_a_letter_that_is_redriven_begins_a_chain_anew(chosen: Chosen) -> None:
    sqs = chosen.make(Sqs)
    sqs.declare(DEAD)
    sqs.declare(QUEUE, visibility=30, most_receives=1, dead_letters=DEAD)
    sqs.lineage = lambda: {"sweeper": 16}
    sqs.send_message(QueueUrl=QUEUE, MessageBody="a")
    sqs.receive(QUEUE, 1)
    chosen.now += 30
    sqs.receive(QUEUE, 1)
    sqs.lineage = dict
    send_back(sqs, DEAD, ToItsSource(Back("a", QUEUE)))
    (again,) = sqs.receive(QUEUE, 1)

    assert sqs.lineage_of(QUEUE, [again["receiptHandle"]]) == {}
