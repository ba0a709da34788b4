"""The comments on commits."""

import json
import sqlite3
from dataclasses import dataclass

from local.bitbucket.answers import Json
from local.bitbucket.database import Database
from local.bitbucket.times import now

LONGEST = 32_768  # characters; larger ones were refused: runatlantis/atlantis issue 1251


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment: its Markdown, what it answers and where in a file it stands, if anywhere."""

    id: int
    repository: str
    commit_hash: str
    raw: str
    parent: int | None
    inline: Json | None
    created_on: str
    updated_on: str
    deleted: bool


def create(
    database: Database,
    repository: str,
    commit_hash: str,
    raw: str,
    *,
    parent: int | None,
    inline: Json | None,
) -> Comment:
    """A new comment."""
    time = now()
    with database.transaction() as connection:
        inserted = connection.execute(
            "INSERT INTO comments (repository, commit_hash, raw, parent, inline, created_on,"
            " updated_on) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                repository,
                commit_hash,
                raw,
                parent,
                None if inline is None else json.dumps(inline),
                time,
                time,
            ),
        )
        row = connection.execute(
            "SELECT * FROM comments WHERE id = ?", (inserted.lastrowid,)
        ).fetchone()
    return _comment(row)


def of_commit(database: Database, repository: str, commit_hash: str) -> list[Comment]:
    """A commit's comments, oldest first, deleted ones among them."""
    rows = database.rows(
        "SELECT * FROM comments WHERE repository = ? AND commit_hash = ? ORDER BY id",
        repository,
        commit_hash,
    )
    return [_comment(row) for row in rows]


def change(database: Database, comment: Comment, raw: str) -> Comment:
    """Give a comment another text."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE comments SET raw = ?, updated_on = ? WHERE id = ?", (raw, now(), comment.id)
        )
        row = connection.execute("SELECT * FROM comments WHERE id = ?", (comment.id,)).fetchone()
    return _comment(row)


def delete(database: Database, comment: Comment) -> None:
    """Take a comment away; it is remembered as deleted, since a second delete is no error."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE comments SET deleted = 1, updated_on = ? WHERE id = ?", (now(), comment.id)
        )


def _comment(row: sqlite3.Row) -> Comment:
    return Comment(
        id=row["id"],
        repository=row["repository"],
        commit_hash=row["commit_hash"],
        raw=row["raw"],
        parent=row["parent"],
        inline=None if row["inline"] is None else json.loads(row["inline"]),
        created_on=row["created_on"],
        updated_on=row["updated_on"],
        deleted=bool(row["deleted"]),
    )
