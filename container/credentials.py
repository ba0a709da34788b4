"""The Bitbucket credentials: taken out of the environment at once, given to git alone.

Batch puts a secret into the environment of the container's first process, where every process of
the same user can read it (/proc/PID/environ), whatever that process later removes from it. So the
runner starts itself again with a clean environment and gets the secret through an anonymous file in
memory. From then on it is in the runner's memory and, while a git command of the runner's own
speaks to Bitbucket, in another such file that only this command inherits.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

from container.exits import Exit, JobFailed

_SECRET = "BITBUCKET_AUTH"  # noqa: S105 - the variable's name, not its value
_HANDED_OVER = "CLOUD_RUNNER_SECRET_DESCRIPTOR"
# The user that git names for each kind of token (Bitbucket's pages "Using access tokens" and "Using
# API tokens"); an OAuth access token is given like a repository's.
_GIT_USERS = {
    "access_token": "x-token-auth",
    "api_token": "x-bitbucket-api-token-auth",
    "oauth": "x-token-auth",
}
# linux/memfd.h
_CLOSE_ON_EXEC = 1
_FORM = '{"kind": "access_token" or "api_token" or "oauth", "user": …, "token": …}'


@dataclass(frozen=True)
class Credentials:
    """Who the runner is to Bitbucket. Of kind `oauth`, `user` and `token` are a consumer's."""

    kind: str
    user: str
    token: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Credentials:
        """The credentials in the secret's JSON.

        Raises:
            JobFailed: it has another form. The message shows nothing of it.

        >>> Credentials.parse('{"kind": "access_token", "token": "s3cr3t"}')
        Credentials(kind='access_token', user='')
        """
        try:
            secret = json.loads(text)
        except ValueError:
            raise _malformed() from None  # its text would show the secret
        if not isinstance(secret, dict):
            raise _malformed()
        kind, token, user = secret.get("kind"), secret.get("token"), secret.get("user") or ""
        if not (isinstance(kind, str) and isinstance(user, str) and isinstance(token, str)):
            raise _malformed()
        if kind not in _GIT_USERS or not token or not token.isprintable():
            raise _malformed()  # a line break would let it speak git's credential protocol
        return cls(kind, user, token)

    @property
    def git_user(self) -> str:
        """The user name that goes with the token in git's HTTP requests."""
        return _GIT_USERS[self.kind]


def take(environment: MutableMapping[str, str]) -> str | None:
    """The secret's text, once the environment is clean of it; None if there was none.

    At the first start this does not return: the same program starts again in this process.
    """
    handed_over = environment.pop(_HANDED_OVER, None)
    if handed_over is not None:
        with os.fdopen(int(handed_over), "rb") as file:
            return os.fsdecode(file.read())
    secret = environment.pop(_SECRET, None)
    if secret is not None:
        _start_again(secret, environment)
    return None


def _start_again(secret: str, environment: MutableMapping[str, str]) -> NoReturn:
    descriptor = _memory_file(secret)
    os.set_inheritable(descriptor, True)  # noqa: FBT003 - the standard library's own signature
    environment[_HANDED_OVER] = str(descriptor)
    original = getattr(sys, "orig_argv", [sys.executable, *sys.argv])  # Python 3.10 and newer
    os.execve(sys.executable, [sys.executable, *original[1:]], environment)  # noqa: S606 - ourselves


@contextmanager
def in_memory(text: str) -> Iterator[int]:
    """A descriptor of an anonymous file that holds a text, for a program that inherits it."""
    descriptor = _memory_file(text)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _memory_file(text: str) -> int:
    descriptor = _memfd_create()
    os.write(descriptor, os.fsencode(text))
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _memfd_create() -> int:
    """memfd_create(2), which some builds of Python lack (astral-sh/uv issue 15081)."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("credentials")
    descriptor: int = ctypes.CDLL(None, use_errno=True).memfd_create(b"credentials", _CLOSE_ON_EXEC)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "memfd_create")
    return descriptor


def _malformed() -> JobFailed:
    return JobFailed(Exit.BAD_SECRET, f"reading {_SECRET}: it is not JSON of the form {_FORM}")
