"""The log and the results as one object of S3, under a name that nothing else has."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from container.agent.packing import Packing
from container.agent.upload import NotStored, Taken, Upload


@dataclass(frozen=True)
class Archive:
    """What was stored: its address, and what is not in it though it was to be, in words."""

    address: str
    left_out: tuple[str, ...] = ()


def store(
    s3: Any,
    bucket: str,
    keys: Iterator[str],
    *,
    log: tuple[str, IO[bytes]] | None,
    results: list[tuple[str, Path]],
    hurry: Callable[[], bool],
    over: threading.Event,
) -> Archive:
    """Store an archive under the first of the keys that is free.

    `results` are names in the archive and the files or folders that get them; where there is
    nothing, nothing is stored. The log comes first and is stored whole. Once `hurry` says so, only
    what is stored already and the file that is being stored are (not that either if it is large),
    and it ends soon after `over` is set.

    Raises:
        NotStored: S3 does not take it.
    """
    for key in keys:
        upload = Upload(s3, bucket, key, over)
        try:
            upload.refuse_taken()
            left_out = Packing(upload, hurry).pack(log, results)
            upload.finish()
        except Taken:
            upload.abandon()
            continue
        except BaseException:
            upload.abandon()
            raise
        return Archive(f"s3://{bucket}/{key}", tuple(left_out))
    raise NotStored("there are archives of all the names that were tried", final=True)


def keys(prefix: str, name: str, run_id: str) -> Iterator[str]:
    """The names to try.

    >>> tried = keys("remote/", "mine", "4f2a17bc")
    >>> next(tried), next(tried), next(tried)
    ('remote/mine.tar.gz', 'remote/mine 4f2a17.tar.gz', 'remote/mine 4f2a17 2.tar.gz')
    """
    folder = f"{prefix.strip('/')}/".lstrip("/")
    own = f"{name} {run_id[:6]}"
    for one in (name, own, *(f"{own} {number}" for number in range(2, 10))):
        yield f"{folder}{one}.tar.gz"
