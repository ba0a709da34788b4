"""Bitbucket's repository: what git asks of it over the network."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import quote, urlsplit

from container.git import WITHOUT_LFS, Git
from container.job import Job
from container.lending import Lending
from container.log import say
from container.oauth import Passwords
from container.origin_calls import OriginCalls, OriginRefused, RunsGit
from container.patience import PAUSES, pauses
from container.settings import Settings

# Git's own refusals, and those of a server that no time changes.
_FOR_GOOD = re.compile(r"^\[rejected\]|non-fast-forward|stale info|protected", re.IGNORECASE)
_REFUSED_PAUSES = (2.0, 8.0)


@dataclass(frozen=True)
class Origin:
    """The repository that the job came from."""

    url: str
    calls: OriginCalls

    @classmethod
    def of(cls, job: Job, settings: Settings, passwords: Passwords | None) -> Origin:
        """The job's repository at the settings' address."""
        path = f"{quote(job.workspace, safe='')}/{quote(job.repository, safe='')}.git"
        url, own = f"{settings.git_url}/{path}", f"{job.workspace}/{job.repository}"
        lending = Lending(settings.git_url, own, settings.submodules)
        return cls(url, OriginCalls(url, lending, passwords))

    def heads(
        self, git: RunsGit, *patterns: str, pauses: Iterable[float] = PAUSES
    ) -> dict[str, str]:
        """The branches of these names, which may hold `*`, with their heads.

        Raises:
            OriginUnavailable: there is no answer.
            OriginRefused: there is no such repository, or no permission.
        """
        found = self.refs(git, *[f"refs/heads/{pattern}" for pattern in patterns], pauses=pauses)
        return {ref[len("refs/heads/") :]: head for ref, head in found.items()}

    def refs(self, git: RunsGit, *refs: str, pauses: Iterable[float] = PAUSES) -> dict[str, str]:
        """The refs of these full names, which may hold `*`, with what they name.

        Raises:
            OriginUnavailable, OriginRefused: as above.
        """
        answer = self.calls.insist(
            git, "ls-remote", "--quiet", self.url, *refs, read=True, pauses=pauses
        )
        found: dict[str, str] = {}
        for line in answer.output.decode(errors="surrogateescape").splitlines():
            head, _, ref = line.partition("\t")
            # git-ls-remote(1) compares from the end, so it may find more.
            if any(fnmatchcase(ref, asked) for asked in refs):
                found[ref] = head
        return found

    def fetch(self, git: Git, *refspecs: str) -> None:
        """Bring refs and their full history into the clone.

        Raises:
            OriginUnavailable, OriginRefused: as above.
        """
        self.calls.insist(git, "fetch", "--quiet", "--no-recurse-submodules", self.url, *refspecs)

    def lends(self, git: Git, commit: str) -> bool:
        """Try once to fetch a commit that is on no branch; not every server allows it."""
        return self.calls.ask(git, "fetch", "--quiet", self.url, commit).code == 0

    def fetch_submodules(self, git: Git) -> list[Git]:
        """Check out the submodules, those that name Bitbucket over SSH as well; each of them.

        Files of Git LFS in them stay pointers.

        Raises:
            OriginUnavailable, OriginRefused: as above.
            GitFailed: git does not tell which there are.
        """
        update = ("submodule", "--quiet", "update", "--init", "--recursive")
        self.calls.insist(git, *WITHOUT_LFS, *self._over_https(), *update)
        each = ("foreach", "--recursive", r"""printf '%s\0' "$toplevel/$sm_path" """)
        listed = git.must("submodule", "--quiet", *each).split("\0")
        return [git.beside(Path(directory)) for directory in listed if directory]

    def fetch_large_files(self, git: Git) -> None:
        """Put Git LFS's files in the place of their pointers, in the clone or in a submodule.

        The login goes only where it is lent to: git-lfs asks for it in the name of the clone's
        remote, whatever place `.lfsconfig` leads it to.

        Raises:
            OriginUnavailable, OriginRefused: as above.
        """
        if self.calls.passwords is None:
            self.calls.insist(git, "lfs", "pull", "origin")
            return
        over_https, lending = self._over_https(), self.calls.lending
        endpoint = _endpoint(git.run(*over_https, "lfs", "env", read=True).output)
        path = lending.path(endpoint)
        stranger = "" if path is not None and lending.covers(path) else path or endpoint
        # What was looked at is what is asked.
        pull = ("-c", f"lfs.url={endpoint}", "lfs", "pull", "origin")
        self.calls.insist(git, *over_https, *pull, stranger=stranger)

    def push_large_files(
        self, git: RunsGit, storage: Path, commit: str, pauses: Iterable[float]
    ) -> None:
        """Bring the Git LFS files that a commit names to Bitbucket, from git-lfs's `storage`.

        They go to the job's own repository, whatever `.lfsconfig` says.

        Raises:
            OriginUnavailable, OriginRefused: as above.
        """
        # A server of Git LFS is below the repository's URL (git-lfs, "Server Discovery").
        place = f"{self.url}/info/lfs" if self.url.startswith("http") else self.url
        settings = (f"lfs.storage={storage}", f"lfs.url={place}", f"lfs.pushurl={place}")
        options = [word for setting in settings for word in ("-c", setting)]
        push = ("lfs", "push", self.url, commit)
        self.calls.insist(git, *options, *push, pauses=pauses, finish=True)

    def _over_https(self) -> list[str]:
        """Options that lead git to the server's own address where one of SSH is named."""
        git_url = self.calls.lending.git_url
        same, host = f"url.{git_url}/.insteadOf", urlsplit(git_url).hostname
        return ["-c", f"{same}=git@{host}:", "-c", f"{same}=ssh://git@{host}/"]

    def push(self, git: RunsGit, commit: str, ref: str, expected: str, until: float) -> bool:
        """Put a commit on a ref that is still at `expected` ("" for a new one), or say False.

        False means that Bitbucket has refused: the branch has moved, is gone or is protected. What
        the server refuses for reasons of its own, it is asked twice more if that is possible before
        `until`, a `time.monotonic()`: it may be read-only for a moment, or another push may hold a
        lock.

        Raises:
            OriginUnavailable, OriginRefused: as above.
        """
        lease = f"--force-with-lease={ref}:{expected}"
        arguments = ["push", "--porcelain", lease, self.url, f"{commit}:{ref}"]
        tries, again = pauses(until), iter(_REFUSED_PAUSES)
        while True:
            ended = self.calls.ask(git, *arguments, finish=True, read=True)
            if ended.code == 0:
                return True
            said = ended.output.decode(errors="replace").strip()
            why = _refusal(said)
            if why:
                say(said)
                pause = math.inf if _FOR_GOOD.search(why) else next(again, math.inf)
                if time.monotonic() + pause >= until or git.children.interrupted:
                    return False
                say(f"pushing to {ref}: refused by the server, trying again in {pause:g} s")
                git.children.pause(pause, finish=True)
                continue
            self.calls.wait(
                git, f"pushing to {ref}", tries, service="git-receive-pack", finish=True
            )


def _refusal(said: str) -> str:
    r"""Why a ref was refused, as `git push --porcelain` tells; "" if none was.

    >>> _refusal("To https://b.org/a/b.git\n!\tHEAD:refs/heads/a\t[remote rejected] (locked)\nDone")
    '[remote rejected] (locked)'
    """
    # git-push(1), "Output": a line that begins with ! is a ref that was refused.
    lines = [line for line in said.splitlines() if line.startswith("!")]
    return lines[0].split("\t")[-1] if lines else ""


def _endpoint(told: bytes) -> str:
    r"""Where git-lfs goes for the remote of a clone, as `git lfs env` tells.

    >>> _endpoint(b"git version 2\n\nEndpoint=https://b.org/a/b.git/info/lfs (auth=none)\n")
    'https://b.org/a/b.git/info/lfs'

    Raises:
        OriginRefused: it does not tell.
    """
    found = re.search(r"^Endpoint=(\S+) \(auth=", told.decode(errors="replace"), re.MULTILINE)
    if found is None:
        raise OriginRefused("git lfs env does not tell where Git LFS's files are")
    return found[1]
