"""The secret with the authorised webhooks is changed without harm to what others wrote there."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.project import authorised
from cli.project.authorised import Entry, UnknownFormError
from cli.project.webhooks import plain
from services.webhook.hooks import Hooks
from services.webhook.signature import sign
from shared.events import Repository

NAME = "acme/testing/bitbucket-webhook-uuids"
UUID = "{6d1f4c1e-52a7-4b58-9a0e-2f3f8f2a7c11}"
OURS = Entry("s3cret", "acme/churn", UUID)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


class OneSecret:
    """The text of a secret, as the webhook reads it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def get(self, _name: str) -> str | None:
        return self._text

    def renew(self, _name: str, *, at_most_every: float) -> str | None:
        return self._text


def test_a_secret_without_a_value_and_an_empty_list_hold_nobody() -> None:
    assert authorised.read(None, NAME) == {}
    assert authorised.read("[]", NAME) == {}


def test_the_older_form_is_not_written_over_and_the_text_says_what_to_do() -> None:
    with pytest.raises(UnknownFormError, match=r"older form.*replace it by an object"):
        authorised.read('["4b1ed7a2-9c3f-4e0b-8a55-7d2c6f1b0e93"]', NAME)


@pytest.mark.parametrize("text", ["", "{", "7", "null", '"text"'])
def test_what_is_no_object_is_not_written_over(text: str) -> None:
    with pytest.raises(UnknownFormError, match="mend it first"):
        authorised.read(text, NAME)


def test_the_webhook_takes_what_is_entered_here() -> None:
    text = authorised.written(authorised.with_entry({}, "{4B1E-D7}", OURS))

    hook = Hooks(OneSecret(text), NAME, require_signature=True).authenticate(
        "4b1e-d7", sign(b"body", "s3cret"), b"body"
    )

    assert hook is not None
    assert hook.speaks_for(Repository(uuid=UUID, full_name="acme/churn"))
    assert hook.known_as(Repository(uuid=UUID, full_name="acme/churn")) is None
    assert hook.known_as(Repository(uuid=UUID, full_name="acme/other")) == "acme/churn"
    assert not hook.speaks_for(Repository(uuid="{another}", full_name="acme/churn"))


def test_an_entry_replaces_the_one_of_its_webhook_however_that_is_spelt() -> None:
    content = {"{ABC}": {"secret": "old", "repository": "acme/churn"}}

    changed = authorised.with_entry(content, "abc", OURS)

    assert changed == {"abc": {"secret": "s3cret", "repository": "acme/churn", "uuid": UUID}}


def test_only_entries_with_a_secret_count_but_all_are_mentioned() -> None:
    content = {
        "A": {"secret": "x", "repository": "acme/churn"},
        "b": {"repository": "acme/churn"},
        "c": {"secret": "", "repository": "acme/churn"},
        "d": {"secret": "x", "repository": "acme/other"},
        "e": "odd",
    }

    assert authorised.entries(content, "acme/churn") == {"a": Entry("x", "acme/churn")}
    assert authorised.mentions(content, "acme/churn") == {"a", "b", "c"}


def test_an_entry_tells_its_repositorys_uuid_in_any_spelling_or_is_said_not_to() -> None:
    told = [UUID, UUID.strip("{}").upper(), None, "", "{another}", 7, [UUID]]
    content: dict[str, object] = {
        f"{{{number}}}": {"secret": "x", "repository": "acme/churn", "uuid": one}
        for number, one in enumerate(told)
    }
    content |= {
        "bare": {"secret": "x", "repository": "acme/churn"},
        "theirs": {"secret": "x", "repository": "acme/other"},
        "odd": [7],
    }

    found = authorised.unidentified(content, "acme/churn", UUID)

    assert found == {"2", "3", "4", "5", "6", "bare"}
    assert authorised.entries(content, "acme/churn")["5"] == Entry("x", "acme/churn")


def test_an_entry_is_identified_in_its_place_and_no_other_is_touched() -> None:
    ours = {"repository": "acme/churn", "added by hand": 7}
    content = {"b": {"repository": "acme/other"}, "{ABC}": ours, "c": "odd"}

    for uuid, changed in (("abc", {**ours, "uuid": UUID}), ("b", ours), ("c", ours), ("d", ours)):
        told = authorised.with_identity(content, uuid, "acme/churn", UUID)
        assert list(told.items()) == list({**content, "{ABC}": changed}.items())


@given(others=st.dictionaries(st.text(max_size=5), values))
def test_what_others_wrote_comes_through_every_change(others: dict[str, object]) -> None:
    others.pop("ours", None)
    others = {uuid: one for uuid, one in others.items() if plain(uuid) != "ours"}

    content = authorised.read(json.dumps(others), NAME)
    changed = authorised.read(
        authorised.written(authorised.with_entry(content, "ours", OURS)), NAME
    )

    assert authorised.entries(changed, "acme/churn")["ours"] == OURS
    assert authorised.without(changed, {"{OURS}"}) == others


def test_one_entry_that_nobody_understands_hides_no_repository() -> None:
    content = {
        "a": {"secret": "x", "repository": "acme/churn"},
        "b": {"repository": "acme/churn"},
        "c": {"repository": "acme/a"},
        "d": {"secret": "x"},
        "e": {"repository": 7},
        "f": {"repository": ["acme/list"]},
        "g": {"repository": "no-slug"},
        "h": "odd",
    }

    assert authorised.repositories(content) == ["acme/a", "acme/churn"]


def test_no_text_of_ours_shows_a_secret() -> None:
    assert "s3cret" not in repr(OURS)
