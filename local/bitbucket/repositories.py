"""The repositories: a row of the database and a bare git repository each."""

import re
import shutil
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.bitbucket.answers import Refused
from local.bitbucket.database import Database
from local.bitbucket.git import Commit, Git, run
from local.bitbucket.times import now

WORKSPACE = re.compile(r"[a-z0-9][a-z0-9_-]*")
SLUG = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,61}")  # Bitbucket cuts a slug at 62 characters


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository; `full_name` is `workspace/slug`, `uuid` has its braces."""

    full_name: str
    uuid: str
    name: str
    description: str
    is_private: bool
    created_on: str

    @property
    def workspace(self) -> str:
        """The part of the full name before the slash."""
        return self.full_name.split("/", 1)[0]

    @property
    def slug(self) -> str:
        """The part of the full name behind the slash."""
        return self.full_name.split("/", 1)[1]


class Repositories:
    """All repositories of the stand-in; the bare ones lie in `root/workspace/slug.git`."""

    def __init__(self, database: Database, root: Path) -> None:
        self._database = database
        self.root = root

    def create(self, full_name: str, wishes: Mapping[str, object]) -> Repository:
        """A new, empty repository; refused if the name cannot be one or is taken."""
        workspace, _, slug = full_name.partition("/")
        if not WORKSPACE.fullmatch(workspace):
            raise Refused(400, "Bad request", {"workspace": ["Invalid workspace."]})
        if not SLUG.fullmatch(slug) or slug.endswith((".git", ".lock", ".")):
            raise Refused(400, "Bad request", {"slug": ["Invalid slug."]})
        repository = Repository(
            full_name=full_name,
            uuid=f"{{{uuid.uuid4()}}}",
            name=str(wishes.get("name") or slug),
            description=str(wishes.get("description") or ""),
            is_private=wishes.get("is_private", True) is not False,
            created_on=now(),
        )
        self._init(repository)
        try:
            with self._database.transaction() as connection:
                connection.execute(
                    "INSERT INTO repositories VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        repository.full_name,
                        repository.uuid,
                        repository.name,
                        repository.description,
                        repository.is_private,
                        repository.created_on,
                    ),
                )
        except sqlite3.IntegrityError as error:
            raise Refused(400, "Repository with this Slug and Owner already exists.") from error
        return repository

    def _init(self, repository: Repository) -> None:
        path = self.root / f"{repository.full_name}.git"
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        # Made aside and renamed, so that no crash leaves half a repository under its name.
        aside = path.parent / f".{uuid.uuid4()}.new"
        run("init", "--quiet", "--bare", "--initial-branch=main", str(aside), cwd=path.parent)
        try:
            aside.rename(path)
        except OSError:
            shutil.rmtree(aside)  # another request made it in the meantime

    def find(self, workspace: str, slug: str) -> Repository:
        """The repository of a full name, in any case, or of its `{uuid}`; 404 if there is none."""
        found = self._database.rows(
            "SELECT * FROM repositories WHERE full_name = ? OR uuid = ?",
            f"{workspace}/{slug}".lower(),
            slug.lower(),
        )
        if not found:
            raise Refused(404, f"Repository {workspace}/{slug} not found")
        return _repository(found[0])

    def all(self) -> list[Repository]:
        """Every repository, by name."""
        return [
            _repository(row)
            for row in self._database.rows("SELECT * FROM repositories ORDER BY full_name")
        ]

    def git(self, repository: Repository) -> Git:
        """The repository's git side."""
        return Git(self.root / f"{repository.full_name}.git")

    def commit(self, repository: Repository, name: str) -> Commit:
        """The commit that a hash or a branch's name means; 404 if there is none."""
        holder = self.git(repository)
        resolved = holder.resolve(name)
        if resolved is None:
            raise Refused(404, "Commit not found")
        return holder.commit(resolved)


def _repository(row: sqlite3.Row) -> Repository:
    return Repository(
        full_name=row["full_name"],
        uuid=row["uuid"],
        name=row["name"],
        description=row["description"],
        is_private=bool(row["is_private"]),
        created_on=row["created_on"],
    )
