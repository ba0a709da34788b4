"""The points of a sweep as S3 holds them: their list, and the results that they leave.

    projects/<slug>/sweeps/<sweep id>/points/<wave>.jsonl
    projects/<slug>/sweeps/<sweep id>/results/<time>_<wave>_<attempt>_<index>_<verdict>_…json
    projects/<slug>/sweeps/<sweep id>/points/<wave>/<index>/<attempt>/job.log, …

A list has lines of equal length, so that a child of an array job reads its own with one ranged GET
however many there are. A result's name says what a watcher needs: a page of ListObjectsV2 tells a
thousand results, those that are new come last, and nothing has to be opened. Standard library,
Python 3.9 and newer.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Batch's limits on the size of an array job (service model: ArrayProperties).
LEAST_CHILDREN, MOST_CHILDREN = 2, 10_000
# Batch's most tries of a child (API reference, RetryStrategy). Each leaves one result at most.
MOST_TRIES = 10
# Of a point in a list that the stack makes, in bytes: together those of 10,000 stay below 100 MB; a
# child reads its own alone.
LONGEST_LINE = 8192
# Objects among the results that are listed at once: as many as one wave can leave, and 100 calls.
MOST_LISTED = MOST_CHILDREN * MOST_TRIES
_RESULT = re.compile(
    r"(?P<at_ms>[0-9]{13})_(?P<wave>[0-9]{4})_(?P<attempt>[0-9]{3})_(?P<index>[0-9]{5})"
    r"_(?P<verdict>ok|failed)_(?P<seconds>[0-9]{1,9})_(?P<objective>[^_/]*)\.json"
)


@dataclass(frozen=True)
class Place:
    """Where a sweep's objects are, without the bucket.

    >>> Place("churn", "4f2a").points(1)
    'projects/churn/sweeps/4f2a/points/0001.jsonl'
    """

    slug: str
    sweep_id: str

    @property
    def folder(self) -> str:
        """What all keys of the sweep begin with; no slash at its end."""
        return f"projects/{self.slug}/sweeps/{self.sweep_id}"

    @property
    def results(self) -> str:
        """What the key of every result begins with."""
        return f"{self.folder}/results/"

    def points(self, wave: int) -> str:
        """The key of a wave's list."""
        return f"{self.folder}/points/{wave:04d}.jsonl"

    def left_by(self, wave: int, attempt: int, index: int, name: str) -> str:
        """The key of something that a point leaves.

        >>> Place("churn", "4f2a").left_by(1, 1, 7, "job.log")
        'projects/churn/sweeps/4f2a/points/0001/00007/1/job.log'
        """
        return f"{self.folder}/points/{wave:04d}/{index:05d}/{attempt}/{name}"


@dataclass(frozen=True)
class Result:
    """What a point's result says by its name alone.

    `at_ms` is when it was told, milliseconds since 1970; `seconds` how long it took. `objective` is
    None where there is none or it is no finite number.
    """

    at_ms: int
    wave: int
    attempt: int
    index: int
    ok: bool
    seconds: int
    objective: float | None = None

    @property
    def name(self) -> str:
        """The name of its object, below `Place.results`. Names sort as the times do.

        >>> Result(1_763_722_800_000, 1, 1, 7, True, 12, 0.94).name
        '1763722800000_0001_001_00007_ok_12_0.94.json'
        """
        finite = self.objective is not None and math.isfinite(self.objective)
        verdict = "ok" if self.ok else "failed"
        parts = (
            f"{self.at_ms:013d}",
            f"{self.wave:04d}",
            f"{self.attempt:03d}",
            f"{self.index:05d}",
            verdict,
            str(self.seconds),
            repr(self.objective) if finite else "",
        )
        return "_".join(parts) + ".json"

    @classmethod
    def read(cls, key: str) -> Result | None:
        """The result that a key names; None for another object.

        >>> found = Result.read("x/results/1763722800000_0001_001_00007_ok_12_1e-05.json")
        >>> found.index, found.ok, found.objective
        (7, True, 1e-05)
        >>> Result.read("x/results/notes.txt")
        >>> Result.read("x/results/1763722800000_0001_001_00007_ok_12_nan.json").objective
        """
        match = _RESULT.fullmatch(key.rpartition("/")[2])
        if match is None:
            return None
        try:
            objective = float(match["objective"]) if match["objective"] else None
        except ValueError:
            return None
        if objective is not None and not math.isfinite(objective):
            objective = None  # as `name` has it: whoever ranks or keeps values has no use for it
        return cls(
            at_ms=int(match["at_ms"]),
            wave=int(match["wave"]),
            attempt=int(match["attempt"]),
            index=int(match["index"]),
            ok=match["verdict"] == "ok",
            seconds=int(match["seconds"]),
            objective=objective,
        )


def most_results(points: int, attempts: int = 1) -> int:
    """How many objects among the results are worth a listing: more than so many points can leave.

    >>> most_results(6), most_results(100_000, attempts=2)
    (100000, 2000000)
    """
    return max(MOST_LISTED, points * MOST_TRIES * attempts)


def seen_since(key: str, overlap_ms: int = 300_000) -> str:
    """Where to go on listing results after one was seen: some minutes before it.

    The names' times are those of many machines, whose clocks differ, and a result that took long
    to be stored has a name from before. 300,000 ms is far more than either.

    >>> seen_since("p/results/1763722800000_0001_001_00007_ok_12_.json")
    'p/results/1763722500000'
    """
    folder, slash, name = key.rpartition("/")
    return f"{folder}{slash}{max(0, int(name[:13]) - overlap_ms):013d}"


def not_ahead(key: str, now_ms: int) -> str:
    """The key of a result as the mark of what a watcher has seen, whose own time is `now_ms`.

    One machine whose clock is an hour ahead must not hide what the others tell within that hour.

    >>> not_ahead("p/results/1763722800000_0001_001_00007_ok_12_.json", 1763722800000 - 1)
    'p/results/1763722799999'
    """
    folder, slash, name = key.rpartition("/")
    return key if int(name[:13]) <= now_ms else f"{folder}{slash}{now_ms:013d}"


def newest(results: Iterable[Result]) -> dict[tuple[int, int], Result]:
    """The result of each point, by wave and index.

    Of several, as after a lost machine, a success wins, then the later attempt, then the later one.
    """
    found: dict[tuple[int, int], Result] = {}
    for one in results:
        place = (one.wave, one.index)
        other = found.get(place)
        if other is None or _weight(other) <= _weight(one):
            found[place] = one
    return found


def _weight(result: Result) -> tuple[bool, int, int]:
    return result.ok, result.attempt, result.at_ms


def better(one: float, other: float | None, direction: str) -> bool:
    """Whether a value of the objective beats another.

    >>> better(0.9, 0.8, "maximize"), better(0.9, 0.8, "minimize"), better(0.1, None, "minimize")
    (True, False, True)
    """
    if other is None:
        return True
    return one > other if direction == "maximize" else one < other


def encode(points: Sequence[Mapping[str, Any]]) -> tuple[bytes, int]:
    r"""The list of points, each a JSON object on a line of its own, and the bytes of a line.

    >>> encode([{"lr": 0.1}, {"lr": 0.01}])
    (b'{"lr":0.1} \n{"lr":0.01}\n', 12)
    """
    lines = [
        json.dumps(point, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()
        for point in points
    ]
    width = max((len(line) for line in lines), default=0) + 1
    return b"".join(line.ljust(width - 1) + b"\n" for line in lines), width


def decode(listed: bytes) -> list[dict[str, Any]]:
    """The points of a list, or of a part of one that begins and ends with a line.

    >>> decode(encode([{"lr": 0.1}, {"model.depth": 3}])[0])
    [{'lr': 0.1}, {'model.depth': 3}]
    """
    return [json.loads(line) for line in listed.splitlines()]
