"""Files from and to S3, through the boto3 of the project's image, where it has one."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from container.processes import Ended
from container.s3_copy import MARK, NO_BOTO3

# The directory in which this runs may hold modules of the project's, which are not asked for.
_START = "import sys; sys.path[:] = filter(None, sys.path); exec(sys.argv.pop(1))"


class S3Failed(Exception):
    """S3 did not take or give what it should. The message is a sentence for the report."""


class S3Missing(S3Failed):
    """There is no such object."""


@dataclass(frozen=True)
class Copied:
    """How much was copied."""

    files: int
    bytes: int


class S3:
    """Copies through an interpreter that has boto3; without one, `unavailable` says so.

    `run` runs a command and reads its output. Credentials, region and endpoint are those of the
    command's environment, as for any tool of AWS: the job's role, AWS_ENDPOINT_URL_S3.
    """

    def __init__(self, run: Callable[[Sequence[str]], Ended], python: str | None) -> None:
        self._run = run
        self._python = python

    @cached_property
    def unavailable(self) -> str | None:
        """Why S3 cannot be used; None if it can."""
        has_boto3 = self._python is not None and self._start(self._python, "check").code == 0
        return None if has_boto3 else NO_BOTO3

    def fetch(self, uri: str, directory: Path) -> Copied:
        """Bring an object, or the tree below a prefix, into a directory, which is made if need be.

        `s3://bucket/folder/` is the tree below `folder/`; `s3://bucket/name` is that object, or if
        there is none the tree below `name/`. A file of the same name is replaced; a fetch that is
        interrupted or fails leaves no file behind.

        Raises:
            S3Failed: see there.
        """
        return self._copy("fetch", uri, str(directory))

    def store(self, path: Path, uri: str) -> Copied:
        """Put a file at an address, or below one that ends in a slash; a directory's tree below it.

        Links are followed as long as they lead nowhere out of the directory; others are left out,
        which the log says. An empty directory is stored as nothing.

        Raises:
            S3Failed: see there.
        """
        return self._copy("store", str(path), uri)

    def read(self, uri: str, part: tuple[int, int] | None = None) -> bytes:
        """A small object, or of any object the part between two bytes, both included.

        Raises:
            S3Missing: there is no such object, or it ends before that part.
            S3Failed: see there.
        """
        words = () if part is None else (f"{part[0]}-{part[1]}",)
        return str(self._ask(f"reading {uri}", "read", uri, *words)["text"]).encode()

    def store_each(self, files: Sequence[tuple[Path, str]]) -> list[str]:
        """Put files at addresses, one after the other; of each why it is not there, "" if it is.

        A later one is stored although an earlier one was refused.
        """
        words = [str(word) for pair in files for word in pair]
        try:
            answer = self._ask("storing files", "store-each", *words)
        except S3Failed as failed:
            return [str(failed)] * len(files)
        return [
            f"storing {uri}: {why}" if why else "" for (_, uri), why in zip(files, answer["each"])
        ]

    def _copy(self, action: str, source: str, target: str) -> Copied:
        answer = self._ask(f"copying {source} to {target}", action, source, target)
        return Copied(answer["files"], answer["bytes"])

    def _ask(self, doing: str, *words: str) -> dict[str, Any]:
        if self._python is None:
            raise S3Failed(NO_BOTO3)
        ended = self._start(self._python, *words)
        told = ended.output.decode(errors="replace").rpartition(MARK)[2]
        if not told.startswith("{"):
            why = "it takes too long" if ended.late else f"exit code {ended.code}"
            raise S3Failed(f"{doing}: {why}")
        answer: dict[str, Any] = json.loads(told)
        if "error" in answer:
            kind = S3Missing if answer["missing"] else S3Failed
            raise kind(f"{doing}: {answer['error']}")
        return answer

    def _start(self, python: str, *arguments: str) -> Ended:
        source = pkgutil.get_data("container", "s3_copy.py") or b""
        return self._run([python, "-c", _START, source.decode(), *arguments])
