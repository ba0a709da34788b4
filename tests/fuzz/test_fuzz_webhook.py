"""Whatever is delivered to the webhook: an answer, at once, and all or nothing stored."""

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.webhook.delivery import MAX_BODY_BYTES
from tests.fuzz.bounds import fuzzed, timed
from tests.fuzz.mutations import HOSTILE_TEXTS, LEAVES, TEXTS, mutated, written
from tests.fuzz.webhook_answers import ANSWERS, PUSH, REPOSITORY, REPOSITORY_UUID, check
from tests.fuzz.webhook_receiver import KEY, Receiver, bodies, delivery

# A failing example of a megabyte is shown all the same.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")
IN_USE = (
    *("push", "changes", "new", "old", "target", "hash", "message", "name", "type"),
    *("repository", "uuid", "full_name", "actor", "display_name"),
)


def ours(document: Any) -> Any:
    """The document as the webhook's own repository would send it."""
    if isinstance(document, dict) and isinstance(document.get("repository"), dict):
        document["repository"] |= {"full_name": REPOSITORY, "uuid": REPOSITORY_UUID}
    return document


DOCUMENTS = [ours(document) for document in bodies()]
BODIES = written(mutated(DOCUMENTS, *IN_USE)) | st.binary(max_size=200)


@pytest.fixture(scope="module")
def known_by_name() -> Receiver:
    """One whose entry tells no uuid, as those of before do."""
    return Receiver(REPOSITORY)


@pytest.fixture(scope="module")
def trusting() -> Receiver:
    """One that honours a plain list of UUIDs, without signatures and for any repository."""
    return Receiver(None, require_signature=False)


@fuzzed(2)
@given(body=BODIES, in_base64=st.booleans())
def test_whatever_an_authorised_webhook_signs_is_answered_and_stored_whole_or_not_at_all(
    receiver: Receiver, body: bytes, in_base64: bool
) -> None:
    try:
        event = delivery(body, in_base64=in_base64)
    except UnicodeDecodeError:  # then the HTTP API hands it over in base64
        event = delivery(body)

    status, stored = timed(lambda: receiver.answer(event))

    check(body, status, stored)


@fuzzed()
@given(body=BODIES)
def test_a_webhook_whose_entry_tells_no_uuid_is_no_different(
    known_by_name: Receiver, body: bytes
) -> None:
    status, stored = timed(lambda: known_by_name.answer(delivery(body)))

    check(body, status, stored)
    assert {one["detail"]["repository"]["full_name"] for one in stored} <= {REPOSITORY}


BARE = REPOSITORY_UUID.strip("{}")
UUIDS = st.one_of(
    st.sampled_from(
        (REPOSITORY_UUID, BARE, REPOSITORY_UUID.upper(), f" {REPOSITORY_UUID}\n", f"{{{{{BARE}}}}}")
    ),
    st.sampled_from(("", "{}", BARE[:-1], f"{BARE}0", f"{BARE}\x00", f"{BARE} {BARE}", "{x}")),
    st.integers(0, len(BARE) - 1).map(lambda at: f"{BARE[:at]}z{BARE[at + 1 :]}"),
    TEXTS,
)


@fuzzed()
@given(uuid=UUIDS)
def test_of_a_repositorys_uuid_nothing_but_braces_case_and_space_may_differ(
    receiver: Receiver, uuid: str
) -> None:
    body = json.dumps({**PUSH, "repository": {**PUSH["repository"], "uuid": uuid}}).encode()

    status, stored = timed(lambda: receiver.answer(delivery(body)))

    check(body, status, stored)
    its_own = re.fullmatch(rf"[\s{{}}]*{BARE}[\s{{}}]*", uuid, re.IGNORECASE) is not None
    assert its_own if status == 202 else status in (400, 401, 413)
    assert status == 202 or uuid not in (REPOSITORY_UUID, BARE, REPOSITORY_UUID.upper())


@fuzzed()
@given(body=BODIES)
def test_a_webhook_for_any_repository_is_no_different(trusting: Receiver, body: bytes) -> None:
    status, stored = timed(lambda: trusting.answer(delivery(body, key=None)))

    check(body, status, stored)


SIGNATURES = st.one_of(
    st.none(),
    st.sampled_from(
        (
            *("", "sha256=", "sha256", "sha1=" + "0" * 40, "sha256=" + "0" * 64, "0" * 64),
            *("sha256=" + "g" * 64, "sha256=\x00", "SHA256=" + "F" * 64, "sha256=" * 1_000, KEY),
        )
    ),
    TEXTS,
)


@fuzzed()
@given(body=BODIES, signature=SIGNATURES, key=st.sampled_from(["repo:push", "repo:fork", ""]))
def test_what_nobody_signed_is_refused_before_it_is_read_and_has_no_effect(
    receiver: Receiver, body: bytes, signature: str | None, key: str
) -> None:
    event = delivery(body, key=None, x_event_key=key)
    if signature is not None:
        event["headers"]["x-hub-signature"] = signature

    expected = 401 if len(body) <= MAX_BODY_BYTES else 413
    assert timed(lambda: receiver.answer(event)) == (expected, [])


@fuzzed(0.5)
@given(where=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_one_bit_more_or_less_is_a_forgery(receiver: Receiver, where: int, bit: int) -> None:
    body = json.dumps(PUSH).encode()
    event = delivery(body)
    flipped = bytearray(body)
    flipped[where % len(body)] ^= 1 << bit
    event["body"] = base64.b64encode(flipped).decode()

    assert receiver.answer(event) == (401, [])


NAMES = st.sampled_from(
    (
        *("x-hook-uuid", "X-Hook-UUID", "x-event-key", "x-hub-signature", "x-request-uuid"),
        *("x-amzn-trace-id", "content-type", "content-length", "content-encoding", "x-\xe9", ""),
    )
)


@fuzzed()
@given(
    headers=st.none() | st.dictionaries(NAMES, TEXTS.map(lambda text: text[:10_000]), max_size=4),
    without=st.sets(NAMES, max_size=3),
)
def test_headers_that_are_odd_or_missing_are_answered(
    receiver: Receiver, headers: dict[str, str] | None, without: set[str]
) -> None:
    body = json.dumps(ours(PUSH)).encode()
    event = delivery(body)
    event["headers"] = None if headers is None else {**event["headers"], **headers}
    for name in without:
        (event["headers"] or {}).pop(name, None)

    status, stored = timed(lambda: receiver.answer(event))

    check(body, status, stored)
    touched = {name.lower() for name in (*(headers or {}), *without)}
    if headers is not None and not touched & {"x-hook-uuid", "x-event-key", "x-hub-signature"}:
        assert status == 202


@fuzzed()
@given(
    text=st.sampled_from(["=", "====", "e30", "e30=", " e30=", "e30=\n", "\xe9" * 4, "{}"])
    | st.text(min_size=1, max_size=50)
    | TEXTS.filter(bool),
    signed=st.booleans(),
)
def test_text_that_calls_itself_base64_and_is_none_is_nothing_that_anybody_signed(
    receiver: Receiver, text: str, signed: bool
) -> None:
    event = delivery(text.encode(errors="surrogatepass"), key=KEY if signed else None)
    event["body"] = text

    status, stored = timed(lambda: receiver.answer(event))

    assert stored == []
    assert status in (401, 413)


@fuzzed(0.5)
@given(
    field=st.sampled_from(["headers", "body", "isBase64Encoded", "version", "requestContext"]),
    value=st.none() | st.just({}) | st.just("") | st.just(0),
)
def test_an_http_api_event_without_one_of_its_parts_is_answered(
    receiver: Receiver, field: str, value: Any
) -> None:
    event = {**delivery(json.dumps(PUSH).encode()), field: value}
    if isinstance(value, dict) and field == "body":
        event["body"] = ""  # the HTTP API knows a text there, or nothing

    assert receiver.answer(event)[0] in ANSWERS


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_names_travel_as_they_are(receiver: Receiver, text: str) -> None:
    push = json.loads(json.dumps(PUSH))
    push["push"]["changes"][0]["new"]["name"] = text
    push["push"]["changes"][0]["new"]["target"]["message"] = text
    body = json.dumps(push).encode()

    status, stored = receiver.answer(delivery(body))

    check(body, status, stored)
    assert status == (202 if text else 400)


@fuzzed(0.5)
@given(leaf=LEAVES)
def test_a_body_that_is_one_value_is_no_push(receiver: Receiver, leaf: Any) -> None:
    body = json.dumps(leaf).encode()

    assert receiver.answer(delivery(body)) == (400 if len(body) <= MAX_BODY_BYTES else 413, [])
