"""Waiting until the stack has nothing to do any more, as long as it gets on, and half an hour."""

import time
from collections.abc import Callable, Iterator

from botocore.exceptions import BotoCoreError, ClientError

from shared.run_store import INDEX
from shared.runs import OPEN_STATES
from tests.load.embedded import Loaded
from tests.load.report import say

_LOOK_SECONDS = 3.0
_SAY_SECONDS = 30.0
# Longer than a message that failed once stays away: a visibility timeout, 180 s or 360 s.
_STALLED_SECONDS = 420.0
# What 10,000 messages need is a third of it. A message that fails is tried for hours.
_LONGEST_SECONDS = 1800.0


def settle(stack: Loaded) -> bool:
    """Wait until no run is open and no message waits.

    False if nothing moved for 420 s, or that is not so after half an hour.
    """
    return until_nothing_left(lambda: (waiting(stack), open_runs(stack)))


def until_nothing_left(left: Callable[[], tuple[int, ...]]) -> bool:
    """Wait until `left` is zeros at two looks in a row; False as `settle` has it."""
    before: tuple[int, ...] | None = None
    began = moved = said = time.monotonic()
    while True:
        counts, now = _counted(left), time.monotonic()
        if counts is not None and counts == before and not any(counts):
            return True
        if counts is not None and counts != before:
            before, moved = counts, now
        elif now - moved > _STALLED_SECONDS:
            return False
        if now - began > _LONGEST_SECONDS:
            return False
        if now - said > _SAY_SECONDS:
            say(f"… left: {before and ' and '.join(f'{one:,}' for one in before)}")
            said = now
        time.sleep(_LOOK_SECONDS)


def _counted(left: Callable[[], tuple[int, ...]]) -> tuple[int, ...] | None:
    try:
        return left()
    except (BotoCoreError, ClientError):  # it has too much to do to answer: that is no news
        return None


def waiting(stack: Loaded) -> int:
    """How many messages wait or are in work; dead letters are not."""
    return sum(n for name, n in stack.messages().items() if not name.endswith("-dlq"))


def open_runs(stack: Loaded) -> int:
    """How many runs have not ended."""
    return sum(sum(_counts(stack, state)) for state in OPEN_STATES)


def _counts(stack: Loaded, state: str) -> Iterator[int]:
    pages = stack.dynamodb.get_paginator("query").paginate(
        TableName=stack.world.told["runs_table"],
        IndexName=INDEX,
        KeyConditionExpression="#state = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": state}},
        Select="COUNT",
    )
    for page in pages:
        yield page["Count"]
