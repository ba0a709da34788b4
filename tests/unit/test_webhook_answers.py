"""What each delivery of a webhook is answered, in which order the reasons count."""

import base64
import json
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog

from services.webhook.app import Dependencies, handle
from services.webhook.delivery import MAX_BODY_BYTES, Answer, Delivery
from services.webhook.hooks import Hooks
from services.webhook.signature import sign
from shared.errors import Unavailable
from shared.secrets import Secrets
from tests.fakes import Clock, SecretTexts
from tests.samples import payload, payload_files, template

SECRET_NAME = "acme/testing/bitbucket-webhook-uuids"
UUID = "79492efb-32b4-4f69-a469-606b58d2f8b5"
KEY = "It's a Secret to Everybody"
REPOSITORY = "brydzewski/foo"
PUSH = payload("bitbucket_cloud/push/drone_branch_push.json")


@dataclass
class Receiver:
    """The webhook's `handle` with a secret that a test can change."""

    hooks: Any
    require_signature: bool = True
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.store = SecretTexts()
        self.write(self.hooks)
        secrets = Secrets(self.store, self.clock.seconds)
        hooks = Hooks(secrets, SECRET_NAME, require_signature=self.require_signature)
        self.needs = Dependencies(hooks, "ACME")

    def write(self, hooks: Any) -> None:
        """Change the secret."""
        self.store.texts[SECRET_NAME] = hooks if isinstance(hooks, str) else json.dumps(hooks)

    def answer(self, event: dict[str, Any]) -> Answer:
        """What the delivery in an HTTP API event is answered."""
        return handle(Delivery.of(event), self.needs)


def authorised(repository: str = REPOSITORY) -> Receiver:
    return Receiver({UUID: {"secret": KEY, "repository": repository}})


def delivery(
    body: Any = PUSH,
    *,
    key: str = "repo:push",
    uuid: str = UUID,
    secret: str = KEY,
    in_base64: bool = False,
    **headers: str,
) -> dict[str, Any]:
    """An HTTP API event with a signed body: JSON of `body`, or its bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return {
        "headers": {
            "x-hook-uuid": uuid,
            "x-event-key": key,
            "x-hub-signature": sign(raw, secret),
            **headers,
        },
        "body": base64.b64encode(raw).decode() if in_base64 else raw.decode(),
        "isBase64Encoded": in_base64,
    }


def without(event: dict[str, Any], header: str) -> dict[str, Any]:
    del event["headers"][header]
    return event


def test_a_signed_push_is_taken_with_one_event_per_moved_branch() -> None:
    answer = authorised().answer(delivery())

    assert answer.status == 202
    (event,) = answer.events
    assert event.repository.full_name == REPOSITORY
    assert event.repository.uuid == PUSH["repository"]["uuid"]
    assert event.branch == "master"
    assert event.commit == PUSH["push"]["changes"][0]["new"]["target"]["hash"]
    assert event.message == PUSH["push"]["changes"][0]["new"]["target"]["message"]
    assert event.pushed_by.id == PUSH["actor"]["uuid"]
    assert event.pushed_by.name == PUSH["actor"]["display_name"]


PUSHES = {
    "drone_branch_create": (202, ["develop"]),
    "drone_branch_delete": (204, []),
    "drone_branch_push": (202, ["master"]),
    "drone_tag_create": (204, []),
    "drone_tag_delete": (204, []),
    "jenkins_2017_branch_create": (202, ["main"]),
    "jenkins_2017_empty_changes": (204, []),
    "jenkins_2017_multiple_changes": (202, ["main", "manchu"]),
    "jenkins_2025_annotated_tag_create": (204, []),
    "jenkins_2025_branch_create": (202, ["feature/test"]),
    "jenkins_2025_force_push_truncated": (202, ["feature/issue-819"]),
    "jfrog_branch_push": (202, ["main"]),
    "kanboard_2015_branch_push": (202, ["master"]),
    "puppet_branch_create": (202, ["master"]),
    # Its hashes are all the word "hash": opaque, and the same before and after.
    "spinnaker_branch_push": (204, []),
    "woodpecker_branch_push": (202, ["main"]),
}


@pytest.mark.parametrize("name", PUSHES)
@pytest.mark.parametrize("in_base64", [False, True])
def test_every_push_of_bitbucket_cloud_gets_its_answer(name: str, in_base64: bool) -> None:
    push = payload(f"bitbucket_cloud/push/{name}.json")
    receiver = authorised(push["repository"]["full_name"])

    answer = receiver.answer(delivery(push, in_base64=in_base64))

    assert (answer.status, [event.branch for event in answer.events]) == PUSHES[name]


def test_every_push_payload_is_in_the_table() -> None:
    files = payload_files("bitbucket_cloud/push")

    assert files == sorted(f"bitbucket_cloud/push/{name}.json" for name in PUSHES)


@pytest.mark.parametrize("path", payload_files("bitbucket_cloud/other_events"))
def test_other_events_of_bitbucket_cloud_are_acknowledged(path: str) -> None:
    answer = authorised().answer(delivery(payload(path), key="pullrequest:created"))

    assert answer == Answer(204)


@pytest.mark.parametrize("path", payload_files("bitbucket_cloud/other_events"))
def test_another_event_under_the_key_of_a_push_is_no_push(path: str) -> None:
    assert authorised().answer(delivery(payload(path))).status == 400


SERVER_KEYS = {
    "argocd_refs_changed": "repo:refs_changed",
    "drone_v5_refs_changed": "repo:refs_changed",
    "jenkins_ping": "diagnostics:ping",
    "jenkins_pushPayload_v10": "repo:refs_changed",
}


@pytest.mark.parametrize("name", SERVER_KEYS)
def test_events_of_bitbucket_server_are_acknowledged_under_their_own_keys(name: str) -> None:
    body = payload(f"bitbucket_server/{name}.json")

    assert authorised().answer(delivery(body, key=SERVER_KEYS[name])).status == 204


@pytest.mark.parametrize("path", payload_files("bitbucket_server"))
def test_payloads_of_bitbucket_server_under_the_key_of_a_push_answer_400(path: str) -> None:
    assert authorised().answer(delivery(payload(path))).status == 400


@pytest.mark.parametrize("path", payload_files("aws/http_api_v2"))
def test_every_http_api_event_signed_again_gets_its_answer(path: str) -> None:
    event = payload(path)
    body = event.get("body") or ""
    raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    receiver = authorised("nfalco79/test-repos")
    event["headers"] |= {
        "x-hook-uuid": UUID,
        "x-event-key": "repo:push",
        "x-hub-signature": sign(raw, KEY),
    }

    assert receiver.answer(event).status == (202 if "signed_body" in path else 400)
    assert authorised().answer(event).status == (401 if "signed_body" in path else 400)


@pytest.mark.parametrize("path", payload_files("aws/http_api_v2"))
def test_every_http_api_event_as_it_came_is_refused(path: str) -> None:
    assert authorised().answer(payload(path)).status == 401


def test_a_signed_body_in_base64_as_the_http_api_sends_it_is_taken() -> None:
    vector = payload("bitbucket_cloud/hmac_vectors.json")[0]
    event = payload("aws/http_api_v2/sam_generated_post_base64_signed_body.json")
    event["headers"] = {
        "x-hook-uuid": UUID,
        "x-event-key": "repo:push",
        "x-hub-signature": vector["value"],
    }
    receiver = Receiver({UUID: {"secret": vector["secret"], "repository": "nfalco79/test-repos"}})

    assert receiver.answer(event).status == 202


@pytest.mark.parametrize("captured", payload("bitbucket_cloud/headers.json")["captured"])
def test_the_headers_that_bitbucket_sends_are_read_in_any_case(captured: dict[str, Any]) -> None:
    headers = {name: str(value) for name, value in captured["headers"].items()}
    raw = json.dumps(PUSH)
    uuid = next(value for name, value in headers.items() if name.lower() == "x-hook-uuid")
    receiver = Receiver({f"{{{uuid.upper()}}}": {"secret": KEY, "repository": REPOSITORY}})
    headers["X-Hub-Signature"] = sign(raw.encode(), KEY)

    assert receiver.answer({"headers": headers, "body": raw}).status == 202


def large(size: int) -> bytes:
    body = json.dumps(PUSH).encode()
    return body + b" " * (size - len(body))


@pytest.mark.parametrize("in_base64", [False, True])
def test_a_body_of_a_mebibyte_is_read_and_one_byte_more_is_not(in_base64: bool) -> None:
    receiver = authorised()

    for beyond, status in ((-1, 202), (0, 202), (1, 413), (2, 413), (3, 413)):
        event = delivery(large(MAX_BODY_BYTES + beyond), in_base64=in_base64)
        assert receiver.answer(event).status == status


def test_a_large_body_is_told_by_its_bytes_and_not_by_its_characters() -> None:
    text = '"' + "\u2603" * (MAX_BODY_BYTES // 3 + 1) + '"'

    assert authorised().answer(delivery(text.encode())).status == 413
    assert authorised().answer(delivery(f'"{"x" * 600_000}"'.encode())).status == 400


def test_what_is_too_large_is_not_even_decoded_or_authenticated() -> None:
    receiver = authorised()
    event = {"headers": {}, "body": "!" * (2 * MAX_BODY_BYTES), "isBase64Encoded": True}

    assert receiver.answer(event).status == 413
    assert receiver.store.reads == 0


@pytest.mark.parametrize("body", ["!!!!", "abc", "\u00e9\u00e9\u00e9\u00e9", "e30=\n"])
def test_malformed_base64_is_a_body_that_nobody_signed(body: str) -> None:
    event = {**delivery(), "body": body, "isBase64Encoded": True}

    assert authorised().answer(event).status == 401


def test_the_reasons_count_in_their_order() -> None:
    receiver = authorised()
    no_json = b"no json"
    foreign = {**PUSH, "repository": {"uuid": "{x}", "full_name": "other/repository"}}
    foreign_deletion = {**foreign, "push": {"changes": []}}

    wrong_and_other_event = delivery(no_json, secret="wrong", key="repo:fork")
    assert receiver.answer(wrong_and_other_event).status == 401
    assert receiver.answer(delivery(no_json, key="repo:fork")).status == 204
    assert receiver.answer(delivery(foreign, key="repo:fork")).status == 204
    assert receiver.answer(delivery(no_json)).status == 400
    assert receiver.answer(delivery(foreign_deletion)).status == 401
    assert receiver.answer(delivery({**PUSH, "push": {"changes": []}})).status == 204
    assert receiver.answer(delivery()).status == 202


@pytest.mark.parametrize(
    "event",
    [
        without(delivery(), "x-hub-signature"),
        without(delivery(), "x-hook-uuid"),
        delivery(secret="wrong"),
        delivery(uuid="0302255c-f4f0-4232-916b-bef521fbdd08"),
        delivery(uuid=""),
        delivery(uuid="{}"),
        {**delivery(), "body": "{}"},
        {**delivery(), "headers": None},
        {},
    ],
)
def test_an_unsigned_wrongly_signed_or_unknown_webhook_answers_401(event: dict[str, Any]) -> None:
    answer = authorised().answer(event)

    assert (answer.status, answer.events) == (401, ())


@pytest.mark.parametrize("written", [UUID.upper(), f"{{{UUID}}}", f"{{{UUID.upper()}}}"])
def test_uuids_are_compared_in_lower_case_without_braces(written: str) -> None:
    receiver = Receiver({written: {"secret": KEY, "repository": REPOSITORY}})

    assert receiver.answer(delivery()).status == 202
    assert receiver.answer(delivery(uuid=f"{{{UUID.upper()}}}")).status == 202


def test_a_delivery_without_an_event_key_is_acknowledged() -> None:
    assert authorised().answer(without(delivery(), "x-event-key")).status == 204


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"push": null}',
        b'{"push": {}, "repository": {}}',
        b"[" * 100_000,
        b'{"push": {"changes": [{"new": {"type": "branch"}}]}}',
    ],
)
def test_a_signed_body_that_is_no_push_answers_400(body: bytes) -> None:
    event = delivery(body, in_base64=True)

    assert authorised().answer(event).status == 400


def test_a_webhook_speaks_for_its_own_repository_only() -> None:
    answer = authorised("team/other").answer(delivery())

    assert (answer.status, answer.events) == (401, ())


REPOSITORY_UUID: str = PUSH["repository"]["uuid"]


@pytest.mark.parametrize(
    "told",
    [
        {"uuid": REPOSITORY_UUID},
        {"uuid": REPOSITORY_UUID.strip("{}")},
        {"uuid": REPOSITORY_UUID.upper()},
        {"uuid": f" {REPOSITORY_UUID}\n"},
        {"uuid": None},
        {},
        {"uuid": REPOSITORY_UUID, "a field of a newer version": 7},
    ],
)
def test_a_repository_is_known_by_its_uuid_too_where_the_entry_tells_it(
    told: dict[str, object],
) -> None:
    receiver = Receiver({UUID: {"secret": KEY, "repository": REPOSITORY, **told}})

    assert receiver.answer(delivery()).status == 202


def test_a_push_of_a_repository_that_was_renamed_is_taken_and_tells_its_name_of_before() -> None:
    before = "acme/an-old-name"
    renamed = Receiver({UUID: {"secret": KEY, "repository": before, "uuid": REPOSITORY_UUID}})

    answer = renamed.answer(delivery())
    assert answer.status == 202
    assert [event.known_as for event in answer.events] == [before]
    assert [event.repository.full_name for event in answer.events] == [REPOSITORY]


def test_a_push_of_a_repository_that_kept_its_name_tells_no_other() -> None:
    known = {"secret": KEY, "repository": REPOSITORY}
    for entry in (known, {**known, "uuid": REPOSITORY_UUID}):
        answer = Receiver({UUID: entry}).answer(delivery())

        assert [event.known_as for event in answer.events] == [None]


def test_without_a_uuid_to_know_it_by_a_repository_that_was_renamed_is_another_one() -> None:
    answer = authorised("acme/an-old-name").answer(delivery())

    assert (answer.status, answer.events) == (401, ())


def test_a_uuid_is_opaque_but_for_braces_and_case() -> None:
    receiver = Receiver({UUID: {"secret": KEY, "repository": REPOSITORY, "uuid": "{No-UUID}"}})

    def sent(uuid: str) -> dict[str, Any]:
        return delivery({**PUSH, "repository": {**PUSH["repository"], "uuid": uuid}})

    assert receiver.answer(sent("no-uuid")).status == 202
    assert receiver.answer(sent("nouuid")).status == 401


def test_the_older_list_of_uuids_is_refused_while_signatures_are_required() -> None:
    receiver = Receiver([UUID])

    assert receiver.answer(delivery()).status == 401
    assert receiver.answer(without(delivery(), "x-hub-signature")).status == 401


def test_the_older_list_of_uuids_is_honoured_where_signatures_are_not_required() -> None:
    receiver = Receiver([f"{{{UUID}}}"], require_signature=False)

    assert receiver.answer(without(delivery(), "x-hub-signature")).status == 202
    assert receiver.answer(delivery(uuid="another")).status == 401


def test_an_entry_with_a_secret_needs_its_signature_even_where_none_is_required() -> None:
    entry = {"secret": KEY, "repository": REPOSITORY}
    receiver = Receiver({UUID: entry}, require_signature=False)

    assert receiver.answer(without(delivery(), "x-hub-signature")).status == 401
    assert receiver.answer(delivery(secret="wrong")).status == 401
    assert receiver.answer(delivery()).status == 202


@pytest.mark.parametrize(
    "written",
    [
        "",
        "no json",
        "null",
        "3",
        "[3]",
        '"the-secret-itself"',
    ],
)
def test_a_malformed_secret_is_our_own_fault_and_is_not_quoted(written: str) -> None:
    receiver = Receiver(written)

    with pytest.raises(ValueError, match="is not a JSON object") as error:
        receiver.answer(delivery())
    assert "the-secret-itself" not in str(error.value)
    assert error.value.__cause__ is None


@pytest.mark.parametrize(
    "entry",
    [
        3,
        {"secret": 3, "repository": "a/b"},
        {"secret": "the-secret-itself"},
        "the-secret-itself",
        {"secret": "", "repository": REPOSITORY},
        {"secret": "the-secret-itself", "repository": REPOSITORY, "uuid": 7},
        {"secret": "the-secret-itself", "repository": REPOSITORY, "uuid": ""},
    ],
)
def test_a_malformed_entry_stops_its_own_webhook_and_no_other(entry: object) -> None:
    other = "{" + UUID.upper() + "}"
    written = {"broken": entry, other: {"secret": KEY, "repository": REPOSITORY}}
    receiver = Receiver(json.dumps(written))

    assert receiver.answer(delivery()).status == 202
    with pytest.raises(ValueError, match="broken in the secret") as error:
        receiver.answer(delivery(uuid="broken"))
    assert "the-secret-itself" not in str(error.value)
    assert error.value.__cause__ is None


def test_a_secret_that_does_not_exist_is_our_own_fault() -> None:
    receiver = authorised()
    receiver.store.texts.clear()

    with pytest.raises(Unavailable):
        receiver.answer(delivery())


def test_a_webhook_just_added_works_at_once() -> None:
    receiver = authorised()
    assert receiver.answer(delivery()).status == 202
    receiver.write({"added": {"secret": KEY, "repository": REPOSITORY}})

    assert receiver.answer(delivery(uuid="added")).status == 202


def test_a_webhook_added_after_it_was_refused_works_five_seconds_later() -> None:
    receiver = Receiver({})
    assert receiver.answer(delivery()).status == 401
    receiver.write({UUID: {"secret": KEY, "repository": REPOSITORY}})

    receiver.clock.advance(5)
    assert receiver.answer(delivery()).status == 202


def test_a_secret_just_rotated_works_at_once() -> None:
    receiver = authorised()
    assert receiver.answer(delivery()).status == 202
    receiver.write({UUID: {"secret": "new", "repository": REPOSITORY}})

    assert receiver.answer(delivery(secret="new")).status == 202
    assert receiver.answer(delivery()).status == 401


def test_forged_deliveries_refresh_the_secret_once_in_five_seconds() -> None:
    receiver = authorised()

    for _ in range(20):
        receiver.answer(delivery(secret="wrong"))
        receiver.answer(delivery(uuid="unknown"))
        receiver.clock.advance(1)
    assert receiver.store.reads == 1 + 4


def test_the_secret_is_read_once_a_minute() -> None:
    receiver = authorised()

    for _ in range(120):
        receiver.answer(delivery())
        receiver.clock.advance(1)
    assert receiver.store.reads == 2


def test_a_removed_webhook_is_refused_after_a_minute() -> None:
    receiver = authorised()
    receiver.answer(delivery())
    receiver.write({})

    receiver.clock.advance(60)
    assert receiver.answer(delivery()).status == 401


@pytest.mark.parametrize(("depth", "status"), [(199, 202), (201, 400), (100_000, 400)])
def test_json_is_read_down_to_200_levels_and_no_deeper(depth: int, status: int) -> None:
    inner = "[" * depth + "]" * depth
    deep = f'{json.dumps(PUSH)[:-1]}, "x": {inner}}}'.encode()

    assert authorised().answer(delivery(deep)).status == status


def test_what_anybody_may_send_as_an_id_is_cut_before_it_is_logged() -> None:
    sent = {"X-Request-UUID": "x" * 10_000, "x-amzn-trace-id": "y" * 10_000}

    assert Delivery.of({"headers": sent}).ids == ("x" * 200, "y" * 200)
    assert Delivery.of({}).ids == ("none", None)


def _written(push: Any, escaped: bytes) -> bytes:
    return json.dumps(push).encode().replace(b"HERE", escaped)


HALVES = {
    rb"\ud83d": "\ufffd",
    rb"\ude00 and \uD83D": "\ufffd and \ufffd",
    rb"\ud83d\ud83d\ude00": "\ufffd\U0001f600",
    rb"\\ud83d\udfff": "\\ud83d\ufffd",
}


@pytest.mark.parametrize(("escaped", "read"), HALVES.items())
def test_a_push_is_not_lost_for_half_a_character_in_its_message(escaped: bytes, read: str) -> None:
    push = deepcopy(PUSH)
    push["push"]["changes"][0]["new"]["target"]["message"] = "HERE\n:ACME_RUN: train"

    answer = authorised().answer(delivery(_written(push, escaped)))

    assert answer.status == 202
    assert answer.events[0].message == f"{read}\n:ACME_RUN: train"


def test_half_a_character_where_nobody_reads_loses_no_push() -> None:
    push = deepcopy(PUSH)
    push["repository"]["website"] = "HERE"

    assert authorised().answer(delivery(_written(push, rb"\ud83d"))).status == 202


def test_a_signed_push_that_cannot_be_read_is_an_error_in_the_log_that_says_where_not_what() -> (
    None
):
    push = deepcopy(PUSH)
    push["push"]["changes"][0]["new"]["target"]["hash"] = {"secret": "words"}

    with structlog.testing.capture_logs() as lines:
        answer = authorised().answer(delivery(push))

    assert answer.status == 400
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert line["event"] == "push not readable"
    assert line["where"] == ["push.changes.0.new.target.hash: string_type"]
    assert "words" not in str(lines)


def test_what_a_stranger_sends_is_no_error_in_the_log() -> None:
    with structlog.testing.capture_logs() as lines:
        answer = authorised().answer(delivery(b"no json", secret="wrong"))

    assert answer.status == 401
    assert not [line for line in lines if line["log_level"] == "error"]


def test_a_push_that_cannot_be_read_rings_an_alarm() -> None:
    resources = template()["Resources"]
    (found,) = resources["PushesUnreadable"]["Properties"]["MetricTransformations"]
    alarm = resources["PushesUnreadableAlarm"]["Properties"]

    assert (
        '$.event = "push not readable"'
        in resources["PushesUnreadable"]["Properties"]["FilterPattern"]
    )
    assert alarm["MetricName"] == found["MetricName"]
    assert alarm["Threshold"] == 0
