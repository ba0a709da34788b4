"""Which Python of the image can import what: the one that runs us may not be the one of DVC."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path


def with_dvc() -> str | None:
    """A Python that can import DVC; None where DVC is one binary, or is not there."""
    return _with("dvc")


def with_boto3() -> str | None:
    """A Python that may be able to import boto3; None where there is none but ours."""
    return _with("boto3")


def with_renderer() -> str | None:
    """The same for vl-convert, the renderer of plots."""
    return _with("vl_convert")


def with_yaml() -> str | None:
    """A Python that can import PyYAML; None where none is known."""
    return _with("yaml")


def _with(module: str) -> str | None:
    if importlib.util.find_spec(module):
        return sys.executable
    program = shutil.which("dvc")
    return None if program is None else _shebang(Path(program))


def _shebang(program: Path) -> str | None:
    """What runs a console script that pip, pipx or uv has made.

    They write `#!/path/to/python`, or for a path that is too long or holds a space a shell's
    `'''exec' "/path/to/python" "$0" "$@"` (distlib, ScriptMaker).
    """
    with program.open("rb") as file:
        lines = [file.readline(4096) for _ in range(2)]
    if not lines[0].startswith(b"#!"):
        return None
    named = lines[0][2:].decode(errors="surrogateescape").strip()
    if named == "/bin/sh" and lines[1].startswith(b"'''exec' "):
        quoted = lines[1].decode(errors="surrogateescape").split(" ", 1)[1]
        named = quoted.split('"')[1] if quoted.startswith('"') else quoted.split(" ", 1)[0]
    words = named.split()
    if len(words) == 2 and Path(words[0]).name == "env":
        named = shutil.which(words[1]) or ""
    return named if Path(named).name.startswith("python") and Path(named).exists() else None
