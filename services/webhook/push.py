"""Bitbucket Cloud's `repo:push` payload: which branches' heads moved, and to which commits.

Tags, deletions (`new` is null) and branches whose head stayed ask for nothing. Hashes and uuids
are opaque here. Payload: support.atlassian.com, "Event payloads".
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError

from shared.events import CommitPushed, Model, Person, Repository

# An SQS message holds 256 KiB at most; this leaves room for its envelope.
MAX_EVENT_BYTES = 200 * 1024
# They are 200 calls of SQS one after the other, ten events each, for which the function has 8 s. A
# push that is cut off there is cut off again at Bitbucket's next tries: these begin with the same
# branches, so the last ones would never be stored.
MAX_BRANCHES = 2000
# No path of Linux's is longer (PATH_MAX), and a ref's name is one to git; the rest is far shorter
# at Bitbucket. However their characters are written in JSON, an event has room for all of these.
# Anything longer is not from there, so all of such a push is refused, its other branches too.
_MAX_NAME = 4096
_MAX_IDENTIFIER = 1024
# A JSON string's escapes, one at a time: a pair of surrogates, one that is alone, any other.
_ESCAPES = re.compile(
    rb"(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?P<alone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)
_MOST_PLACES = 5
_LONGEST_PLACE = 100

_Identifier = Annotated[str, Field(max_length=_MAX_IDENTIFIER)]


def _within_limits(repository: Repository) -> Repository:
    if max(len(repository.uuid), len(repository.full_name)) > _MAX_IDENTIFIER:
        message = "longer than any name of Bitbucket's"
        raise ValueError(message)
    return repository


class _Target(Model):
    hash: Annotated[_Identifier, Field(min_length=1)]
    message: str | None = None


class _Ref(Model):
    type: str
    name: Annotated[str, Field(min_length=1, max_length=_MAX_NAME)]
    target: _Target


class _OldRef(Model):
    target: _Target | None = None


class _Change(Model):
    new: _Ref | None
    old: _OldRef | None = None


class _Changes(Model):
    changes: tuple[_Change, ...]


class _Actor(Model):
    uuid: _Identifier | None = None
    display_name: str | None = None

    @property
    def person(self) -> Person:
        """Whom the event names; a display name is cut, for it decides nothing."""
        return Person(id=self.uuid, name=self.display_name and self.display_name[:_MAX_IDENTIFIER])


class Push(Model):
    """The parts of a `repo:push` body that are in use."""

    repository: Annotated[Repository, AfterValidator(_within_limits)]
    push: _Changes
    actor: _Actor | None = None

    @property
    def branches(self) -> int:
        """How many branches' heads moved; told without an event being made."""
        return sum(1 for _ in self._heads())

    def commits(
        self, prefix: str, now: datetime, known_as: str | None = None
    ) -> list[CommitPushed]:
        """One event for each branch whose head moved, in the payload's order.

        `known_as` is the full name that the repository was known by, if it has another one now.
        """
        return [self._commit(head, prefix, now, known_as) for head in self._heads()]

    def _heads(self) -> Iterator[_Ref]:
        for change in self.push.changes:
            if change.new is not None and change.new.type == "branch" and _moved(change):
                yield change.new

    def _commit(self, new: _Ref, prefix: str, now: datetime, known_as: str | None) -> CommitPushed:
        bare = CommitPushed(
            repository=self.repository,
            branch=new.name,
            commit=new.target.hash,
            message="",
            known_as=known_as,
            pushed_by=(self.actor or _Actor()).person,
            pushed_at=now,
        )
        room = MAX_EVENT_BYTES - len(bare.detail().encode()) - len(',"keywords_cut":true')
        message, rest = cut(new.target.message or "", room)
        lost = re.search(rf"^\ufeff?:{re.escape(prefix)}_", rest, re.MULTILINE) is not None
        return bare.model_copy(update={"message": message, "keywords_cut": lost})


def read(body: bytes) -> Push:
    """The push in a body of `repo:push`.

    Half a character, as in a message that somebody cut in the middle of an emoji, is read as
    U+FFFD: a push is not lost for it. No JSON is read that is nested deeper than 200 levels, or has
    a number of more than 4,300 digits.

    Raises:
        ValidationError: the body is not JSON, or no push.

    """
    try:
        return Push.model_validate_json(body)
    except ValidationError:
        whole = _ESCAPES.sub(lambda m: rb"\ufffd" if m["alone"] else m[0], body)
        if whole == body:
            raise
        return Push.model_validate_json(whole)


def unreadable(error: ValidationError) -> list[str]:
    """Where a body is not what it should be, and why, without a word of what stands there."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    places = [(".".join(map(str, one["loc"])) or "body", one["type"]) for one in found]
    return [f"{place[:_LONGEST_PLACE]}: {kind}" for place, kind in places[:_MOST_PLACES]]


def _moved(change: _Change) -> bool:
    old = change.old.target if change.old is not None else None
    return old is None or change.new is None or old.hash != change.new.target.hash


def cut(message: str, room: int) -> tuple[str, str]:
    r"""The message's first lines that take up to `room` bytes as JSON, and the rest of it.

    >>> cut("one\ntwo\nthree", 12)
    ('one\ntwo\n', 'three')
    """
    if 6 * len(message) <= room:  # no character takes more than six bytes in JSON
        return message, ""
    kept = 0
    # Not splitlines: to it, and to nobody else here, a form feed ends a line.
    for line in re.findall(r"[^\n]*\n|[^\n]+", message):
        room -= _json_length(line)
        if room < 0:
            break
        kept += len(line)
    return message[:kept], message[kept:]


def _json_length(text: str) -> int:
    escaped = sum(1 for c in text if c in '"\\\n\r\t\b\f')
    control = sum(5 for c in text if c < " " and c not in "\n\r\t\b\f")
    no_character = sum(3 for c in text if c in "\ufffe\uffff")
    return len(text.encode(errors="surrogatepass")) + escaped + control + no_character
