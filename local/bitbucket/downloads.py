"""The downloads of repositories: files that somebody uploaded, each under a name of its own.

A row of the database names the file that holds the bytes; a replaced file goes when its row does.
"""

import sqlite3
import uuid
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from local.bitbucket.answers import Refused
from local.bitbucket.arriving import arriving
from local.bitbucket.database import Database
from local.bitbucket.fields import is_text
from local.bitbucket.times import now

LONGEST_NAME = 255  # bytes of UTF-8, as in the file systems that downloads are saved to


@dataclass(frozen=True, slots=True)
class Download:
    """One file: its size in bytes, who uploaded it and when, and how often it was fetched."""

    repository: str
    name: str
    content: str
    size: int
    uploader: str
    created_on: str
    fetched: int


class Downloads:
    """All downloads of the stand-in; their bytes lie in `root`, under names of no meaning."""

    def __init__(self, database: Database, root: Path) -> None:
        self._database = database
        self._root = root

    def put(
        self, repository: str, files: Iterable[tuple[str, IO[bytes]]], *, uploader: str
    ) -> None:
        """Store all files or none; a name that is taken passes to the new file."""
        with ExitStack() as aside:
            arrived = [
                (name, aside.enter_context(arriving(one, self._root))) for name, one in files
            ]
            replaced = []
            with self._database.transaction() as connection:
                for name, file in arrived:
                    content = str(uuid.uuid4())
                    file.path.rename(self._root / content)
                    replaced += _forget(connection, repository, name)
                    connection.execute(
                        "INSERT INTO downloads VALUES (?, ?, ?, ?, ?, ?, 0)",
                        (repository, name, content, file.size, uploader, now()),
                    )
        self._remove(replaced)

    def listing(self, repository: str) -> list[Download]:
        """A repository's downloads, the newest first."""
        rows = self._database.rows(
            "SELECT * FROM downloads WHERE repository = ? ORDER BY created_on DESC, name",
            repository,
        )
        return [_download(row) for row in rows]

    def find(self, repository: str, name: str) -> Download:
        """The download of that name; 404 if there is none."""
        rows = self._database.rows(
            "SELECT * FROM downloads WHERE repository = ? AND name = ?", repository, name
        )
        if not rows:
            raise Refused(404, f"Download {name} not found")
        return _download(rows[0])

    def open(self, repository: str, name: str) -> tuple[Download, IO[bytes]]:
        """A download and its bytes, which stay readable when it is replaced meanwhile."""
        with self._database.transaction():  # so that nobody takes the file between the two lines
            download = self.find(repository, name)
            return download, (self._root / download.content).open("rb")

    def count_fetch(self, download: Download) -> None:
        """Remember that a download was fetched once more."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE downloads SET fetched = fetched + 1 WHERE content = ?", (download.content,)
            )

    def delete(self, repository: str, name: str) -> None:
        """Take a download away; 404 if there is none."""
        with self._database.transaction() as connection:
            self.find(repository, name)
            deleted = _forget(connection, repository, name)
        self._remove(deleted)

    def _remove(self, contents: Iterable[str]) -> None:
        """Take files away, after the transaction: a row never names one that is gone."""
        for content in contents:
            (self._root / content).unlink(missing_ok=True)


def accepted_name(name: object) -> str:
    """A file's name as it was sent; refused with 400 if it cannot be a download's."""
    if not is_text(name) or name.strip() in {"", ".", ".."}:
        raise Refused(400, "Bad Request: a file has no name")
    if any(character in "/\\" or not character.isprintable() for character in name):
        raise Refused(400, "Bad Request: a file's name has a character that no name may have")
    if len(name.encode()) > LONGEST_NAME:
        raise Refused(400, f"Bad Request: a file's name has more than {LONGEST_NAME} bytes")
    return name


def _forget(connection: sqlite3.Connection, repository: str, name: str) -> list[str]:
    rows = connection.execute(
        "DELETE FROM downloads WHERE repository = ? AND name = ? RETURNING content",
        (repository, name),
    )
    return [row["content"] for row in rows.fetchall()]


def _download(row: sqlite3.Row) -> Download:
    return Download(
        repository=row["repository"],
        name=row["name"],
        content=row["content"],
        size=row["size"],
        uploader=row["uploader"],
        created_on=row["created_on"],
        fetched=row["fetched"],
    )
