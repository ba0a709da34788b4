"""The login on loan to one git command, and to which repositories of Bitbucket's it goes.

The credentials may open many repositories, and the repository that a job came from says itself what
else is fetched: `.gitmodules` and `.lfsconfig` are files of whoever may push to it. So git tells
the whole path of what it asks a login for (git-config(1), credential.useHttpPath), and gets it for
those repositories alone that somebody in charge has named.

The helper compares letter by letter; a path that only begins like an allowed one, and leads
elsewhere by its dots, is another one. It reads the login from an inherited descriptor, and notes in
another one what it did not answer.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from container.credentials import in_memory

ALL = "*"
"""Stands for every repository that the credentials open."""
_NOTED = 64 * 1024
_NAME = re.compile(r"[^/]+/[^/]+")


@dataclass(frozen=True)
class Loan:
    """What a git command gets: options that stand before its own words, and open descriptors."""

    options: Sequence[str] = ()
    descriptors: Sequence[int] = ()

    def refused(self) -> list[str]:
        """The paths below the host that the command asked a login for and got none."""
        if not self.descriptors:
            return []
        noted = os.pread(self.descriptors[-1], _NOTED, 0)
        return list(dict.fromkeys(noted.decode(errors="replace").splitlines()))


@dataclass(frozen=True)
class Lending:
    """The rule for one job: `own` is its repository, `others` those that it may fetch as well.

    Both as `workspace/slug`, at the server at `git_url`; `others` may be `ALL` alone.
    """

    git_url: str
    own: str
    others: tuple[str, ...]

    def path(self, url: str) -> str | None:
        """A URL's path as git asks for it; None where it is not the server's."""
        asked, ours = urlsplit(url), urlsplit(self.git_url)
        host = asked.netloc.rpartition("@")[2]
        if (asked.scheme, host) != (ours.scheme, ours.netloc) or asked.query or asked.fragment:
            return None
        return unquote(asked.path).strip("/")

    def covers(self, path: str) -> bool:
        """Whether the login goes to this path of the server's."""
        return ALL in self.others or path in self._paths()

    def advice(self, path: str) -> str:
        """What to do, for a path that the login does not go to."""
        name = self._name(path)
        if name is None:
            return f"{path!r} is no address of a repository: mend it in .gitmodules or .lfsconfig"
        if self.covers(path.lower()):
            return f"{path!r} is known in small letters: write it so in .gitmodules or .lfsconfig"
        words = ["cloud-runner", "project", "add", self.own]
        for one in (*self.others, name):
            words += ["--submodule", one]
        return (
            f"{name} wants a login, and jobs of {self.own} lend theirs to no other repository: "
            f"make it public, or allow it with `{shlex.join(words)}`; then rerun"
        )

    @contextmanager
    def lend(self, user: str, password: str, *, nobody: bool = False) -> Iterator[Loan]:
        """The login for one command; with `nobody` it is lent to none, and questions are noted."""
        with in_memory(f"username={user}\npassword={password}\n") as login, in_memory("") as noted:
            known = ALL if ALL in self.others else "|".join(map(shlex.quote, self._paths()))
            answer = "" if nobody else f"{known}) cat /proc/self/fd/{login};; "
            helper = (
                "!p=; while read -r l; do case $l in path=*) p=${l#path=};; esac; done; "
                f"case $p in {answer}"
                f"""*) printf '%s\\n' "$p" >> /proc/self/fd/{noted}; esac #"""
            )  # git adds a word to the command
            name = f"credential.{self.git_url}.helper"
            # An empty value forgets the helpers named before.
            settings = (
                "protocol.ext.allow=never",
                "credential.useHttpPath=true",
                f"credential.{self.git_url}.useHttpPath=true",
                "credential.helper=",
                f"{name}=",
                f"{name}={helper}",
            )
            options = [word for setting in settings for word in ("-c", setting)]
            yield Loan(options, (login, noted))

    def _paths(self) -> list[str]:
        """All that git and git-lfs may ask of the repositories that the login goes to."""
        base = unquote(urlsplit(self.git_url).path).strip("/")
        paths = [f"{base}/{name}".lstrip("/") for name in (self.own, *self.others)]
        return [
            f"{path}{suffix}{of_lfs}"
            for path in paths
            for suffix in (".git", "")
            for of_lfs in ("", "/info/lfs")
        ]

    def _name(self, path: str) -> str | None:
        base = unquote(urlsplit(self.git_url).path).strip("/")
        below = path[len(base) :].strip("/") if path.startswith(base) else path
        name = re.sub(r"/info/lfs$", "", below)
        name = re.sub(r"\.git$", "", name).lower()
        return name if _NAME.fullmatch(name) and ".." not in name.split("/") else None
