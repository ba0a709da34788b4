"""The secret with the authorised webhooks, read and changed without harm to anybody else's entry.

A JSON object, webhook UUID -> {"secret": "…", "repository": "workspace/slug", "uuid": "{…}"}, where
`uuid` is the repository's; an entry of before has none. What this module does not understand it
carries along as it is: a malformed entry is nobody else's concern.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import click

from cli.project.webhooks import plain

Content = Mapping[str, object]
_FULL_NAME = re.compile(r"[^/\s]+/[^/\s]+")


@dataclass(frozen=True)
class Entry:
    """What the stack knows of a webhook: its secret, and the repository that it speaks for.

    `uuid` is the repository's, None where the stack does not know it.
    """

    secret: str = field(repr=False)
    repository: str
    uuid: str | None = None


class UnknownFormError(click.ClickException):
    """The secret holds something that must not be written over."""


def read(text: str | None, name: str) -> Content:
    """The content of the secret called `name`; nothing where it has no value yet.

    Raises:
        UnknownFormError: it is no JSON object, or the older form, a list of UUIDs.

    """
    if text is None:
        return {}
    try:
        content = json.loads(text)
    except ValueError:
        message = f"the secret {name} is not JSON: mend it first (docs/operations.md)"
        raise UnknownFormError(message) from None
    if content == []:
        return {}
    if isinstance(content, list):
        message = (
            f"the secret {name} holds the older form, a list of webhooks' UUIDs without secrets, "
            "which cannot take a signed webhook beside them. Their repositories are not written "
            "down there, so you have to: replace it by an object, "
            '{"<webhook UUID>": {"repository": "workspace/slug"}, …} for those still in use '
            "(docs/operations.md), and come back"
        )
        raise UnknownFormError(message)
    if not isinstance(content, dict):
        message = f"the secret {name} is not a JSON object: mend it first (docs/operations.md)"
        raise UnknownFormError(message)
    return content


def entries(content: Content, full_name: str) -> dict[str, Entry]:
    """The webhooks that speak for a repository and have a secret, by their uuid."""
    found = {}
    for uuid, entry in _of(content, full_name):
        secret, identity = entry.get("secret"), entry.get("uuid")
        if isinstance(secret, str) and secret:
            known = identity if isinstance(identity, str) and identity else None
            found[plain(uuid)] = Entry(secret, full_name, known)
    return found


def repositories(content: Content) -> list[str]:
    """The repositories that webhooks speak for, as workspace/slug, each once, in order."""
    named = [entry.get("repository") for entry in content.values() if isinstance(entry, dict)]
    return sorted({one for one in named if isinstance(one, str) and _FULL_NAME.fullmatch(one)})


def with_entry(content: Content, uuid: str, entry: Entry) -> Content:
    """The content with one webhook's entry added or replaced."""
    told = {"secret": entry.secret, "repository": entry.repository}
    identity = {} if entry.uuid is None else {"uuid": entry.uuid}
    return {**without(content, {uuid}), plain(uuid): {**told, **identity}}


def with_identity(content: Content, uuid: str, full_name: str, repository_uuid: str) -> Content:
    """The content in which one webhook's entry for a repository tells the repository's uuid.

    Nothing else changes: not what else the entry holds, nor an entry for another repository.
    """
    told = {
        key: {**entry, "uuid": repository_uuid}
        for key, entry in _of(content, full_name)
        if plain(key) == plain(uuid) and not _is_same(entry.get("uuid"), repository_uuid)
    }
    return {**content, **told}


def without(content: Content, uuids: Collection[str]) -> Content:
    """The content without the entries of some webhooks, however their uuids are written."""
    dropped = set(map(plain, uuids))
    return {uuid: entry for uuid, entry in content.items() if plain(uuid) not in dropped}


def mentions(content: Content, full_name: str) -> set[str]:
    """The webhooks with an entry for a repository, with a secret or without, by their uuid."""
    return {plain(uuid) for uuid, _ in _of(content, full_name)}


def unidentified(content: Content, full_name: str, repository_uuid: str) -> set[str]:
    """Those of them whose entry does not tell that the repository has this uuid."""
    return {
        plain(uuid)
        for uuid, entry in _of(content, full_name)
        if not _is_same(entry.get("uuid"), repository_uuid)
    }


def written(content: Content) -> str:
    """The secret's text."""
    return json.dumps(content, indent=1)


def _of(content: Content, full_name: str) -> Iterator[tuple[str, dict[str, object]]]:
    """The entries for a repository, each with its webhook's uuid as it is written there."""
    for uuid, entry in content.items():
        if isinstance(entry, dict) and entry.get("repository") == full_name:
            yield uuid, entry


def _is_same(told: object, uuid: str) -> bool:
    return isinstance(told, str) and plain(told) == plain(uuid)
