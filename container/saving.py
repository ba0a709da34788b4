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

    It does for metrics and plots alone (Stage.run, `no_cache_outs`), but restores all alike. What
    is noted wrongly is restored for ever, and nobody is told: in doubt a run is left out.
    """
    from dvc.exceptions import DvcException  # type: ignore[import-not-found]  # noqa: PLC0415

    locks: dict[Path, Any] = {}
    for stage in repo.index.stages:
        uncached = [output for output in stage.outs if not output.use_cache]
        if all(output.metric or output.plot for output in uncached):
            continue
        try:
            if not _restorable(stage) or not _has_run(stage, locks):
                continue
            for output in uncached:
                _keep(output)
            if stage.outs_cached():
                repo.stage_cache.save(stage)
        except (OSError, DvcException):
            continue  # its files come and go: it runs now
        except Exception as error:  # noqa: BLE001 - no stage may keep the others from being saved
            reason = f"{type(error).__name__}: {error}"
            print(f"the run of {stage.addressing} is not saved: {reason}", file=sys.stderr)


def _restorable(stage: Any) -> bool:
    """Whether the run cache takes a stage at all (dvc.stage.cache, `_can_hash`)."""
    if not (stage.cmd and stage.deps) or stage.always_changed:
        return False  # such a stage may depend on what has no protocol, as a database
    local = all(item.protocol == "local" for item in (*stage.deps, *stage.outs))
    return local and all(output.is_in_repo and not output.persist for output in stage.outs)


def _has_run(stage: Any, locks: dict[Path, Any]) -> bool:
    """Whether a stage as it is defined now has made the outputs that are here now.

    Else it is to run, or runs: what DVC knows of it is then half of `dvc.yaml`, half of an older
    run in `dvc.lock`. `Stage.status` would tell, too, but DVC locks a stage's files meanwhile, and
    the one that runs would fail.
    """
    from dvc.stage.serialize import (  # type: ignore[import-not-found]  # noqa: PLC0415
        to_single_stage_lockfile,
    )

    known = all(item.hash_info for item in (*stage.deps, *stage.outs))
    if (
        not known
        or stage.changed_stage()
        or to_single_stage_lockfile(stage) != _locked(stage, locks)
    ):
        return False
    return not any(item.workspace_status() for item in (*stage.outs, *stage.deps))


def _keep(output: Any) -> None:
    """Take an output into the cache that is not to be cached, as `StageCache.save` does.

    The stage may begin to run again meanwhile. So DVC reads anew what it has copied, which it does
    not do on its own, and the file of the project is left alone.
    """
    from dvc_data.hashfile.build import build  # type: ignore[import-not-found]  # noqa: PLC0415
    from dvc_data.hashfile.transfer import transfer  # type: ignore[import-not-found]  # noqa: PLC0415

    output.use_cache = True  # in this process: it counts like the cached ones from here on
    cache, path, hash_name = output.cache, output.fs_path, output.hash_name
    files, _, found = build(cache, path, output.fs, hash_name, ignore=output.dvcignore)
    if found.hash_info == output.hash_info:
        transfer(files, cache, {found.hash_info}, shallow=False, verify=True)


def _locked(stage: Any, locks: dict[Path, Any]) -> Any:
    """What `dvc.lock` says of a stage; `locks` holds the files that have been read."""
    from dvc.utils.serialize import load_yaml  # type: ignore[import-not-found]  # noqa: PLC0415

    file = Path(stage.path).with_suffix(".lock")
    if file not in locks:
        locks[file] = load_yaml(str(file)).get("stages", {}) if file.exists() else {}
    return locks[file].get(getattr(stage, "name", None))


def _is_complete(repo: Any, run: tuple[str, str]) -> bool:
    """Whether the cache holds all that a run has made."""
    from dvc.exceptions import CollectCacheError  # noqa: PLC0415

    try:
        used = repo.stage_cache.get_used_objs([run])
    except CollectCacheError:
        return False  # it lacks the listing of a directory
    named = [one for objects in used.values() for one in objects]  # none if it cannot be read
    return bool(named) and all(
        (repo.cache.legacy if one.name == "md5-dos2unix" else repo.cache.local).exists(one.value)
        for one in named
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
    from dvc.exceptions import UploadError  # noqa: PLC0415

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
