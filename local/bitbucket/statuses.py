"""Build statuses: every accepted write in order, and what a commit shows because of them."""

import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local.bitbucket import fields
from local.bitbucket.database import Database
from local.bitbucket.times import now

RULES: Mapping[str, tuple[fields.Rule, ...]] = {
    "key": (fields.at_most(fields.LONGEST_KEY),),
    "state": (fields.one_of(fields.STATES),),
    "url": (fields.absolute_url, fields.at_most(fields.LONGEST_URL)),
    "name": (fields.at_most(fields.LONGEST_TEXT),),
    "description": (fields.at_most(fields.LONGEST_TEXT),),
    "refname": (fields.at_most(fields.LONGEST_TEXT),),
}


@dataclass(frozen=True, slots=True)
class Write:
    """One accepted write of a status, whole: a partial update repeats what it left unchanged."""

    commit_hash: str
    key: str
    state: str
    url: str
    name: str
    description: str
    refname: str | None
    written_on: str


@dataclass(frozen=True, slots=True)
class Status:
    """What the writes of one key on one commit, oldest first, come to."""

    repository: str
    writes: tuple[Write, ...]

    @property
    def current(self) -> Write:
        """The last write: what the commit shows."""
        return self.writes[-1]

    @property
    def created_on(self) -> str:
        """When the key was first used on the commit."""
        return self.writes[0].written_on

    @property
    def uuid(self) -> str:
        """The status' id, in braces; the same for as long as the key is."""
        name = f"{self.repository}/{self.current.commit_hash}/{self.current.key}"
        return f"{{{uuid.uuid5(uuid.NAMESPACE_URL, name)}}}"


def write(
    database: Database,
    repository: str,
    commit_hash: str,
    sent: Mapping[str, object],
    *,
    onto: str | None = None,
) -> Status:
    """Write a status and answer what it is now; refused with 400 where Bitbucket refuses.

    A new write of a known key takes its place. With `onto`, a known key, fields that were not sent
    stay as they are. A refname, once set, stays if none is sent
    (https://github.com/jenkinsci/bitbucket-branch-source-plugin/pull/930).
    """
    with database.transaction() as connection:
        before: Mapping[str, object] = {}
        key = onto if onto is not None else sent.get("key")
        row = connection.execute(
            "SELECT * FROM status_writes WHERE repository = ? AND commit_hash = ? AND key = ?"
            " ORDER BY id DESC LIMIT 1",
            (repository, commit_hash, key if isinstance(key, str) else None),
        ).fetchone()
        if row is not None and onto is not None:
            before = {name: row[name] for name in RULES}
        elif row is not None:
            before = {"refname": row["refname"]}
        told = {name: value for name, value in sent.items() if value is not None}
        values = fields.read({**before, **told}, RULES, required=("key", "state", "url"))
        if onto is not None and values["key"] != onto:
            raise fields.wrong_fields({"key": ["The key of a status cannot be changed."]})
        connection.execute(
            "INSERT INTO status_writes (repository, commit_hash, key, state, url, name,"
            " description, refname, written_on) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                repository,
                commit_hash,
                values["key"],
                values["state"],
                values["url"],
                values.get("name", ""),
                values.get("description", ""),
                values.get("refname"),
                now(),
            ),
        )
    return of_commit(database, repository, commit_hash)[values["key"]]


def of_commit(database: Database, repository: str, commit_hash: str) -> dict[str, Status]:
    """The statuses of a commit by their key, in the order in which the keys were first used."""
    rows = database.rows(
        "SELECT * FROM status_writes WHERE repository = ? AND commit_hash = ? ORDER BY id",
        repository,
        commit_hash,
    )
    return {key: status for (_, key), status in _grouped(repository, rows).items()}


def of_repository(database: Database, repository: str) -> Sequence[Status]:
    """Every status of a repository, in the order in which they were created."""
    rows = database.rows("SELECT * FROM status_writes WHERE repository = ? ORDER BY id", repository)
    return list(_grouped(repository, rows).values())


def _grouped(repository: str, rows: Sequence[sqlite3.Row]) -> dict[tuple[str, str], Status]:
    writes: dict[tuple[str, str], list[Write]] = {}
    for row in rows:
        one = Write(
            commit_hash=row["commit_hash"],
            key=row["key"],
            state=row["state"],
            url=row["url"],
            name=row["name"],
            description=row["description"],
            refname=row["refname"],
            written_on=row["written_on"],
        )
        writes.setdefault((one.commit_hash, one.key), []).append(one)
    return {which: Status(repository, tuple(of_key)) for which, of_key in writes.items()}
