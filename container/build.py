"""Packs the job's program into one file that any Python 3.9 or newer runs.

    python -m container.build OUT.pyz

The same sources give the same bytes: no times, a fixed order, and nothing compressed, since
versions of zlib differ.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
# Modules that the functions use as well.
SHARED = (
    *("shared.__init__", "shared.arguments", "shared.exits", "shared.hydra"),
    *("shared.markdown", "shared.params", "shared.points", "shared.sweeps"),
)
_SHEBANG = b"#!/usr/bin/env python3\n"
_START = """import sys

from container.__main__ import main

sys.exit(main())
"""
# The earliest time that a zip file can hold.
_TIME = (1980, 1, 1, 0, 0, 0)


def build(target: Path) -> None:
    """Write the program."""
    package = sorted(f"container/{file.name}" for file in (_ROOT / "container").glob("*.py"))
    shared = [f"{name.replace('.', '/')}.py" for name in SHARED]
    files = {name: (_ROOT / name).read_text(encoding="utf-8") for name in (*package, *shared)}
    files["__main__.py"] = _START
    with target.open("wb") as file:
        file.write(_SHEBANG)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name in sorted(files):
                member = zipfile.ZipInfo(name, _TIME)
                member.create_system = 3  # Unix, wherever it is built
                member.external_attr = 0o644 << 16
                archive.writestr(member, files[name].encode())
    target.chmod(0o755)


def main(arguments: list[str]) -> int:
    """The command line of `python -m container.build`."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m container.build OUT.pyz", file=sys.stderr)
        return 2
    build(Path(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
