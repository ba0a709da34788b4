"""How a push becomes events: which branches, and what of a long message."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.webhook.push import MAX_EVENT_BYTES, Push, cut
from shared.events import CommitPushed, enclose
from tests.samples import NOW, payload

ONE = payload("bitbucket_cloud/push/drone_branch_push.json")


def commits(body: Any) -> list[CommitPushed]:
    return Push.model_validate_json(json.dumps(body)).commits("ACME", NOW)


def pushed(message: str | None) -> CommitPushed:
    body = copy.deepcopy(ONE)
    body["push"]["changes"][0]["new"]["target"]["message"] = message
    return commits(body)[0]


def test_each_branch_of_a_push_is_an_event_of_its_own() -> None:
    events = commits(payload("bitbucket_cloud/push/jenkins_2017_multiple_changes.json"))

    assert [event.branch for event in events] == ["main", "manchu"]
    assert len({event.commit for event in events}) == 2


def test_a_deletion_beside_a_branch_asks_for_nothing() -> None:
    deletion = payload("bitbucket_cloud/push/drone_branch_delete.json")["push"]["changes"]
    body = copy.deepcopy(ONE)
    body["push"]["changes"] = [*deletion, *body["push"]["changes"]]

    assert [event.branch for event in commits(body)] == ["master"]


def test_a_branch_whose_head_stayed_asks_for_nothing() -> None:
    body = copy.deepcopy(ONE)
    body["push"]["changes"][0]["old"] = body["push"]["changes"][0]["new"]

    assert commits(body) == []


@pytest.mark.parametrize("missing", ["commits", "old", "closed", "forced", "links"])
def test_what_is_not_in_use_may_be_absent(missing: str) -> None:
    body = copy.deepcopy(ONE)
    body["push"]["changes"][0].pop(missing, None)

    assert len(commits(body)) == 1


def test_a_push_by_nobody_that_bitbucket_names_is_taken() -> None:
    body = copy.deepcopy(ONE)
    del body["actor"]

    assert commits(body)[0].pushed_by.name is None


def test_the_slug_comes_from_the_full_name_and_never_from_the_display_name() -> None:
    (event,) = commits(payload("bitbucket_cloud/push/woodpecker_branch_push.json"))

    assert event.repository.slug == "publictestrepo"


def test_a_commit_without_a_message_has_an_empty_one() -> None:
    assert pushed(None).message == ""


def size(event: CommitPushed) -> int:
    return len(event.detail().encode())


def test_a_message_that_fits_is_whole() -> None:
    message = ":ACME_RUN:\n" + "x" * 100_000

    assert pushed(message).message == message
    assert not pushed(message).keywords_cut


def test_a_longer_message_is_cut_at_a_lines_end() -> None:
    event = pushed("line of text\n" * 100_000)

    assert event.message.endswith("line of text\n")
    assert MAX_EVENT_BYTES - 50 < size(event) <= MAX_EVENT_BYTES
    assert not event.keywords_cut


@pytest.mark.parametrize("lost", [":ACME_RUN:", ":ACME_GPUS: 1", ":ACME_ANYTHING"])
def test_a_cut_that_may_have_lost_a_keyword_is_marked(lost: str) -> None:
    filling = "line of text\n" * 20_000

    assert pushed(filling + lost).keywords_cut
    assert not pushed(f"{filling} {lost}").keywords_cut
    assert not pushed(f"{lost}\n{filling}").keywords_cut


def test_a_first_line_that_is_too_long_is_gone_and_may_have_been_a_keyword() -> None:
    assert pushed(":ACME_RUN: " + "x" * 300_000).message == ""
    assert pushed(":ACME_RUN: " + "x" * 300_000).keywords_cut
    assert pushed("\ufeff:ACME_RUN: " + "x" * 300_000).keywords_cut
    assert not pushed("x" * 300_000).keywords_cut


@pytest.mark.parametrize(
    "character", ["x", "\u00e9", "\u2603", "\U0001f600", '"', "\x01", "\uffff"]
)
def test_the_event_stays_within_its_size_whatever_the_characters(character: str) -> None:
    event = pushed((character * 99 + "\n") * 10_000)

    assert MAX_EVENT_BYTES - 700 < size(event) <= MAX_EVENT_BYTES


@given(st.text(max_size=200), st.integers(-10, 400))
def test_a_cut_message_is_a_beginning_that_ends_where_a_line_ends(text: str, room: int) -> None:
    kept, rest = cut(text, room)

    assert kept + rest == text
    assert not (kept and rest) or kept.endswith("\n")
    assert not kept or len(json.dumps(kept, ensure_ascii=False).encode()) - 2 <= room


@pytest.mark.parametrize("character", ["\ufffe", "\uffff"])
def test_characters_that_sqs_refuses_travel_escaped(character: str) -> None:
    event = pushed(f"a\\{character}b")

    assert character not in enclose(event)
    assert CommitPushed.model_validate_json(event.detail()).message == f"a\\{character}b"


@pytest.mark.parametrize(
    "path",
    [
        ("push", "changes", 0, "new", "name"),
        ("push", "changes", 0, "new", "target", "hash"),
        ("repository", "uuid"),
        ("actor", "uuid"),
    ],
)
def test_a_name_that_no_event_has_room_for_is_none_of_bitbuckets(path: tuple[Any, ...]) -> None:
    body = copy.deepcopy(ONE)
    holder = body
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = "x" * 4_097

    with pytest.raises(ValidationError):
        commits(body)


def test_the_longest_names_leave_room_in_an_event_for_a_message() -> None:
    body = copy.deepcopy(ONE)
    new = body["push"]["changes"][0]["new"]
    new["name"], new["target"]["hash"] = "\x01" * 4_096, "\x01" * 1_024
    new["target"]["message"] = ":ACME_RUN: train"
    body["repository"] |= {"uuid": "\x01" * 1_024, "full_name": "\x01" * 511 + "/" + "\x01" * 512}
    body["actor"] |= {"uuid": "\x01" * 1_024, "display_name": "\x01" * 100_000}

    (event,) = commits(body)
    assert event.message == ":ACME_RUN: train"
    assert size(event) < MAX_EVENT_BYTES // 2


def test_a_long_display_name_is_cut_and_no_reason_to_lose_a_push() -> None:
    body = copy.deepcopy(ONE)
    body["actor"]["display_name"] = "x" * 300_000

    assert commits(body)[0].pushed_by.name == "x" * 1_024
