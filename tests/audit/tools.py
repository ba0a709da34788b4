"""Where the programs of the audit are, and how one is asked."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SETTINGS = PROJECT / ".ci"
_PROGRAMS = PROJECT / ".tools/audit/bin"


def there() -> bool:
    """Whether the programs are installed: `make audit` does it, from requirements/audit.txt."""
    return _PROGRAMS.is_dir()


def ask(
    program: str, *arguments: str | Path, folder: Path = PROJECT, seconds: float = 600
) -> "subprocess.CompletedProcess[str]":
    """What one of them comes to in a folder, whatever its exit code says.

    Raises:
        subprocess.TimeoutExpired: it takes too long.

    """
    words: Sequence[str | Path] = [_PROGRAMS / program, *arguments]
    return subprocess.run(
        words,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
