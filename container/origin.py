"""Bitbucket's repository: what git asks of it over the network, with credentials and with patience.

The credentials reach git through a credential helper that reads an inherited descriptor, is set for
Bitbucket's address alone, and stands on the command line of the one command that needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Optional
from urllib.parse import quote, urlsplit

from container.credentials import Credentials, login
from container.git import Git
from container.log import say
from container.oauth import OAuthUnavailable, access_token
from container.processes import Ended
from container.settings import Job, Settings

# Seconds before the second, third and fourth try.
PAUSES = (2.0, 8.0, 20.0)


class OriginUnavailable(Exception):
    """Bitbucket did not answer, or refused us, every time."""


@dataclass(frozen=True)
class Origin:
    """The repository that the job came from."""

    url: str
    git_url: str
    credentials: Optional[Credentials]  # noqa: UP045 - Python 3.9 evaluates a field's type
    pauses: tuple[float, ...] = PAUSES

    @classmethod
    def of(cls, job: Job, settings: Settings, credentials: Credentials | None) -> Origin:
        """The job's repository at the settings' address."""
        path = f"{quote(job.workspace, safe='')}/{quote(job.repository, safe='')}.git"
        return cls(f"{settings.git_url}/{path}", settings.git_url, credentials)

    def heads(self, git: Git, *branches: str) -> dict[str, str]:
        """Those of the branches that exist, with their heads.

        Raises:
            OriginUnavailable: there is no answer, no such repository, or no permission.
        """
        refs = {f"refs/heads/{branch}": branch for branch in branches}
        answer = self._insist(git, "ls-remote", "--quiet", self.url, *refs, read=True)
        found: dict[str, str] = {}
        for line in answer.output.decode(errors="surrogateescape").splitlines():
            head, _, ref = line.partition("\t")
            if ref in refs:
                found[refs[ref]] = head
        return found

    def fetch(self, git: Git, *refspecs: str) -> None:
        """Bring refs and their full history into the clone.

        Raises:
            OriginUnavailable: as above.
        """
        self._insist(git, "fetch", "--quiet", "--no-recurse-submodules", self.url, *refspecs)

    def lends(self, git: Git, commit: str) -> bool:
        """Try once to fetch a commit that is on no branch; not every server allows it."""
        return self._ask(git, "fetch", "--quiet", self.url, commit).code == 0

    def fetch_submodules(self, git: Git) -> None:
        """Check out the submodules, those that name Bitbucket over SSH as well.

        Raises:
            OriginUnavailable: as above.
        """
        host = urlsplit(self.git_url).hostname
        same = f"url.{self.git_url}/.insteadOf"
        over_ssh = ["-c", f"{same}=git@{host}:", "-c", f"{same}=ssh://git@{host}/"]
        self._insist(git, *over_ssh, "submodule", "--quiet", "update", "--init", "--recursive")

    def push(self, git: Git, commit: str, branch: str, expected: str) -> bool:
        """Put a commit on a branch that is still at `expected` ("" for a new branch), or say False.

        False means that Bitbucket has refused: the branch has moved, is gone or is protected.

        Raises:
            OriginUnavailable: as above.
        """
        ref = f"refs/heads/{branch}"
        lease = f"--force-with-lease={ref}:{expected}"
        arguments = ["push", "--porcelain", lease, self.url, f"{commit}:{ref}"]
        for pause in (*self.pauses, None):
            ended = self._ask(git, *arguments, finish=True, read=True)
            if ended.code == 0:
                return True
            # git-push(1), "Output": a line that begins with ! is a ref that was refused.
            if any(line.startswith(b"!") for line in ended.output.splitlines()):
                say(ended.output.decode(errors="replace").strip())
                return False
            self._wait(git, f"pushing to {branch}", pause, finish=True)
        raise AssertionError  # _wait has raised

    def _insist(self, git: Git, *arguments: str, read: bool = False) -> Ended:
        verb = next(word for word in arguments if word in ("ls-remote", "fetch", "submodule"))
        for pause in (*self.pauses, None):
            ended = self._ask(git, *arguments, read=read)
            if ended.code == 0:
                return ended
            self._wait(git, f"git {verb}", pause)
        raise AssertionError  # _wait has raised

    def _wait(self, git: Git, doing: str, pause: float | None, *, finish: bool = False) -> None:
        if pause is None:
            raise OriginUnavailable(
                f"{doing}: {self.url} did not let us, {len(self.pauses) + 1} times"
            )
        say(f"{doing}: not possible now, trying again in {pause:g} s")
        git.children.pause(pause, finish=finish)

    def _ask(self, git: Git, *arguments: str, finish: bool = False, read: bool = False) -> Ended:
        try:
            with self._login() as (options, descriptors):
                return git.run(
                    *options, *arguments, finish=finish, read=read, descriptors=descriptors
                )
        except OAuthUnavailable as unavailable:
            say(str(unavailable))
            return Ended(1)

    @contextmanager
    def _login(self) -> Iterator[tuple[Sequence[str], Sequence[int]]]:
        if self.credentials is None:
            yield (), ()
            return
        password = access_token(self.credentials, self.git_url)
        with login(self.credentials.git_user, password) as descriptor:
            helper = f"credential.{self.git_url}.helper"
            # An empty value forgets the helpers named before. Git adds a word to the command.
            ours = f"{helper}=!cat /proc/self/fd/{descriptor} #"
            yield ("-c", "credential.helper=", "-c", f"{helper}=", "-c", ours), (descriptor,)
