"""Which functions call themselves by way of queues: Lambda stops that, unless it is allowed.

Lambda counts how often an event has led to a call of the same function, over SQS, SNS, S3 and
other functions, and refuses the 17th; over EventBridge it counts nothing (AWS Lambda developer
guide, "Use Lambda recursive loop detection to prevent infinite loops").
"""

from collections.abc import Iterable

import pytest

from tests.contracts.wiring import (
    Function,
    functions,
    listed,
    of_type,
    points_to,
    properties,
)

FUNCTIONS = {function.logical_id: function for function in functions()}
READERS = {function.queue: name for name, function in FUNCTIONS.items() if function.queue}


def _allows(function: Function, action: str) -> Iterable[str]:
    """What a function's role may do `action` to."""
    for statement in function.statements:
        if action in listed(statement["Action"]):
            yield from (str(points_to(resource)) for resource in listed(statement["Resource"]))


def _led_to(function: Function) -> set[str]:
    """The functions that messages of this one may lead to, directly or by way of others."""
    found: set[str] = set()
    ahead = [function]
    while ahead:
        queues = _allows(ahead.pop(), "sqs:SendMessage")
        new = {READERS[queue] for queue in queues if queue in READERS} - found
        found |= new
        ahead += [FUNCTIONS[name] for name in new]
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_may_call_itself_where_its_messages_lead_back_to_it_and_nowhere_else(
    name: str,
) -> None:
    function = FUNCTIONS[name]
    loops = name in _led_to(function)

    assert function.loops is loops


def test_the_sweepers_clock_is_such_a_loop_and_the_only_one() -> None:
    loops = {name for name, function in FUNCTIONS.items() if name in _led_to(function)}

    assert loops == {"SweeperFunction"}
    assert properties("SweepsQueue")["DelaySeconds"] == 30


def test_nothing_but_queues_and_eventbridge_leads_from_function_to_function() -> None:
    sources = {e["Type"] for f in FUNCTIONS.values() for e in f.declared.get("Events", {}).values()}
    callers = {one["Principal"] for one in of_type("AWS::Lambda::Permission").values()}
    actions = {a for f in FUNCTIONS.values() for s in f.statements for a in listed(s["Action"])}

    assert sources == {"SQS", "HttpApi"}
    assert callers == {"events.amazonaws.com"}
    assert not actions & {"lambda:InvokeFunction", "lambda:InvokeAsync", "sns:Publish"}
