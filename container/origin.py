"""Bitbucket's repository: what git asks of it over the network, with credentials and with patience.

The credentials reach git through a credential helper that reads an inherited descriptor, is set for
Bitbucket's address alone, and stands on the command line of the one command that needs it.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Optional
from urllib.parse import quote, urlsplit

from container.credentials import login
from container.git import Git
from container.log import say
from container.oauth import NoRedirect, OAuthUnavailable, Passwords
from container.patience import PAUSES
from container.processes import Ended, StillRunning, end_leftovers
from container.settings import Job, Settings

_PROBE_SECONDS = 20
_REFUSALS = {
    401: "Bitbucket does not know these credentials: renew the secret",
    403: "Bitbucket does not allow this to these credentials: give them repository write",
    404: "Bitbucket knows no such repository, or hides it from these credentials",
}


class OriginUnavailable(Exception):
    """Bitbucket did not answer, as often as it was asked."""


class OriginRefused(Exception):
    """Bitbucket wants nothing of these credentials. The message says what to do."""


@dataclass(frozen=True)
class Origin:
    """The repository that the job came from."""

    url: str
    git_url: str
    passwords: Optional[Passwords]  # noqa: UP045 - Python 3.9 evaluates a field's type

    @classmethod
    def of(cls, job: Job, settings: Settings, passwords: Passwords | None) -> Origin:
        """The job's repository at the settings' address."""
        path = f"{quote(job.workspace, safe='')}/{quote(job.repository, safe='')}.git"
        return cls(f"{settings.git_url}/{path}", settings.git_url, passwords)

    def heads(self, git: Git, *patterns: str, pauses: Iterable[float] = PAUSES) -> dict[str, str]:
        """The branches of these names, which may hold `*`, with their heads.

        Raises:
            OriginUnavailable: there is no answer.
            OriginRefused: there is no such repository, or no permission.
        """
        found = self.refs(git, *[f"refs/heads/{pattern}" for pattern in patterns], pauses=pauses)
        return {ref[len("refs/heads/") :]: head for ref, head in found.items()}

    def refs(self, git: Git, *refs: str, pauses: Iterable[float] = PAUSES) -> dict[str, str]:
        """The refs of these full names, which may hold `*`, with what they name.

        Raises:
            OriginUnavailable, OriginRefused: as above.
        """
        answer = self._insist(
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
        self._insist(git, "fetch", "--quiet", "--no-recurse-submodules", self.url, *refspecs)

    def lends(self, git: Git, commit: str) -> bool:
        """Try once to fetch a commit that is on no branch; not every server allows it."""
        return self._ask(git, "fetch", "--quiet", self.url, commit).code == 0

    def fetch_submodules(self, git: Git) -> None:
        """Check out the submodules, those that name Bitbucket over SSH as well.

        Raises:
            OriginUnavailable, OriginRefused: as above.
        """
        host = urlsplit(self.git_url).hostname
        same = f"url.{self.git_url}/.insteadOf"
        over_ssh = ["-c", f"{same}=git@{host}:", "-c", f"{same}=ssh://git@{host}/"]
        self._insist(git, *over_ssh, "submodule", "--quiet", "update", "--init", "--recursive")

    def fetch_large_files(self, git: Git) -> None:
        """Put Git LFS's files in the place of their pointers.

        Raises:
            OriginUnavailable, OriginRefused: as above.
        """
        self._insist(git, "lfs", "pull", "origin")

    def push_large_files(
        self, git: Git, storage: Path, commit: str, pauses: Iterable[float]
    ) -> None:
        """Bring the Git LFS files that a commit names to Bitbucket, from git-lfs's `storage`.

        Raises:
            OriginUnavailable, OriginRefused: as above.
        """
        push = ("-c", f"lfs.storage={storage}", "lfs", "push", self.url, commit)
        self._insist(git, *push, pauses=pauses, finish=True)

    def push(self, git: Git, commit: str, ref: str, expected: str, pauses: Iterable[float]) -> bool:
        """Put a commit on a ref that is still at `expected` ("" for a new one), or say False.

        False means that Bitbucket has refused: the branch has moved, is gone or is protected.

        Raises:
            OriginUnavailable, OriginRefused: as above.
        """
        lease = f"--force-with-lease={ref}:{expected}"
        arguments = ["push", "--porcelain", lease, self.url, f"{commit}:{ref}"]
        tries = iter(pauses)
        while True:
            ended = self._ask(git, *arguments, finish=True, read=True)
            if ended.code == 0:
                return True
            # git-push(1), "Output": a line that begins with ! is a ref that was refused.
            if any(line.startswith(b"!") for line in ended.output.splitlines()):
                say(ended.output.decode(errors="replace").strip())
                return False
            self._wait(git, f"pushing to {ref}", tries, service="git-receive-pack", finish=True)

    def _insist(
        self,
        git: Git,
        *arguments: str,
        read: bool = False,
        finish: bool = False,
        pauses: Iterable[float] = PAUSES,
    ) -> Ended:
        verbs = ("ls-remote", "fetch", "submodule", "lfs")
        verb = next(word for word in arguments if word in verbs)
        tries = iter(pauses)
        while True:
            ended = self._ask(git, *arguments, read=read, finish=finish)
            if ended.code == 0:
                return ended
            self._wait(git, f"git {verb}", tries, finish=finish)

    def _wait(
        self,
        git: Git,
        doing: str,
        tries: Iterator[float],
        *,
        service: str = "git-upload-pack",
        finish: bool = False,
    ) -> None:
        self._check_refusal(doing, service)
        pause = next(tries, None)
        # Once SIGTERM has come there is no time to wait for better times.
        if pause is None or (finish and git.children.interrupted):
            raise OriginUnavailable(f"{doing}: {self.url} could not be reached")
        say(f"{doing}: not possible now, trying again in {pause:g} s")
        git.children.pause(pause, finish=finish)

    def _check_refusal(self, doing: str, service: str) -> None:
        """Ask what git asks first, since git does not tell a refusal from an outage."""
        if self.passwords is None or not self.url.startswith("http"):
            return
        try:
            request = urllib.request.Request(  # noqa: S310 - the job definition's own setting
                f"{self.url}/info/refs?service={service}",
                headers={"Authorization": self.passwords.for_git()},
            )
            with _OPENER.open(request, timeout=_PROBE_SECONDS):
                return
        except urllib.error.HTTPError as error:
            if error.code in _REFUSALS:
                raise OriginRefused(f"{doing}: {_REFUSALS[error.code]} ({error.code})") from error
        except (OSError, ValueError, http.client.HTTPException, OAuthUnavailable):
            return  # which is an outage, and said by whoever waits

    def _ask(self, git: Git, *arguments: str, finish: bool = False, read: bool = False) -> Ended:
        try:
            end_leftovers()
        except StillRunning as running:
            raise OriginRefused(
                f"{running}, and they could read the credentials: nothing is asked of Bitbucket"
            ) from running
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
        if self.passwords is None:
            yield (), ()
            return
        password = self.passwords()
        with login(self.passwords.credentials.git_user, password) as descriptor:
            helper = f"credential.{self.git_url}.helper"
            # An empty value forgets the helpers named before. Git adds a word to the command.
            ours = f"{helper}=!cat /proc/self/fd/{descriptor} #"
            ours_alone = ("protocol.ext.allow=never", "credential.helper=", f"{helper}=", ours)
            yield [word for option in ours_alone for word in ("-c", option)], (descriptor,)


_OPENER = urllib.request.build_opener(NoRedirect)
