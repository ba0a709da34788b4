"""A small DVC project for the demo and the tests, as a Git repository with two commits.

The first commit has been run: its `dvc.lock` and the data that it names are in `baseline/`. The
second raises the features' degree and has not, so both examples of the README have work to do as
they stand, and the metrics of an experiment differ from something.

A changed script or data file of `project/` makes `baseline/` outdated, and a test says so. To renew
it: `python -m local.example FOLDER` (with DVC on the path), which runs the first commit's stages.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

_HERE = Path(__file__).parent
_PROJECT = _HERE / "project"
BASELINE = _HERE / "baseline"
OUTPUTS = ("features/test.csv", "features/train.csv", "losses.csv", "metrics.json", "model.json")
_CONFIG = "[core]\n    remote = storage\n['remote \"storage\"']\n    url = {url}\n"
_BEFORE, _AFTER = "degree: 1", "degree: 2"
# One author, one time: every machine makes the same commits.
_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Example",
    "GIT_AUTHOR_EMAIL": "example@localhost",
    "GIT_AUTHOR_DATE": "2026-01-05T09:00:00+00:00",
    "GIT_COMMITTER_NAME": "Example",
    "GIT_COMMITTER_EMAIL": "example@localhost",
    "GIT_COMMITTER_DATE": "2026-01-05T09:00:00+00:00",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "PATH": os.defpath,
}
_TIMEOUT_SECONDS = 60


def create(directory: Path, remote_url: str) -> None:
    """Write the project into an empty or new directory, as a repository with the branch `main`.

    `remote_url` becomes the DVC remote `storage`. A remote that is a local directory gets the data
    of the first commit as well; for any other, put `objects()` there.
    """
    write(directory, remote_url)
    shutil.copy(BASELINE / "dvc.lock", directory)
    _git(directory, "init", "--quiet", "--initial-branch=main", "--template=")
    _commit(directory, "Tell faulty parts from good ones")
    params = directory / "params.yaml"
    params.write_text(params.read_text("utf-8").replace(_BEFORE, _AFTER), encoding="utf-8")
    _commit(directory, "Let features be products of both measurements")
    if "://" not in remote_url:
        for key, content in objects().items():
            target = Path(remote_url, key)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def write(directory: Path, remote_url: str) -> None:
    """Write the files of the first commit, without a repository and without its `dvc.lock`."""
    shutil.copytree(_PROJECT, directory, dirs_exist_ok=True)
    params = directory / "params.yaml"
    params.write_text(params.read_text("utf-8").replace(_AFTER, _BEFORE), encoding="utf-8")
    internal = directory / ".dvc"
    internal.mkdir()
    (internal / "config").write_text(_CONFIG.format(url=remote_url), encoding="utf-8")
    (internal / ".gitignore").write_text("/config.local\n/tmp\n/cache\n", encoding="utf-8")
    (directory / ".dvcignore").touch()


def objects() -> dict[str, bytes]:
    """The data of the first commit: keys below the remote's URL (DVC 3's layout), contents."""
    contents = [(BASELINE / path).read_bytes() for path in OUTPUTS]
    digests = [hashlib.md5(content, usedforsecurity=False).hexdigest() for content in contents]
    keys = [f"files/md5/{digest[:2]}/{digest[2:]}" for digest in digests]
    return dict(zip(keys, contents, strict=True))


def _commit(directory: Path, message: str) -> None:
    _git(directory, "add", "--all")
    _git(directory, "commit", "--quiet", "--message", message)


def _git(directory: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", *arguments],
        cwd=directory,
        env=_ENVIRONMENT,
        check=True,
        stdin=subprocess.DEVNULL,
        timeout=_TIMEOUT_SECONDS,
    )
