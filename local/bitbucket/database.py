"""The stand-in's memory: one SQLite file that survives a restart, a SIGKILL included."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS repositories (
    full_name TEXT PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    description TEXT NOT NULL, is_private INTEGER NOT NULL, created_on TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS hooks (
    uuid TEXT PRIMARY KEY, repository TEXT NOT NULL, url TEXT NOT NULL, description TEXT NOT NULL,
    active INTEGER NOT NULL, events TEXT NOT NULL, secret TEXT, created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS status_writes (
    id INTEGER PRIMARY KEY, repository TEXT NOT NULL, commit_hash TEXT NOT NULL, key TEXT NOT NULL,
    state TEXT NOT NULL, url TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
    refname TEXT, written_on TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS status_writes_of_commit
    ON status_writes (repository, commit_hash, key);
CREATE TABLE IF NOT EXISTS comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repository TEXT NOT NULL, commit_hash TEXT NOT NULL,
    raw TEXT NOT NULL, parent INTEGER, inline TEXT, created_on TEXT NOT NULL,
    updated_on TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS comments_of_commit ON comments (repository, commit_hash);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY, repository TEXT NOT NULL, hook TEXT NOT NULL, event TEXT NOT NULL,
    event_time TEXT NOT NULL, request_uuid TEXT NOT NULL, attempt INTEGER NOT NULL,
    heads TEXT NOT NULL, body BLOB NOT NULL, state TEXT NOT NULL, time TEXT, status INTEGER,
    error TEXT, duration_ms INTEGER
);
CREATE INDEX IF NOT EXISTS deliveries_of_repository ON deliveries (repository, id);
CREATE TABLE IF NOT EXISTS downloads (
    repository TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL, uploader TEXT NOT NULL, created_on TEXT NOT NULL,
    fetched INTEGER NOT NULL, PRIMARY KEY (repository, name)
);
CREATE TABLE IF NOT EXISTS protections (
    repository TEXT NOT NULL, pattern TEXT NOT NULL, PRIMARY KEY (repository, pattern)
);
"""


class Database:
    """One connection, shared by the server's threads and used by one of them at a time."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection whose writes all happen, or none of them if the block raises."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """What a SELECT finds."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        """Wait for the running transaction and close the file."""
        with self._lock:
            self._connection.close()
