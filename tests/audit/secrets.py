"""detect-secrets over all files that git knows; what is no secret says so in .ci/secrets.yaml."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.audit.tools import PROJECT, SETTINGS, ask


@dataclass(frozen=True)
class Folder:
    """A folder in which some checks of detect-secrets are not made."""

    path: str
    without: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Finding:
    """What looks like a secret: where, why, and its SHA-1, since it may be one."""

    file: str
    line: int
    kind: str
    sha1: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind}"


@dataclass(frozen=True)
class Known:
    """What is no secret, by its reason; `files` and `lines` are patterns with theirs."""

    files: Mapping[str, str]
    folders: tuple[Folder, ...]
    lines: Mapping[str, str]
    values: Mapping[str, frozenset[str]]

    @classmethod
    def read(cls, path: Path = SETTINGS / "secrets.yaml") -> "Known":
        """The settings; each of them has its reason."""
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        values = {one["reason"]: frozenset(map(str, one["texts"])) for one in told["values"]}
        folders = tuple(
            Folder(one["path"], tuple(one["without"]), one["reason"]) for one in told["folders"]
        )
        return cls(told["files"], folders, told["lines"], values)

    @property
    def sha1s(self) -> dict[str, str]:
        """Each text by its hash, as detect-secrets computes it."""
        texts = frozenset[str]().union(*self.values.values())
        return {_sha1(text): text for text in texts}


def findings(known: Known, folder: Path = PROJECT) -> list[Finding]:
    """What looks like a secret in what git knows of a folder, and is not known to be none.

    Raises:
        RuntimeError: detect-secrets did not look.

    """
    return unknown(looked_at(known, folder), known)


def unknown(found: Iterable[Finding], known: Known) -> list[Finding]:
    """Those that are not known to be none."""
    return [one for one in found if one.sha1 not in known.sha1s]


def not_needed(found: Iterable[Finding], known: Known) -> list[str]:
    """The texts that are called no secret, and are nowhere."""
    there = {one.sha1 for one in found}
    return sorted(text for sha1, text in known.sha1s.items() if sha1 not in there)


def looked_at(known: Known, folder: Path = PROJECT) -> list[Finding]:
    """Whatever looks like a secret outside of the files and lines that are left out."""
    lines = _each("--exclude-lines", known.lines)
    found = list(_scan(folder, *lines, *_without(known, "")))
    for one in known.folders:
        less = _each("--disable-plugin", one.without)
        found += _scan(folder, *lines, *less, *_without(known, one.path), one.path)
    return found


def _without(known: Known, path: str) -> list[str]:
    """The options that leave out what is not looked at, and what has a look of its own."""
    inside = [one.path for one in known.folders if one.path != path and one.path.startswith(path)]
    return _each("--exclude-files", [*known.files, *(f"^{one}/" for one in inside)])


def _each(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _scan(folder: Path, *options: str) -> Iterator[Finding]:
    # Without asking the services whose tokens it finds whether they are valid.
    done = ask("detect-secrets", "scan", "--no-verify", *options, folder=folder)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        message = f"detect-secrets did not look: {done.stderr.strip()}"
        raise RuntimeError(message) from None
    for file, ones in sorted(answer["results"].items()):
        for one in ones:
            yield Finding(file, one["line_number"], one["type"], one["hashed_secret"])


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
