"""A point's result in S3: under a name that tells a watcher all it needs, and under one to find."""

from __future__ import annotations

import json
from typing import Any

from container.exits import Exit, JobFailed
from container.log import say, step
from container.point import Point
from container.s3 import S3Failed, S3Missing
from container.work import Work
from shared.points import Result

# Where a later try finds it without listing thousands. It is stored first: a try that died between
# the two leaves one that the next try tells.
_FIXED = "result.json"


def earlier(work: Work, point: Point) -> dict[str, Any] | None:
    """The result of an earlier try of this attempt that has succeeded; None if none has.

    The first try asks nobody.
    """
    if work.settings.try_number == 1:
        return None
    address = point.left_by(int(work.job.attempt), _FIXED)
    try:
        body = json.loads(work.s3.read(address))
    except (S3Missing, ValueError):
        return None
    except S3Failed as failed:
        raise JobFailed(
            Exit.STORAGE_FAILED, f"looking for an earlier try's result: {failed}"
        ) from failed
    return body if isinstance(body, dict) and body.get("ok") is True else None


def store(work: Work, point: Point, body: dict[str, Any]) -> int:
    """Store a result under both names; 0, or the exit code if it is not where watchers look.

    Its name follows from what it says. A point may have several, see `shared.points.newest`.
    """
    name = Result(
        at_ms=body["at_ms"],
        wave=body["wave"],
        attempt=body["attempt"],
        index=body["index"],
        ok=body["ok"],
        seconds=round(body["seconds"]),
        objective=body["objective"],
    ).name
    file = work.directory / _FIXED
    file.write_text(json.dumps(body, allow_nan=False), encoding="utf-8")
    places = [point.left_by(body["attempt"], _FIXED), point.result(name)]
    with step("store the result") as progress:
        refused = work.s3.store_each([(file, place) for place in places])
        for why in filter(None, refused):
            say(why)
        progress.failed = bool(refused[-1])
    return Exit.STORAGE_FAILED if refused[-1] else Exit.DONE
