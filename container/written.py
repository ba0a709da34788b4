"""Metrics that a command has written: to a file of a known name, or as its last line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from stat import S_ISREG
from typing import Any

from container import interpreter, log
from container.work import Work

# In the command's output directory or in the project; the first of each that it has written counts.
_NAMES = ("metrics.json", "metrics.yaml", "metrics.yml")
_SUFFIXES = (".json", ".yaml", ".yml")
_MOST = 1024 * 1024
_TAIL_LINES = 400
_LINE = "last line"
# In a Python that has PyYAML, since no code of the image may run in ours, which knows the secrets.
_YAML = """
import json, sys
sys.path[:] = filter(None, sys.path)
import yaml
print(json.dumps(yaml.safe_load(open(sys.argv[1], encoding="utf-8")), default=str))
"""

Stamp = tuple[int, int, int]


class Written:
    """Tells what a command writes from what was in the commit: make it before the command runs.

    `objective` may name a file of its own, as `scores/eval.json:accuracy`.
    """

    def __init__(self, work: Work, output: Path, objective: str) -> None:
        self._work = work
        own = objective.partition(":")[0]
        named = [own] if ":" in objective and _is_below(own) else []
        names = [*named, *(name for name in _NAMES if name not in named)]
        # A name, and the places where the file may be.
        self._files = [(name, (output / name, work.project / name)) for name in names]
        self._before = {path: _stamp(path) for _, paths in self._files for path in paths}

    def metrics(self) -> dict[str, Any]:
        """What the command has left, by file; of a line under the name `last line`."""
        found: dict[str, Any] = {}
        for name, paths in self._files:
            for path in paths:
                stamp = _stamp(path)
                if name not in found and stamp is not None and stamp != self._before[path]:
                    tree = self._read(path)
                    if tree is not None:
                        found[name] = tree
        if found:
            return found
        line = last_line(log.tail(_TAIL_LINES))
        return {} if line is None else {_LINE: line}

    def _read(self, path: Path) -> Any:
        if path.stat().st_size > _MOST:
            self._work.note(f"{path.name} is larger than 1 MiB: no metrics are read from it")
            return None
        text = path.read_bytes()
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return self._read_yaml(path)

    def _read_yaml(self, path: Path) -> Any:
        python = interpreter.with_yaml()
        if path.suffix == ".json" or python is None:
            why = "it is no JSON" if path.suffix == ".json" else "the image has no PyYAML"
            self._work.note(f"{path.name} cannot be read: {why}")
            return None
        ended = self._work.run_beside([python, "-c", _YAML, str(path)])
        try:
            return json.loads(ended.output)
        except (ValueError, RecursionError):
            self._work.note(f"{path.name} cannot be read: it is no YAML, or PyYAML is missing")
            return None


def last_line(lines: Sequence[str]) -> Mapping[str, Any] | None:
    """The last line that is a JSON object; None where there is none.

    >>> last_line(["epoch 1", '{"accuracy": 0.9}', '{"accuracy": 0.94}', "bye"])
    {'accuracy': 0.94}
    """
    for line in reversed(lines):
        text = line.strip()
        if text.startswith("{") and text.endswith("}"):
            try:
                found = json.loads(text)
            except (ValueError, RecursionError):
                continue
            if isinstance(found, dict) and found:
                return found
    return None


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix in _SUFFIXES and not path.is_absolute() and ".." not in path.parts


def _stamp(path: Path) -> Stamp | None:
    """What tells a file from an earlier one; None where there is none.

    No link is followed: we see files that the project's programs do not.
    """
    try:
        found = path.lstat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_ino, found.st_size) if S_ISREG(found.st_mode) else None
