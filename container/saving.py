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


def main(action: str, project: str) -> None:
    """Print `MARK` and JSON.

    - `failed`: files that did not get there; `remote`: is there any.
    - `runs`: does the default remote take the run cache; `default`: is there one for the data.

    `action` is `stages`, what stages have made that the remote does not know, or `all`, the data
    that the project names as well.
    """
    from dvc.repo import Repo  # type: ignore[import-not-found]  # noqa: PLC0415 - the image's

    os.chdir(project)  # an entry of the run cache names its outputs from there
    with Repo() as repo:
        remote = _remote(repo)
        failed = 0 if remote is None else _push_runs(repo, remote)
        default = True
        if action == "all":
            more, default = _push_data(repo)
            failed += more
        named = bool(repo.config["remote"])
    told = {"failed": failed, "remote": named, "runs": remote is not None, "default": default}
    print(MARK + json.dumps(told))


def _remote(repo: Any) -> Any:
    """Where the run cache goes: the default remote, if there is one that takes it."""
    from dvc.config import RemoteConfigError  # type: ignore[import-not-found]  # noqa: PLC0415

    try:
        # The name of the hash is that of dvc.stage.cache, whose entries lie beside such objects.
        remote = repo.cloud.get_remote_odb(None, "push --run-cache", hash_name="md5-dos2unix")
    except RemoteConfigError:
        return None
    return None if remote.fs.protocol in ("http", "https") else remote


def _push_runs(repo: Any, remote: Any) -> int:
    """Push the run cache's entries that the remote lacks, and all that they name."""
    from dvc.fs import generic  # type: ignore[import-not-found]  # noqa: PLC0415

    cache = repo.cache.legacy
    _remember_uncached(repo)
    there = _remote_runs(remote)
    runs = [run for run in _runs(Path(cache.path, "runs")) if run not in there]
    # DVC notes a run before it has put all outputs into the cache; the next time it is complete.
    new = [run for run in runs if _is_complete(repo, run)]
    failed = sum(
        len(repo.cloud.push(objects, odb=odb).failed)
        for odb, objects in repo.stage_cache.get_used_objs(new).items()
    )
    if failed:
        return failed
    for key, value in new:
        parts = ("runs", key[:2], key, value)
        place = remote.fs.join(remote.path, *parts)
        generic.copy(cache.fs, str(Path(cache.path, *parts)), remote.fs, place)
    return 0


def _remember_uncached(repo: Any) -> None:
    """Note the runs of stages with outputs that are not cached, which DVC does not note itself.

    It does for metrics and plots alone (Stage.run, `no_cache_outs`), but restores all alike.
    """
    for stage in repo.index.stages:
        uncached = [output for output in stage.outs if not output.use_cache]
        if uncached and all(output.hash_info and output.exists for output in stage.outs):
            repo.stage_cache.save(stage)


def _is_complete(repo: Any, run: tuple[str, str]) -> bool:
    """Whether the cache holds all that a run has made."""
    return all(
        (repo.cache.legacy if named.name == "md5-dos2unix" else repo.cache.local).exists(
            named.value
        )
        for objects in repo.stage_cache.get_used_objs([run]).values()
        for named in objects
    )


def _runs(folder: Path) -> Iterator[tuple[str, str]]:
    """The run cache's entries: key, value."""
    for entry in folder.glob("*/*/*"):
        if len(entry.name) == _ENTRY:  # others are on their way to being entries
            yield entry.parent.name, entry.name


def _remote_runs(remote: Any) -> set[tuple[str, str]]:
    """The same of the remote, in as few questions as its kind allows."""
    found = remote.fs.find(remote.fs.join(remote.path, "runs"))
    return {tuple(path.replace("\\", "/").split("/")[-2:]) for path in found}


def _push_data(repo: Any) -> tuple[int, bool]:
    """Files that were not pushed, and whether all data has a remote to go to."""
    from dvc.config import NoRemoteError  # noqa: PLC0415
    from dvc.exceptions import UploadError  # type: ignore[import-not-found]  # noqa: PLC0415

    try:
        repo.push()
    except UploadError as error:
        return int(error.amount), True
    except NoRemoteError:
        return 0, False
    return 0, True


def _say(kind: type[BaseException], error: BaseException, _: object) -> None:
    print(f"{kind.__name__}: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.path = [folder for folder in sys.path if folder]  # no module of the project's may interfere
    sys.excepthook = _say  # one line tells why, and the job tries again
    main(*sys.argv[1:4])
