"""The deliveries of webhooks: those to be made, and what came of those that were made.

A delivery is stored before it is sent, so that one that a crash interrupted is made after it.
"""

import sqlite3
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from local.bitbucket.answers import Json
from local.bitbucket.database import Database
from local.bitbucket.hooks import Hook
from local.bitbucket.times import now

ATTEMPTS = 3  # https://support.atlassian.com/bitbucket-cloud/docs/troubleshoot-webhooks/
LARGEST_BODY = 256 * 1024  # bytes; a larger one is not sent: the same page
PENDING, ANSWERED, UNANSWERED, TOO_LARGE = "pending", "answered", "unanswered", "too large"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to tell a webhook of an event; `heads` are the commits that it is about."""

    id: int
    repository: str
    hook: str
    event: str
    event_time: str
    request_uuid: str
    attempt: int
    heads: tuple[str, ...]
    body: bytes = field(repr=False)
    state: str
    time: str | None
    status: int | None
    error: str | None
    duration_ms: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: an HTTP status, or the error that took its place."""

    time: str
    duration_ms: int
    status: int | None = None
    error: str | None = None

    @property
    def asks_for_another(self) -> bool:
        """Whether Bitbucket sends again: after a server's error and where no answer came."""
        return self.status is None or self.status >= 500


def announce(
    database: Database, hooks: Sequence[Hook], event: str, heads: Sequence[str], body: bytes
) -> list[Delivery]:
    """Store the first attempt for each webhook."""
    with database.transaction() as connection:
        return [_insert(connection, hook, event, heads, body) for hook in hooks]


def again(database: Database, delivery: Delivery) -> Delivery:
    """Store a delivery of the same body that begins anew, with a request uuid of its own."""
    with database.transaction() as connection:
        return _copy(connection, delivery, str(uuid.uuid4()), attempt=1)


def settle(database: Database, delivery: Delivery, outcome: Outcome) -> Delivery | None:
    """Store what came of an attempt; the next attempt, if Bitbucket would make one."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE deliveries SET state = ?, time = ?, status = ?, error = ?, duration_ms = ?"
            " WHERE id = ?",
            (
                UNANSWERED if outcome.status is None else ANSWERED,
                outcome.time,
                outcome.status,
                outcome.error,
                outcome.duration_ms,
                delivery.id,
            ),
        )
        if outcome.asks_for_another and delivery.attempt < ATTEMPTS:
            return _copy(connection, delivery, delivery.request_uuid, delivery.attempt + 1)
    return None


def abandon(database: Database, delivery: Delivery, reason: str) -> None:
    """Store that an attempt will not be made."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE deliveries SET state = ?, time = ?, error = ? WHERE id = ?",
            (UNANSWERED, now(), reason, delivery.id),
        )


def pending(database: Database) -> list[Delivery]:
    """The attempts that are still to be made, oldest first."""
    rows = database.rows("SELECT * FROM deliveries WHERE state = ? ORDER BY id", PENDING)
    return [_delivery(row) for row in rows]


def listing(database: Database, repository: str | None = None) -> list[Delivery]:
    """Every attempt, of one repository or of all, oldest first."""
    if repository is None:
        rows = database.rows("SELECT * FROM deliveries ORDER BY id")
    else:
        rows = database.rows(
            "SELECT * FROM deliveries WHERE repository = ? ORDER BY id", repository
        )
    return [_delivery(row) for row in rows]


def find(database: Database, delivery_id: int) -> Delivery | None:
    """The attempt of that number."""
    rows = database.rows("SELECT * FROM deliveries WHERE id = ?", delivery_id)
    return _delivery(rows[0]) if rows else None


def delivery_json(delivery: Delivery) -> Json:
    """An attempt as the control routes tell it; the body's size instead of the body."""
    return {
        "id": delivery.id,
        "repository": delivery.repository,
        "hook": delivery.hook,
        "event": delivery.event,
        "request_uuid": delivery.request_uuid,
        "attempt": delivery.attempt,
        "state": delivery.state,
        "heads": list(delivery.heads),
        "body_bytes": len(delivery.body),
        "time": delivery.time,
        "status": delivery.status,
        "error": delivery.error,
        "duration_ms": delivery.duration_ms,
    }


def _insert(
    connection: sqlite3.Connection, hook: Hook, event: str, heads: Sequence[str], body: bytes
) -> Delivery:
    fits = len(body) <= LARGEST_BODY
    error = None if fits else f"not sent: {len(body)} bytes, Bitbucket sends at most {LARGEST_BODY}"
    inserted = connection.execute(
        "INSERT INTO deliveries (repository, hook, event, event_time, request_uuid, attempt, heads,"
        " body, state, error) VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?)",
        (
            hook.repository,
            hook.uuid,
            event,
            now(),
            str(uuid.uuid4()),
            " ".join(heads),
            body,
            PENDING if fits else TOO_LARGE,
            error,
        ),
    )
    return _stored(connection, inserted.lastrowid)


def _copy(
    connection: sqlite3.Connection, delivery: Delivery, request_uuid: str, attempt: int
) -> Delivery:
    inserted = connection.execute(
        "INSERT INTO deliveries (repository, hook, event, event_time, request_uuid, attempt, heads,"
        " body, state) SELECT repository, hook, event, event_time, ?, ?, heads, body, ?"
        " FROM deliveries WHERE id = ?",
        (request_uuid, attempt, PENDING, delivery.id),
    )
    return _stored(connection, inserted.lastrowid)


def _stored(connection: sqlite3.Connection, row_id: int | None) -> Delivery:
    return _delivery(
        connection.execute("SELECT * FROM deliveries WHERE id = ?", (row_id,)).fetchone()
    )


def _delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(
        id=row["id"],
        repository=row["repository"],
        hook=row["hook"],
        event=row["event"],
        event_time=row["event_time"],
        request_uuid=row["request_uuid"],
        attempt=row["attempt"],
        heads=tuple(row["heads"].split()),
        body=row["body"],
        state=row["state"],
        time=row["time"],
        status=row["status"],
        error=row["error"],
        duration_ms=row["duration_ms"],
    )
