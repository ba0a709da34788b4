"""Brings what finished stages made to the DVC remote. Runs apart, in DVC's Python.

`dvc push --run-cache` (3.67.1) leaves three things to be wished for here:

- it waits for the project's lock, and a stage that ends meanwhile fails for want of it, so it
  cannot run beside stages;
- it does not push outputs that DVC does not cache, so the run cache gives such a stage back on
  the machine that ran it alone ("Missing cache files" elsewhere), although DVC has copied them
  into the cache for this purpose (StageCache.save);
- it asks the remote about every entry of the run cache, one by one; with a cache that all jobs of a
  repository share there are thousands.

An entry of the run cache is pushed after all that it names, so no entry promises what is not there.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MARK = "saved: "
# Digits of an entry's name, a SHA-256.
_ENTRY = 64


def main(action: str, project: str, since: str) -> None:
    """Print `MARK` and JSON: {"failed": files that did not get there, "remote": is there one}.

    `action` is `stages`, what stages have made since a time (seconds since 1970), or `all`, the
    data that the project names as well, and what the run cache holds from elsewhere.
    """
    from dvc.repo import Repo  # type: ignore[import-not-found]  # noqa: PLC0415 - the image's

    os.chdir(project)  # an entry of the run cache names its outputs from there
    with Repo() as repo:
        remote = _remote(repo)
        everything = action == "all"
        failed = _push_runs(repo, remote, float(since), everything=everything) if remote else 0
        if everything:
            failed += _push_data(repo)
        named = remote is not None or bool(repo.config["remote"])
    print(MARK + json.dumps({"failed": failed, "remote": named}))


def _remote(repo: Any) -> Any:
    """Where the run cache goes: the default remote, if there is one that takes it."""
    from dvc.config import RemoteConfigError  # type: ignore[import-not-found]  # noqa: PLC0415

    try:
        # The name of the hash is that of dvc.stage.cache, whose entries lie beside such objects.
        remote = repo.cloud.get_remote_odb(None, "push --run-cache", hash_name="md5-dos2unix")
    except RemoteConfigError:
        return None
    return None if remote.fs.protocol in ("http", "https") else remote


def _push_runs(repo: Any, remote: Any, since: float, *, everything: bool) -> int:
    from dvc.fs import generic  # type: ignore[import-not-found]  # noqa: PLC0415

    cache = repo.cache.legacy
    runs = list(_runs(Path(cache.path, "runs")))
    new = [(key, value) for key, value, made in runs if made >= since]
    failed = sum(
        len(repo.cloud.push(objects, odb=odb).failed)
        for odb, objects in repo.stage_cache.get_used_objs(new).items()
    )
    if failed:
        return failed
    wanted = new
    if everything and len(runs) > len(new):
        there = _remote_runs(remote)
        wanted = [(key, value) for key, value, _ in runs if (key, value) not in there]
    for key, value in wanted:
        parts = ("runs", key[:2], key, value)
        there = remote.fs.join(remote.path, *parts)
        generic.copy(cache.fs, str(Path(cache.path, *parts)), remote.fs, there)
    return 0


def _runs(folder: Path) -> Iterator[tuple[str, str, float]]:
    """The run cache's entries: key, value, and when each was made."""
    for entry in folder.glob("*/*/*"):
        if len(entry.name) == _ENTRY:  # others are on their way to being entries
            yield entry.parent.name, entry.name, entry.stat().st_mtime


def _remote_runs(remote: Any) -> set[tuple[str, str]]:
    """The same of the remote, in as few questions as its kind allows."""
    found = remote.fs.find(remote.fs.join(remote.path, "runs"))
    return {tuple(path.replace("\\", "/").split("/")[-2:]) for path in found}


def _push_data(repo: Any) -> int:
    from dvc.config import NoRemoteError  # noqa: PLC0415
    from dvc.exceptions import UploadError  # type: ignore[import-not-found]  # noqa: PLC0415

    try:
        repo.push()
    except UploadError as error:
        return int(error.amount)
    except NoRemoteError:
        return 0
    return 0


def _say(kind: type[BaseException], error: BaseException, _: object) -> None:
    print(f"{kind.__name__}: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.path = [folder for folder in sys.path if folder]  # no module of the project's may interfere
    sys.excepthook = _say  # one line tells why, and the job tries again
    main(*sys.argv[1:4])
