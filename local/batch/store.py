"""What outlives the endpoint: its resources, its jobs, and the events not yet delivered.

One SQLite file. A job and the events about it are written in one transaction, so that a crash can
neither lose an event nor tell of a change that never was.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from local.batch.shapes import Document, Shape

_TABLES = """
CREATE TABLE IF NOT EXISTS resources (
    kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL,
    position INTEGER PRIMARY KEY AUTOINCREMENT, UNIQUE (kind, key)
);
CREATE TABLE IF NOT EXISTS outbox (position INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
"""


class StoreInUse(Exception):
    """Another endpoint works in this state directory."""


class Store:
    """The file, held by one endpoint at a time; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self.posted = threading.Event()
        self._lock = threading.Lock()
        self._file = sqlite3.connect(path, timeout=0.5, check_same_thread=False)
        try:
            self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._file.execute("PRAGMA journal_mode = WAL")
            # A crash of the endpoint is survived; a crash of the machine may cost the last moments.
            self._file.execute("PRAGMA synchronous = OFF")
            self._file.executescript(_TABLES)
        except sqlite3.OperationalError as error:
            self._file.close()
            raise StoreInUse(f"{path} is in use by another endpoint") from error

    def close(self) -> None:
        """Let another endpoint have the file."""
        with self._lock:
            self._file.close()

    def save(
        self, bodies: Iterable[tuple[str, str, Shape]], events: Iterable[Document] = ()
    ) -> None:
        """Insert or replace resources by kind and key, and put entries into the outbox."""
        rows = [(kind, key, body.model_dump_json(by_alias=True)) for kind, key, body in bodies]
        posted = [(json.dumps(event),) for event in events]
        with self._lock, self._file:
            self._file.executemany(
                "INSERT INTO resources (kind, key, body) VALUES (?, ?, ?)"
                " ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
                rows,
            )
            self._file.executemany("INSERT INTO outbox (body) VALUES (?)", posted)
        if posted:
            self.posted.set()

    def delete(self, kind: str, key: str) -> None:
        """Forget a resource."""
        with self._lock, self._file:
            self._file.execute("DELETE FROM resources WHERE kind = ? AND key = ?", (kind, key))

    def load(self, kind: str) -> Iterator[str]:
        """The JSON of every resource of a kind, in the order in which they were first saved."""
        with self._lock:
            rows = self._file.execute(
                "SELECT body FROM resources WHERE kind = ? ORDER BY position", (kind,)
            ).fetchall()
        return (body for (body,) in rows)

    def find(self, kind: str, key: str) -> str | None:
        """The JSON of one resource, or None."""
        with self._lock:
            row = self._file.execute(
                "SELECT body FROM resources WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
        return None if row is None else str(row[0])

    def members(self, kind: str, member: str) -> list[tuple[str, str]]:
        """Of every resource of a kind its key and one member, without reading the rest."""
        with self._lock:
            return self._file.execute(
                "SELECT key, json_extract(body, ?) FROM resources WHERE kind = ? ORDER BY position",
                (f"$.{member}", kind),
            ).fetchall()

    def outbox(self, limit: int) -> list[tuple[int, Document]]:
        """The oldest entries whose events are not yet delivered, with their positions."""
        with self._lock:
            rows = self._file.execute(
                "SELECT position, body FROM outbox ORDER BY position LIMIT ?", (limit,)
            ).fetchall()
        return [(position, json.loads(body)) for position, body in rows]

    def delivered(self, positions: Iterable[int]) -> None:
        """Forget entries that have been delivered."""
        with self._lock, self._file:
            self._file.executemany(
                "DELETE FROM outbox WHERE position = ?", [(position,) for position in positions]
            )
