"""However long or deep a delivery to the webhook is: an answer at once, all or nothing stored."""

import json
import time
from collections.abc import Callable

import pytest

from services.webhook.delivery import MAX_BODY_BYTES
from tests.fuzz.bounds import MOST_SECONDS, timed
from tests.fuzz.webhook_answers import PUSH, check
from tests.fuzz.webhook_receiver import Receiver, delivery


def sized(size: int) -> bytes:
    """A push of so many bytes."""
    raw = json.dumps(PUSH).encode()
    return raw[:-1] + b', "x": "' + b"x" * (size - len(raw) - 9) + b'"}'


@pytest.mark.parametrize("in_base64", [False, True])
@pytest.mark.parametrize(
    ("size", "status"),
    [(MAX_BODY_BYTES - 1, 202), (MAX_BODY_BYTES, 202), (MAX_BODY_BYTES + 1, 413)],
)
def test_the_limit_of_a_mebibyte_is_met_from_both_sides(
    receiver: Receiver, in_base64: bool, size: int, status: int
) -> None:
    body = sized(size)

    assert len(body) == size
    assert timed(lambda: receiver.answer(delivery(body, in_base64=in_base64)))[0] == status


@pytest.mark.parametrize("depth", [10, 100, 150, 300, 1_000, 10_000, 100_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("closed", [False, True])
def test_depth_is_answered_at_once(
    receiver: Receiver, depth: int, opening: str, closed: bool
) -> None:
    closing = ("]" if opening == "[" else "}") if closed else ""
    inner = opening * depth + ("1" if closed else "") + closing * depth
    body = f'{json.dumps(PUSH)[:-1]}, "x": {inner}}}'.encode()

    status, _ = timed(lambda: receiver.answer(delivery(body)))

    assert status == (202 if closed and depth <= 150 else 400)


LARGE: dict[str, Callable[[], str]] = {
    "a number of digits": lambda: "9" * 1_000_000,
    "many long numbers": lambda: "[" + ",".join(["9" * 4_300] * 230) + "]",
    "an exponent": lambda: "1e" + "9" * 1_000_000,
    "a fraction": lambda: "0." + "3" * 1_000_000,
    "empty lists": lambda: "[" + ",".join(["[]"] * 330_000) + "]",
    "keys": lambda: "{" + ",".join(f'"{n:x}":1' for n in range(100_000)) + "}",
    "one key": lambda: "{" + ",".join(['"a":1'] * 170_000) + "}",
    "escapes": lambda: '"' + "\\u0041" * 170_000 + '"',
    "white space": lambda: " " * 1_000_000 + "1",
    "no end": lambda: '"' + "x" * 1_000_000,
}


@pytest.mark.parametrize("kind", LARGE)
def test_a_megabyte_of_one_thing_is_answered_at_once(receiver: Receiver, kind: str) -> None:
    body = f'{json.dumps(PUSH)[:-1]}, "x": {LARGE[kind]()}}}'.encode()

    assert timed(lambda: receiver.answer(delivery(body)))[0] in {202, 400, 413}


@pytest.mark.parametrize("field", ["name", "hash", "message", "type"])
@pytest.mark.parametrize("character", ["x", "\n", "\x01", "\u2603"])
@pytest.mark.parametrize("length", [1_024, 4_096, 4_097, 170_000, 1_000_000])
def test_long_names_and_messages_are_stored_within_the_queues_limits_or_refused(
    receiver: Receiver, field: str, character: str, length: int
) -> None:
    push = json.loads(json.dumps(PUSH))
    new = push["push"]["changes"][0]["new"]
    (new["target"] if field in ("hash", "message") else new)[field] = character * length
    body = json.dumps(push, ensure_ascii=False).encode()

    status, stored = timed(lambda: receiver.answer(delivery(body)))

    check(body, status, stored)
    if field == "message" and len(body) <= MAX_BODY_BYTES:
        assert status == 202


def test_a_mebibyte_of_branches_is_read_and_refused_at_once(receiver: Receiver) -> None:
    change = {"new": {"type": "branch", "name": "b", "target": {"hash": "h"}}}
    push = {"repository": PUSH["repository"], "push": {"changes": []}}
    room = MAX_BODY_BYTES - len(json.dumps(push)) - 1
    count = room // (len(json.dumps(change)) + 2)
    push["push"]["changes"] = [change] * count

    before = time.process_time()
    status, stored = receiver.answer(delivery(json.dumps(push).encode()))

    assert time.process_time() - before < 2 * MOST_SECONDS
    assert (status, stored) == (413, [])
