"""The webhooks of repositories: where their deliveries go, and what signs them."""

import json
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from local.bitbucket import fields
from local.bitbucket.answers import Json, Refused
from local.bitbucket.database import Database
from local.bitbucket.hook_events import HOOK_EVENTS
from local.bitbucket.repositories import Repository
from local.bitbucket.shapes import Addresses, link, repository_json
from local.bitbucket.times import now

RULES: Mapping[str, tuple[fields.Rule, ...]] = {
    "url": (fields.webhook_url,),
    "description": (fields.at_most(fields.LONGEST_TEXT),),
    "secret": (fields.at_most(fields.LONGEST_SECRET),),
}


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook; its uuid is kept as the delivery's header has it: lower case, no braces."""

    uuid: str
    repository: str
    url: str
    description: str
    active: bool
    events: tuple[str, ...]
    secret: str | None = field(repr=False)
    created_at: str


def create(database: Database, repository: str, sent: Mapping[str, object]) -> Hook:
    """A new webhook; refused with 400 if its fields are wrong."""
    values = fields.read(sent, RULES, required=("url",))
    hook = Hook(
        uuid=str(uuid.uuid4()),
        repository=repository,
        url=values["url"],
        description=values.get("description", ""),
        active=_active(sent, default=True),
        events=_events(sent),
        secret=values.get("secret") or None,
        created_at=now(),
    )
    _store(database, hook)
    return hook


def update(database: Database, hook: Hook, sent: Mapping[str, object]) -> Hook:
    """Change what was sent; a secret of null or "" is removed, one that is absent stays."""
    values = fields.read({"url": hook.url, **sent}, RULES, required=("url",))
    changed = replace(
        hook,
        url=values["url"],
        description=values.get("description", hook.description),
        active=_active(sent, default=hook.active),
        events=_events(sent) if "events" in sent else hook.events,
        secret=(values.get("secret") or None) if "secret" in sent else hook.secret,
    )
    _store(database, changed)
    return changed


def delete(database: Database, hook: Hook) -> None:
    """Take a webhook away."""
    with database.transaction() as connection:
        connection.execute("DELETE FROM hooks WHERE uuid = ?", (hook.uuid,))


def of_repository(database: Database, repository: str) -> list[Hook]:
    """A repository's webhooks, oldest first."""
    rows = database.rows(
        "SELECT * FROM hooks WHERE repository = ? ORDER BY created_at, uuid", repository
    )
    return [_hook(row) for row in rows]


def find(database: Database, repository: str, uid: str) -> Hook:
    """A repository's webhook, by its uuid with or without braces; 404 if there is none."""
    wanted = uid.strip("{}").lower()
    for hook in of_repository(database, repository):
        if hook.uuid == wanted:
            return hook
    raise Refused(404, f"Webhook {uid} not found")


def hook_json(hook: Hook, repository: Repository, addresses: Addresses) -> Json:
    """A webhook as the API answers it: it never tells the secret."""
    uid = f"{{{hook.uuid}}}"
    return {
        "type": "webhook_subscription",
        "uuid": uid,
        "url": hook.url,
        "description": hook.description,
        "active": hook.active,
        "events": list(hook.events),
        "secret_set": hook.secret is not None,
        "created_at": hook.created_at,
        "subject_type": "repository",
        "subject": repository_json(repository, addresses),
        "links": {"self": link(address(hook, addresses))},
    }


def address(hook: Hook, addresses: Addresses) -> str:
    """Where the API answers about a webhook."""
    return f"{addresses.api}/repositories/{hook.repository}/hooks/%7B{hook.uuid}%7D"


def _active(sent: Mapping[str, object], *, default: bool) -> bool:
    active = sent.get("active", default)
    if not isinstance(active, bool):
        raise fields.wrong_fields({"active": ["Must be a valid boolean."]})
    return active


def _events(sent: Mapping[str, object]) -> tuple[str, ...]:
    events = sent.get("events")
    if not isinstance(events, list) or not events:
        raise fields.wrong_fields({"events": ["This field is required."]})
    if not all(isinstance(event, str) for event in events):
        raise fields.wrong_fields({"events": ["Not a valid string."]})
    if unknown := set(events) - HOOK_EVENTS:
        named = ", ".join(sorted(unknown))
        raise fields.wrong_fields({"events": [f"Not a valid event: {named}."]})
    return tuple(dict.fromkeys(events))


def _store(database: Database, hook: Hook) -> None:
    row = {**asdict(hook), "events": json.dumps(hook.events)}
    with database.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO hooks VALUES (:uuid, :repository, :url, :description,"
            " :active, :events, :secret, :created_at)",
            row,
        )


def _hook(row: sqlite3.Row) -> Hook:
    return Hook(
        uuid=row["uuid"],
        repository=row["repository"],
        url=row["url"],
        description=row["description"],
        active=bool(row["active"]),
        events=tuple(json.loads(row["events"])),
        secret=row["secret"],
        created_at=row["created_at"],
    )
