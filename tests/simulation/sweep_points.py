"""What the points of a sweep leave in S3, as the program of their containers does.

`container.point_result` stores a result under two names, of which nothing but the one among the
results is read by the stack. A try that lost its machine after that is followed by one that tells
the same again, at a later time. Anything else may lie there as well: a job may write what it wants
to its project's place.
"""

import json
from typing import Any

from shared.points import Place, Result, decode
from tests.simulation.ledger import Left
from tests.simulation.world import World

# The clock of a point's machine: behind by less than a watcher looks back (`shared.points`), since
# a result that took long to store counts as well; ahead by whatever.
_BEHIND, _AHEAD = -240.0, 3600.0
# Bodies that are none of a result.
_MALFORMED = (b"", b"not json", b"[1]", b'{"parameters": [1]}', b'{"reason": 7}', b"\xff")
# Objects that are no results of this sweep, and one that is: its value is no number.
_NO_NUMBER = "{at_ms:013d}_0001_{attempt:03d}_{index:05d}_ok_1_nan.json"
_STRAYS = (
    "notes.txt",
    "{at_ms:013d}_0001_{attempt:03d}_{index:05d}_ok_1_high.json",
    "{at_ms:013d}_0001_{attempt:03d}_{index:05d}_won_1_9.0.json",
    "{at_ms:013d}_0002_{attempt:03d}_{index:05d}_ok_1_9.0.json",
    "{at_ms:013d}_0001_{attempt:03d}_{index:05d}_failed_1_9.0.json",
    _NO_NUMBER,
)


class SweepPoints:
    """The points of the array `job_id`, whose tries run for `lasts` seconds at most."""

    def __init__(self, world: World, job_id: str) -> None:
        self.job_id = job_id
        self.lasts = world.choices.between(1, 1200, "points")
        self._world = world
        self._read = False
        self._objectives: dict[int, float | None] = {}
        submission = world.batch.submissions[job_id]
        variables = submission["containerOverrides"]["environment"]
        told = {one["name"]: one["value"] for one in variables}
        self._plan: dict[str, Any] = json.loads(told["CLOUD_RUNNER_SWEEP"])
        self._parameters = submission["parameters"]
        self._attempt = int(self._parameters["attempt"])
        self._bucket, _, folder = self._plan["place"].removeprefix("s3://").partition("/")
        _, slug, _, sweep_id = folder.split("/")
        self._place = Place(slug, sweep_id)

    def read(self) -> None:
        """Read the list of points, as each of them does before anything else."""
        if self._read:
            return
        self._read = True
        listed = self._world.s3.objects.get((self._bucket, self._place.points(self._plan["wave"])))
        points = [] if listed is None else decode(listed)
        if len(points) != self._plan["size"]:
            text = f"{self.job_id} has {self._plan['size']} points, of which {len(points)} listed"
            self._world.ledger.complain("points-are-listed", text)

    def leave(self, index: int, *, ok: bool) -> None:
        """Store the result of a point's try; one that has succeeded tells the same ever after."""
        choices = self._world.choices
        if not ok:
            self._leave(index, None, ok=False)
        else:
            if index not in self._objectives:
                drawn = round(choices.between(-1, 1, "objective"), 2)
                self._objectives[index] = drawn if self._plan["objective"] else None
            self._leave(index, self._objectives[index], ok=True)
        if choices.strikes("result-malformed", "beside a point"):
            self._stray(index)

    def _leave(self, index: int, objective: float | None, *, ok: bool) -> None:
        choices = self._world.choices
        skewed = choices.strikes("skew", "machine of a point")
        skew = choices.seconds(_BEHIND, _AHEAD, "machine of a point") if skewed else 0.0
        now = self._world.scheduler.now
        left = Left(now, round((now + skew) * 1000), index, ok, objective)
        wave = self._plan["wave"]
        name = Result(left.told_ms, wave, self._attempt, index, ok, 1, objective).name
        if choices.strikes("result-malformed", "a point"):
            self._put(name, choices.among(_MALFORMED, "body"))
            self._note(Left(now, left.told_ms, index, ok, objective, readable=False))
        else:
            body = {"parameters": {"lr": 0.1}, "reason": "", "commit": None}
            self._put(name, json.dumps(body).encode())
            self._note(left)

    def _stray(self, index: int) -> None:
        now = self._world.scheduler.now
        pattern = self._world.choices.among(_STRAYS, "beside a point")
        at_ms = round(now * 1000) + 1
        self._put(pattern.format(at_ms=at_ms, attempt=self._attempt, index=index), b"{}")
        if pattern == _NO_NUMBER:
            self._note(Left(now, at_ms, index, ok=True, objective=None))

    def _put(self, name: str, body: bytes) -> None:
        key = f"{self._place.results}{name}"
        self._world.s3.put_object(Bucket=self._bucket, Key=key, Body=body)
        self._world.trace.say("point", f"of {self.job_id} stores {name}")

    def _note(self, left: Left) -> None:
        attempt = (self._parameters["runId"], self._attempt)
        self._world.ledger.left.setdefault(attempt, []).append(left)
        self._world.count("results of points")
