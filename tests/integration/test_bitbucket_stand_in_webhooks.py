"""What the Bitbucket stand-in tells webhooks after a push, and how often it tries."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.bitbucket.client import AnswerError, Client
from tests.integration.bitbucket_stand_in import (
    REPOSITORY,
    Receiver,
    clone,
    commit,
    eventually,
    git,
    push,
    receiving,
    running,
)

SECRET = "the hook's secret"


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[Client]:
    with running(tmp_path / "state") as client:
        yield client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def work(stand_in: Client, tmp_path: Path) -> Path:
    return clone(stand_in, tmp_path / "work")


def told(receiver: Receiver, number: int = 0) -> dict[str, Any]:
    """The body of a delivery, once it has arrived."""
    eventually(lambda: len(receiver.received) > number)
    body: dict[str, Any] = json.loads(receiver.received[number].body)
    return body


def settled(client: Client, count: int) -> list[dict[str, Any]]:
    """The attempts, once there are so many and none is pending."""
    eventually(
        lambda: [d["state"] != "pending" for d in client.deliveries(REPOSITORY)] == [True] * count
    )
    return client.deliveries(REPOSITORY)


def test_a_delivery_carries_bitbuckets_headers_and_signature(
    stand_in: Client, work: Path, receiver: Receiver
) -> None:
    hook = stand_in.add_hook(REPOSITORY, receiver.url, SECRET)
    commit(work)
    push(work, "origin", "HEAD")

    told(receiver)
    headers, body = receiver.received[0].headers, receiver.received[0].body

    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature"] == f"sha256={digest}"
    assert headers["x-event-key"] == "repo:push"
    assert headers["x-hook-uuid"] == hook["uuid"].strip("{}")
    assert headers["x-attempt-number"] == "1"
    assert headers["user-agent"] == "Bitbucket-Webhooks/2.0"
    assert headers["content-type"].startswith("application/json")
    assert {"x-request-uuid", "x-event-time"} <= headers.keys()


def test_a_hook_without_a_secret_is_not_signed(
    stand_in: Client, work: Path, receiver: Receiver
) -> None:
    stand_in.add_hook(REPOSITORY, receiver.url, None)
    commit(work)
    push(work, "origin", "HEAD")

    told(receiver)

    assert "x-hub-signature" not in receiver.received[0].headers


def test_a_push_is_told_in_the_shape_of_a_real_one(
    stand_in: Client, work: Path, receiver: Receiver
) -> None:
    stand_in.add_hook(REPOSITORY, receiver.url, None)
    first = commit(work, "first")
    push(work, "origin", "HEAD")
    second = commit(work, "second\n\n:ACME_RUN:\n")
    push(work, "origin", "HEAD")

    created, moved = told(receiver, 0), told(receiver, 1)

    change = moved["push"]["changes"][0]
    assert created["push"]["changes"][0]["old"] is None
    assert created["push"]["changes"][0]["created"] is True
    assert (change["created"], change["closed"], change["forced"]) == (False, False, False)
    assert change["old"]["target"]["hash"] == first
    assert (change["new"]["type"], change["new"]["name"]) == ("branch", "main")
    assert change["new"]["target"]["hash"] == second
    assert change["new"]["target"]["message"] == "second\n\n:ACME_RUN:\n"
    assert change["new"]["target"]["author"]["raw"] == "Someone <someone@example.com>"
    assert [one["hash"] for one in change["commits"]] == [second]
    assert moved["repository"]["full_name"] == REPOSITORY
    assert moved["repository"]["uuid"].startswith("{")
    assert moved["actor"]["display_name"] == "Access token"


def test_of_many_commits_the_newest_five_are_told(
    stand_in: Client, work: Path, receiver: Receiver
) -> None:
    commit(work)
    push(work, "origin", "HEAD")
    stand_in.add_hook(REPOSITORY, receiver.url, None)
    hashes = [commit(work, f"number {number}") for number in range(7)]
    push(work, "origin", "HEAD")

    change = told(receiver)["push"]["changes"][0]

    assert change["truncated"] is True
    assert [one["hash"] for one in change["commits"]] == hashes[:1:-1]


def test_a_force_push_is_told_as_forced(stand_in: Client, work: Path, receiver: Receiver) -> None:
    commit(work, "base")
    old = commit(work, "old")
    push(work, "origin", "HEAD")
    stand_in.add_hook(REPOSITORY, receiver.url, None)
    git(work, "reset", "--quiet", "--hard", "HEAD~1")
    new = commit(work, "new")
    push(work, "--force", "origin", "HEAD")

    change = told(receiver)["push"]["changes"][0]

    assert change["forced"] is True
    assert (change["old"]["target"]["hash"], change["new"]["target"]["hash"]) == (old, new)
    assert [one["hash"] for one in change["commits"]] == [new]


def test_a_deletion_has_no_new_side(stand_in: Client, work: Path, receiver: Receiver) -> None:
    head = commit(work)
    push(work, "origin", "HEAD:main", "HEAD:gone")
    stand_in.add_hook(REPOSITORY, receiver.url, None)
    push(work, "origin", ":gone")

    change = told(receiver)["push"]["changes"][0]

    assert change["new"] is None
    assert change["closed"] is True
    assert (change["old"]["name"], change["old"]["target"]["hash"]) == ("gone", head)
    assert "commits" not in change


def test_several_refs_in_one_push_are_one_delivery(
    stand_in: Client, work: Path, receiver: Receiver
) -> None:
    stand_in.add_hook(REPOSITORY, receiver.url, None)
    head = commit(work)
    git(work, "tag", "light")
    git(work, "tag", "-a", "full", "-m", "its own words")
    push(work, "origin", "HEAD:main", "HEAD:feature/ünï\u00a0x", "light", "full")

    changes = {change["new"]["name"]: change["new"] for change in told(receiver)["push"]["changes"]}

    assert {name: new["type"] for name, new in changes.items()} == {
        "main": "branch",
        "feature/ünï\u00a0x": "branch",
        "light": "tag",
        "full": "tag",
    }
    assert {new["target"]["hash"] for new in changes.values()} == {head}
    assert changes["full"]["message"] == "its own words\n"
    assert len(settled(stand_in, 1)) == 1


def test_refs_that_are_no_branches_or_tags_are_not_told(
    stand_in: Client, work: Path, receiver: Receiver
) -> None:
    stand_in.add_hook(REPOSITORY, receiver.url, None)
    commit(work)
    push(work, "origin", "HEAD:refs/exps/ab/cdef/exp-1")
    push(work, "origin", "HEAD")

    told(receiver)

    assert len(stand_in.deliveries(REPOSITORY)) == 1


def test_a_push_that_changes_nothing_is_not_told(
    stand_in: Client, work: Path, receiver: Receiver
) -> None:
    commit(work)
    push(work, "origin", "HEAD")
    stand_in.add_hook(REPOSITORY, receiver.url, None)
    push(work, "origin", "HEAD")

    assert stand_in.deliveries(REPOSITORY) == []


@pytest.mark.parametrize("sent", [{"active": False}, {"events": ["pullrequest:created"]}])
def test_a_hook_that_does_not_listen_to_pushes_is_not_told(
    stand_in: Client, work: Path, receiver: Receiver, sent: dict[str, object]
) -> None:
    hook = stand_in.add_hook(REPOSITORY, receiver.url, None)
    stand_in.request("PUT", f"/2.0/repositories/{REPOSITORY}/hooks/{hook['uuid']}", sent)
    commit(work)
    push(work, "origin", "HEAD")

    assert stand_in.deliveries(REPOSITORY) == []


@pytest.mark.parametrize(
    ("answers", "attempts"),
    [
        ([500, 502, 503, 202], [500, 502, 503]),
        ([503, 202], [503, 202]),
        ([401], [401]),
        ([404], [404]),
        ([429], [429]),
        ([302], [302]),
    ],
)
def test_only_a_servers_error_is_tried_again_and_three_times_in_all(
    stand_in: Client, work: Path, answers: list[int], attempts: list[int]
) -> None:
    with receiving(*answers) as receiver:
        stand_in.add_hook(REPOSITORY, receiver.url, SECRET)
        commit(work)
        push(work, "origin", "HEAD")
        deliveries = settled(stand_in, len(attempts))

    assert [delivery["status"] for delivery in deliveries] == attempts
    assert [one.headers["x-attempt-number"] for one in receiver.received] == [
        str(number + 1) for number in range(len(attempts))
    ]
    assert len({one.body for one in receiver.received}) == 1


def test_an_answer_that_does_not_come_is_tried_again(tmp_path: Path) -> None:
    with (
        running(tmp_path / "state", answer_within=0.3) as stand_in,
        receiving(hold=threading.Event()) as receiver,
    ):
        work = clone(stand_in, tmp_path / "work")
        stand_in.add_hook(REPOSITORY, receiver.url, None)
        commit(work)
        push(work, "origin", "HEAD")
        deliveries = settled(stand_in, 3)

    assert [delivery["error"] for delivery in deliveries] == ["no answer within 0.3 s"] * 3


def test_a_receiver_that_is_not_there_is_tried_again(stand_in: Client, work: Path) -> None:
    stand_in.add_hook(REPOSITORY, "http://127.0.0.1:9/nobody", None)
    commit(work)
    push(work, "origin", "HEAD")

    errors = [delivery["error"] for delivery in settled(stand_in, 3)]

    assert errors == ["no answer: the connection was refused"] * 3


def test_a_payload_above_256_kb_is_kept_but_not_sent(
    stand_in: Client, work: Path, receiver: Receiver
) -> None:
    stand_in.add_hook(REPOSITORY, receiver.url, None)
    commit(work, "x" * 100_000)
    push(work, "origin", "HEAD")

    (delivery,) = stand_in.deliveries(REPOSITORY)

    assert delivery["state"] == "too large"
    assert delivery["body_bytes"] > 256 * 1024
    assert receiver.received == []
    with pytest.raises(AnswerError, match="too large"):
        stand_in.redeliver(delivery["id"])


def test_a_redelivery_has_the_same_body_and_another_request_uuid(
    stand_in: Client, work: Path, receiver: Receiver
) -> None:
    stand_in.add_hook(REPOSITORY, receiver.url, SECRET)
    commit(work)
    push(work, "origin", "HEAD")
    (delivery,) = settled(stand_in, 1)

    again = stand_in.redeliver(delivery["id"])
    settled(stand_in, 2)

    first, second = receiver.received
    assert first.body == second.body
    assert second.headers["x-request-uuid"] == again["request_uuid"] != delivery["request_uuid"]
    assert second.headers["x-hub-signature"] == first.headers["x-hub-signature"]


def test_a_delivery_that_the_end_interrupted_is_made_after_a_restart(tmp_path: Path) -> None:
    held = threading.Event()
    with receiving(hold=held) as receiver:
        with running(tmp_path / "state", answer_within=600) as stand_in:
            work = clone(stand_in, tmp_path / "work")
            stand_in.add_hook(REPOSITORY, receiver.url, SECRET)
            commit(work)
            push(work, "origin", "HEAD")
            eventually(lambda: len(receiver.received) == 1)
        held.set()
        with running(tmp_path / "state") as stand_in:
            (delivery,) = settled(stand_in, 1)

    assert delivery["status"] == 202
    assert len({one.headers["x-request-uuid"] for one in receiver.received}) == 1


def test_a_push_that_was_noted_but_not_told_is_told_after_a_restart(tmp_path: Path) -> None:
    with receiving() as receiver:
        with running(tmp_path / "state") as stand_in:
            work = clone(stand_in, tmp_path / "work")
            head = commit(work)
            push(work, "origin", "HEAD")
            stand_in.add_hook(REPOSITORY, receiver.url, None)
        note = f"{REPOSITORY}\nsomeone\n{'0' * 40} {head} refs/heads/main\n"
        (tmp_path / "state" / "pushes" / "noted").write_text(note)
        with running(tmp_path / "state"):
            body = told(receiver)

    assert body["actor"]["display_name"] == "someone"
    assert body["push"]["changes"][0]["new"]["target"]["hash"] == head
    assert list((tmp_path / "state" / "pushes").iterdir()) == []


def test_a_push_does_not_wait_for_a_receiver_that_is_slow(tmp_path: Path) -> None:
    with (
        running(tmp_path / "state", answer_within=600) as stand_in,
        receiving(hold=threading.Event()) as receiver,
    ):
        work = clone(stand_in, tmp_path / "work")
        stand_in.add_hook(REPOSITORY, receiver.url, None)
        commit(work)
        push(work, "origin", "HEAD")
        pending = [delivery["state"] for delivery in stand_in.deliveries(REPOSITORY)]

    assert pending == ["pending"]
