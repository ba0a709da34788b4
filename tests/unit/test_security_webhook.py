"""Forged deliveries: nothing of them is read, none tells what was right about it."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from services.parser.keywords import Limits
from services.parser.requests import request
from services.webhook.delivery import Answer
from services.webhook.push import MAX_BRANCHES, Push
from services.webhook.signature import sign
from tests.samples import NAMES, NOW, payload
from tests.unit.test_webhook_answers import KEY, REPOSITORY, UUID, Receiver, authorised, delivery

OTHER_UUID, OTHER_KEY = "0302255c-f4f0-4232-916b-bef521fbdd08", "another secret"
PUSH = payload("bitbucket_cloud/push/drone_branch_push.json")
# What a parser might stumble over, if one saw it.
BODIES = {
    "no JSON": b"not json",
    "deep": b"[" * 100_000,
    "deep objects": b'{"push":' * 50_000,
    "a huge number": b'{"a":' + b"9" * 100_000 + b"}",
    "no UTF-8": b"\xff\xfe\x00{",
    "a lone surrogate": b'{"a":"\\ud800"}',
    "nothing": b"",
    "a push": json.dumps(PUSH).encode(),
}


def raw(body: bytes, header: str, uuid: str = UUID) -> dict[str, Any]:
    """A delivery of these bytes with this signature."""
    return {
        "headers": {"x-hook-uuid": uuid, "x-event-key": "repo:push", "x-hub-signature": header},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_nobody_has_signed_is_not_parsed(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def parse(*_: object, **__: object) -> Push:
        pytest.fail("it was parsed")

    monkeypatch.setattr(Push, "model_validate_json", parse)
    answer = authorised().answer(raw(BODIES[name], sign(b"another body", KEY)))

    assert (answer.status, answer.events) == (401, ())


@pytest.mark.parametrize("name", ["deep", "deep objects"])
def test_a_signed_body_that_is_nested_too_deeply_is_refused(name: str) -> None:
    """The parser counts how deep it is, and never recurses further than that."""
    body = BODIES[name]
    inside = json.dumps(PUSH)[:-1].encode() + b', "x": ' + b"[" * 5000 + b"]" * 5000 + b"}"

    assert authorised().answer(raw(body, sign(body, KEY))).status == 400
    assert authorised().answer(raw(inside, sign(inside, KEY))).status == 400


@pytest.mark.parametrize("right", [True, False])
def test_signatures_are_compared_in_constant_time_and_by_that_alone(
    monkeypatch: pytest.MonkeyPatch, *, right: bool
) -> None:
    """`hmac.compare_digest` has the only word (library reference: "prevents timing analysis")."""
    compared: list[tuple[object, object]] = []

    def compare(one: object, other: object) -> bool:
        compared.append((one, other))
        return right

    monkeypatch.setattr("services.webhook.signature.hmac.compare_digest", compare)
    body = json.dumps(PUSH).encode()
    answer = authorised().answer(raw(body, "sha256=wrong"))

    assert answer.status == (202 if right else 401)
    assert set(compared) == {(sign(body, KEY).encode(), b"sha256=wrong")}


WRITTEN: dict[str, Callable[[bytes], bytes]] = {
    "with other spaces": lambda body: json.dumps(json.loads(body), indent=1).encode(),
    "in another order": lambda body: json.dumps(json.loads(body), sort_keys=True).encode(),
    "with escapes": lambda body: body.replace(b"master", b"\\u006daster"),
    "with a line's end": lambda body: body + b"\n",
    "with a byte order mark": lambda body: b"\xef\xbb\xbf" + body,
}


@pytest.mark.parametrize("how", WRITTEN)
def test_the_signature_is_of_the_bytes_and_not_of_what_they_mean(how: str) -> None:
    body = json.dumps(PUSH).encode()
    written = WRITTEN[how](body)

    assert written != body
    assert authorised().answer(raw(written, sign(body, KEY))).status == 401
    assert authorised().answer(raw(written, sign(written, KEY))).status in (202, 400)


def test_bytes_are_signed_whatever_way_the_gateway_hands_them_over() -> None:
    body = json.dumps({**PUSH, "note": "ü\u2028"}, ensure_ascii=False).encode()
    encoded = raw(body, sign(body, KEY))
    plain = {**encoded, "body": body.decode(), "isBase64Encoded": False}

    assert authorised().answer(encoded).status == 202
    assert authorised().answer(plain).status == 202
    assert authorised().answer({**encoded, "isBase64Encoded": False}).status == 401
    assert authorised().answer({**plain, "isBase64Encoded": True}).status == 401


def test_no_answer_tells_whether_it_was_the_webhook_or_the_signature() -> None:
    """Which UUIDs are authorised is no secret, and nobody has to be told either."""
    unknown = delivery(uuid=OTHER_UUID)
    wrong, unsigned, nothing = delivery(secret="wrong"), delivery(), {"body": "{}"}
    del unsigned["headers"]["x-hub-signature"]
    receiver = authorised()

    answers = {receiver.answer(one) for one in (unknown, wrong, unsigned, nothing)}
    assert [(one.status, one.events) for one in answers] == [(401, ())]


def test_the_secret_of_one_webhook_signs_for_no_other() -> None:
    hooks = {
        UUID: {"secret": KEY, "repository": REPOSITORY},
        OTHER_UUID: {"secret": OTHER_KEY, "repository": "other/repository"},
    }
    receiver = Receiver(hooks)

    assert receiver.answer(delivery(secret=OTHER_KEY)).status == 401
    assert receiver.answer(delivery(uuid=OTHER_UUID)).status == 401
    # Each speaks for its own repository: this one's body is about the first one's.
    assert receiver.answer(delivery(uuid=OTHER_UUID, secret=OTHER_KEY)).status == 401
    assert receiver.answer(delivery()).status == 202


@pytest.mark.parametrize(
    "name",
    [
        REPOSITORY.upper(),
        f"{REPOSITORY}-2",
        f"{REPOSITORY}/",
        f"{REPOSITORY}/../other",
        f" {REPOSITORY}",
        f"{REPOSITORY}\n",
        f"{REPOSITORY}\u200b",
        REPOSITORY.replace("o", "\u043e"),  # Cyrillic
        "/".join(reversed(REPOSITORY.split("/"))),
        "",
    ],
)
def test_a_webhook_speaks_for_no_repository_whose_name_is_like_its_own(name: str) -> None:
    repository = {**PUSH["repository"], "full_name": name}
    answer = authorised().answer(delivery({**PUSH, "repository": repository}))

    assert answer.status in (400, 401)
    assert answer.events == ()


def test_a_webhook_speaks_for_no_repository_by_anothers_uuid() -> None:
    """A run is told apart by its repository's uuid, so a uuid is not taken on a name's word."""
    ours, theirs = PUSH["repository"]["uuid"], "{1c6a9a3e-8f63-4a53-9d3b-2b7b3f7e0d11}"
    receiver = Receiver({UUID: {"secret": KEY, "repository": REPOSITORY, "uuid": ours}})
    foreign = delivery({**PUSH, "repository": {"uuid": "{x}", "full_name": "other/repository"}})

    for uuid in (theirs, theirs.strip("{}"), "", "{}", ours[:-2], f"{ours}-2"):
        body = {**PUSH, "repository": {**PUSH["repository"], "uuid": uuid}}
        assert receiver.answer(delivery(body)) == receiver.answer(foreign)
        assert receiver.answer(delivery(body)).status == 401
    assert receiver.answer(delivery()).status == 202


@pytest.mark.parametrize("name", ["brydzewski/another", "other-team/foo", "other/repository"])
def test_no_job_of_another_repository_comes_of_a_push_under_that_ones_name(name: str) -> None:
    """The uuid proves whose the push is; a project, its data and its secrets go by the name."""
    uuid = PUSH["repository"]["uuid"]
    receiver = Receiver({UUID: {"secret": KEY, "repository": REPOSITORY, "uuid": uuid}})
    asking = json.loads(json.dumps({**PUSH, "repository": {"uuid": uuid, "full_name": name}}))
    asking["push"]["changes"][0]["new"]["target"]["message"] = ":ACME_RUN: train"
    limits = Limits(gpus=8, memory_mib=65536, vcpus=16, points=1000, failed_percent=0)

    (pushed,) = receiver.answer(delivery(asking)).events
    run = request(pushed, NAMES.stack, "ACME", limits, NOW)
    assert run is not None
    # One that is rejected for its message is never asked for again, and so reaches no submitter.
    assert (run.state, run.unreadable) == ("rejected", True)


def test_of_a_name_that_is_given_twice_the_one_that_is_checked_is_the_one_that_is_used() -> None:
    ours, theirs = json.dumps(PUSH["repository"]), '{"uuid": "{x}", "full_name": "other/one"}'
    rest = json.dumps({"push": PUSH["push"]})[1:]

    def answer(first: str, second: str) -> Answer:
        body = f'{{"repository": {first}, "repository": {second}, {rest}'.encode()
        return authorised().answer(delivery(body))

    # The last one counts, to the check as to the event.
    refused, taken = answer(ours, theirs), answer(theirs, ours)
    assert (refused.status, refused.events) == (401, ())
    assert taken.status == 202
    (event,) = taken.events
    assert event.repository.full_name == REPOSITORY
    assert event.repository.uuid == PUSH["repository"]["uuid"]


def moving(count: int) -> dict[str, Any]:
    """A push that moves so many branches, besides one deleted, one that stayed and one tag."""
    target = {"hash": "a" * 40}
    branch = {"type": "branch", "name": "stayed", "target": target}
    others = [
        {"new": None, "old": branch},
        {"new": branch, "old": branch},
        {"new": {**branch, "type": "tag"}, "old": None},
    ]
    moved = [{"new": {**branch, "name": f"b{n}"}, "old": None} for n in range(count)]
    return {**PUSH, "push": {"changes": others + moved}}


def test_the_limit_of_branches_that_one_push_may_move_is_met_from_both_sides() -> None:
    taken = authorised().answer(delivery(moving(MAX_BRANCHES)))
    refused = authorised().answer(delivery(moving(MAX_BRANCHES + 1)))

    assert (taken.status, len(taken.events)) == (202, MAX_BRANCHES)
    assert (refused.status, refused.events) == (413, ())
    assert refused.text == "2001 branches in one push are too many: push 2000 at a time"


def test_of_a_push_that_moves_too_many_branches_no_event_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def make(*_: object) -> None:
        pytest.fail("an event was made")

    monkeypatch.setattr(Push, "commits", make)

    assert authorised().answer(delivery(moving(MAX_BRANCHES + 1))).status == 413


def test_whose_push_has_too_many_branches_counts_before_that_it_has() -> None:
    theirs = {**moving(MAX_BRANCHES + 1), "repository": {"uuid": "{x}", "full_name": "other/one"}}

    assert authorised().answer(delivery(theirs)).status == 401


@pytest.mark.parametrize("flag", ["false", "true", 1, None])
def test_nothing_but_the_gateways_own_true_says_that_a_body_is_base64(flag: object) -> None:
    plain, encoded = delivery(), delivery(in_base64=True)

    assert authorised().answer({**plain, "isBase64Encoded": flag}).status == 202
    assert authorised().answer({**encoded, "isBase64Encoded": flag}).status == 401


@pytest.mark.parametrize("scheme", ["sha1=", "md5=", "SHA512=", "", "none", "sha256:", "sha256=="])
def test_no_other_scheme_of_signatures_counts(scheme: str) -> None:
    body = json.dumps(PUSH).encode()
    digest = sign(body, KEY).removeprefix("sha256=")

    assert authorised().answer(raw(body, scheme + digest)).status == 401
