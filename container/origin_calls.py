"""One call of git's to Bitbucket's repository: with credentials, with patience, and how it fails.

The credentials reach git through a credential helper that reads an inherited descriptor, is set for
Bitbucket's address alone, and stands on the command line of the one command that needs it. Which
repositories it answers for: see `lending`.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Optional, Protocol

from container.leftovers import StillRunning, end_leftovers
from container.lending import Lending, Loan
from container.log import say
from container.oauth import NoRedirect, OAuthUnavailable, Passwords
from container.patience import PAUSES
from container.processes import Children, Ended

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


class RunsGit(Protocol):
    """A repository to ask from: the clone before any stage has run, a courier after that."""

    @property
    def children(self) -> Children:
        """Whoever starts the commands."""

    def run(
        self,
        *arguments: str,
        finish: bool = False,
        read: bool = False,
        descriptors: Sequence[int] = (),
    ) -> Ended:
        """One git command; as `Git.run`."""


@dataclass(frozen=True)
class OriginCalls:
    """The repository at `url`, and what is lent to git's calls of it."""

    url: str
    lending: Lending
    passwords: Optional[Passwords]  # noqa: UP045 - Python 3.9 evaluates a field's type

    def insist(
        self,
        git: RunsGit,
        *arguments: str,
        read: bool = False,
        finish: bool = False,
        pauses: Iterable[float] = PAUSES,
        stranger: str = "",
    ) -> Ended:
        """Ask until git has done it, with a pause between two tries; the rest as in `ask`.

        Raises:
            OriginUnavailable: there is no answer.
            OriginRefused: there is no such repository, or no permission.
        """
        verbs = ("ls-remote", "fetch", "submodule", "lfs")
        verb = next(word for word in arguments if word in verbs)
        tries = iter(pauses)
        while True:
            ended = self.ask(git, *arguments, read=read, finish=finish, stranger=stranger)
            if ended.code == 0:
                return ended
            self.wait(git, f"git {verb}", tries, finish=finish)

    def ask(
        self,
        git: RunsGit,
        *arguments: str,
        finish: bool = False,
        read: bool = False,
        stranger: str = "",
    ) -> Ended:
        """Ask once; `finish` and `read` as in `Children.run`.

        `stranger` is where the command goes in the end, if that is to see no login whatever it asks
        for: a path at Bitbucket, or a URL.

        Raises:
            OriginRefused: somebody else runs who could read the credentials, or the command wants
                those of a repository that they are not lent to.
        """
        try:
            end_leftovers()
        except StillRunning as running:
            raise OriginRefused(
                f"{running}, and they could read the credentials: nothing is asked of Bitbucket"
            ) from running
        try:
            with self._loan(nobody=bool(stranger)) as loan:
                ended = git.run(
                    *loan.options,
                    *arguments,
                    finish=finish,
                    read=read,
                    descriptors=loan.descriptors,
                )
                refused = loan.refused() if ended.code else []
        except OAuthUnavailable as unavailable:
            say(str(unavailable))
            return Ended(1)
        if refused:
            raise OriginRefused(self.lending.advice(stranger or refused[0]))
        return ended

    def wait(
        self,
        git: RunsGit,
        doing: str,
        tries: Iterator[float],
        *,
        service: str = "git-upload-pack",
        finish: bool = False,
    ) -> None:
        """Pause after a try that came to nothing.

        Raises:
            OriginUnavailable: there were tries enough, or no time is left.
            OriginRefused: another try would come to nothing as well.
        """
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

    @contextmanager
    def _loan(self, *, nobody: bool) -> Iterator[Loan]:
        if self.passwords is None:
            yield Loan()
            return
        user, password = self.passwords.credentials.git_user, self.passwords()
        with self.lending.lend(user, password, nobody=nobody) as loan:
            yield loan


_OPENER = urllib.request.build_opener(NoRedirect)
