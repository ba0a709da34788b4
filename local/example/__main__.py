"""Runs the first commit's stages and keeps what they make: `python -m local.example FOLDER`."""

import shutil
import subprocess
import sys
from pathlib import Path

from local.example import BASELINE, OUTPUTS, write


def main() -> None:
    """Renew `baseline/`, working in a new folder."""
    folder = Path(sys.argv[1]).resolve()
    write(folder, str(folder / "unused"))
    subprocess.run(["dvc", "config", "--local", "core.no_scm", "true"], cwd=folder, check=True)
    subprocess.run(["dvc", "repro"], cwd=folder, check=True)
    for path in ("dvc.lock", *OUTPUTS):
        (BASELINE / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / path, BASELINE / path)


if __name__ == "__main__":
    main()
