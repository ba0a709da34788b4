"""What a bare repository holds, read by running git."""

import os
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

COMMAND_TIMEOUT = 60.0  # seconds; reading a demo's repository takes milliseconds
# Loaded before a repository's own: nothing of the machine's configuration reaches the stand-in.
ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C.UTF-8",
    "PATH": os.environ.get("PATH", os.defpath),
}
COMMIT_FIELDS = "%H%x00%P%x00%an%x00%ae%x00%ct%x00%B"
HASH = re.compile(r"[0-9a-f]{4,64}")
# What no branch's name holds (git check-ref-format), but a revision's grammar gives a meaning to.
NOT_A_NAME = re.compile(r"[\x00-\x20~^:?*\[\\\x7f]|\.\.|@\{|^-|^$")


class GitFailed(Exception):
    """A git command ended with an error."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; the message as written, the committer's time in ISO 8601, in UTC."""

    hash: str
    parents: tuple[str, ...]
    author: str
    email: str
    date: str
    message: str

    @property
    def subject(self) -> str:
        """The message's first line."""
        return self.message.lstrip().split("\n", 1)[0]


@dataclass(frozen=True, slots=True)
class Tag:
    """An annotated tag's own words."""

    message: str
    tagger: str
    date: str


def run(*arguments: str, cwd: Path) -> bytes:
    """The output of one git command; GitFailed if it does not end with 0."""
    ended = subprocess.run(
        ["git", *arguments],
        cwd=cwd,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=COMMAND_TIMEOUT,
        check=False,
    )
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip()
        raise GitFailed(f"git {' '.join(arguments)}: {said}")
    return ended.stdout


def _iso(timestamp: str) -> str:
    return datetime.fromtimestamp(int(timestamp), UTC).isoformat()


class Git:
    """One bare repository on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _run(self, *arguments: str) -> bytes:
        return run("--git-dir=.", "-c", "safe.directory=*", *arguments, cwd=self.path)

    def resolve(self, name: str) -> str | None:
        """The full hash of the commit that a hash (full or short) or a branch's name means."""
        if NOT_A_NAME.search(name):
            return None
        names = [f"refs/heads/{name}"]
        if HASH.fullmatch(name):
            names.insert(0, name)
        for candidate in names:
            try:
                found = self._run("rev-parse", "--verify", "--quiet", candidate + "^{commit}")
            except GitFailed:
                continue
            return found.decode("ascii").strip()
        return None

    def commits(self, *revisions: str, limit: int) -> list[Commit]:
        """At most `limit` commits, newest first."""
        output = self._run(
            "log",
            "-z",
            f"--max-count={limit}",
            "--date-order",
            f"--format={COMMIT_FIELDS}",
            *revisions,
            "--",
        )
        fields = output.decode(errors="replace").split("\0")
        return [
            Commit(
                hash=commit_hash,
                parents=tuple(parents.split()),
                author=author,
                email=email,
                date=_iso(date),
                message=message,
            )
            for commit_hash, parents, author, email, date, message in zip(
                *(iter(fields),) * 6, strict=False
            )
        ]

    def commit(self, commit_hash: str) -> Commit:
        """One commit, by its full hash."""
        return self.commits(commit_hash, limit=1)[0]

    def branches(self) -> dict[str, str]:
        """Every branch's name and the hash of its head."""
        output = self._run(
            "for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads/"
        )
        heads = {}
        for line in output.decode(errors="replace").split("\n"):
            if line:
                head, name = line.split(" ", 1)
                heads[name] = head
        return heads

    def tag(self, object_hash: str) -> Tag | None:
        """What an annotated tag says; None for an object of another type."""
        if self._run("cat-file", "-t", object_hash).strip() != b"tag":
            return None
        header, _, message = (
            self._run("cat-file", "tag", object_hash).decode(errors="replace").partition("\n\n")
        )
        tagger = re.search(r"^tagger (.*>) (\d+) ", header, re.MULTILINE)
        if tagger is None:
            return Tag(message=message, tagger="", date="")
        return Tag(message=message, tagger=tagger[1], date=_iso(tagger[2]))

    def target(self, object_hash: str) -> Commit | None:
        """The commit behind a branch's or a tag's object; a tag may have none."""
        try:
            found = self._run("rev-parse", "--verify", "--quiet", object_hash + "^{commit}")
        except GitFailed:
            return None
        return self.commit(found.decode("ascii").strip())

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `newer` contains `older`: a branch that moves so was not forced."""
        return self._run("rev-list", "--max-count=1", older, f"^{newer}", "--") == b""

    def diff_stat(self, commit_hash: str) -> str:
        """Which files a commit changed, and by how many lines, as `git show --stat` tells it."""
        output = self._run("show", "--stat=100", "--format=", "--first-parent", commit_hash, "--")
        return output.decode(errors="replace").strip("\n")

    def point_head_at_a_branch(self, pushed: list[str]) -> None:
        """Make the first branch ever pushed the main one, so that a clone checks it out."""
        branches = self.branches()
        main = self._run("symbolic-ref", "HEAD").decode(errors="replace").strip()
        if main.removeprefix("refs/heads/") in branches:
            return
        for name in pushed:
            if name in branches:
                self._run("symbolic-ref", "HEAD", f"refs/heads/{name}")
                return

    def main_branch(self) -> str:
        """The branch that a clone checks out."""
        head = self._run("symbolic-ref", "HEAD").decode(errors="replace").strip()
        return head.removeprefix("refs/heads/")
