"""The invariants of sweeps: what is said of their points is what these have left."""

from collections.abc import Iterable, Mapping
from typing import Any

from tests.simulation.ledger import Ledger, Left
from tests.simulation.models.batch import Batch
from tests.simulation.models.scope import Item
from tests.simulation.records import FINAL, Record, named
from tests.simulation.violations import Violation

# A target, and what was tuned.
Study = tuple[str, str]


class Sweeps:
    """What sweeps have said so far: the best values kept of each study, the best first.

    `_concluded` tells when each attempt was over, and when its figures were final (None: not yet).
    """

    def __init__(self, ledger: Ledger, batch: Batch) -> None:
        self._ledger = ledger
        self._batch = batch
        self._over: dict[tuple[str, int], float] = {}
        self._concluded: set[tuple[str, int]] = set()
        self._kept: dict[Study, list[float]] = {}

    def written(self, record: Record, now: float) -> None:
        """Look at a run's record that was written just now, `now`.

        Raises:
            Violation: what it says of its points is not true.

        """
        sweep, progress = record["asked"].get("sweep"), record.get("progress")
        attempt = (record["run_id"], record["attempt"])
        if sweep is None:
            return
        if record["state"] in FINAL:
            self._over.setdefault(attempt, now)
        if progress is None:
            return
        left, best = self._ledger.left.get(attempt, []), progress.get("best")
        if best is not None and float(best) not in {one.objective for one in left if one.ok}:
            text = f"{named(record)}: its best is {best}, which no point of it has left"
            raise Violation("sweep-best-is-true", text)
        if progress.get("complete") and attempt not in self._concluded:
            self._concluded.add(attempt)
            self._check_best(record, left, self._over.get(attempt, now))

    def _check_best(self, record: Record, left: list[Left], over: float) -> None:
        """See that the best of all is the best of what was stored when the run was over, or since.

        A second job of the attempt may store some while the report is written.
        """
        sweep, best = record["asked"]["sweep"], record["progress"].get("best")
        moments = [over, *(one.stored_at for one in left if one.stored_at > over)]
        true = [_best(left, until, sweep) for until in moments]
        if (None if best is None else float(best)) not in true:
            text = f"{named(record)}: its best is {best}, and the best of its points is {true[0]}"
            raise Violation("sweep-best-is-true", text)

    def kept(self, item: Item) -> None:
        """Look at what is kept of a study, which was written just now.

        Raises:
            Violation: it is worse than before, or nothing that a point has left.

        """
        study = (item["target"]["S"], item["study"]["S"])
        sign = _sign(item["direction"]["S"])
        entries: list[Any] = [one["M"] for one in item["best"]["L"]]
        values = [float(next(iter(one["objective"].values()))) for one in entries]
        for entry, objective in zip(entries, values, strict=True):
            place = (entry["sweep_id"]["S"], int(entry["index"]["N"]), objective)
            if place not in self._left():
                text = f"{study}: {objective} of point {place[1]} of {place[0][:8]}"
                raise Violation("best-was-left", f"{text}: it has left none such")
        before = self._kept.get(study, [])
        worse = [
            one for one, other in zip(values, before, strict=False) if sign * one < sign * other
        ]
        if worse or len(values) < len(before):
            raise Violation("best-never-worse", f"{study}: {before} has become {values}")
        self._kept[study] = values

    def _left(self) -> set[tuple[str, int, float | None]]:
        return {
            (run_id, one.index, one.objective)
            for (run_id, _), some in self._ledger.left.items()
            for one in some
            if one.ok and one.readable
        }

    def check_kept(self, record: Record, target: str) -> None:
        """See that the best of a sweep that was concluded is kept, or better ones are.

        Raises:
            Violation: it is not; or its figures are not those of its job.

        """
        attempt = (record["run_id"], record["attempt"])
        sweep = record["asked"].get("sweep")
        if attempt not in self._concluded or sweep is None:
            return
        self._check_figures(record)
        if sweep.get("objective") is None:
            return
        left = self._ledger.left.get(attempt, [])
        best = _best(left, self._over[attempt], sweep, readable=True)
        kept = self._kept.get((target, sweep["objective"]), [])
        sign = _sign(sweep["direction"])
        if best is not None and (not kept or sign * kept[0] < sign * best):
            raise Violation("best-is-kept", f"{named(record)}: {best} is not, but {kept}")

    def _check_figures(self, record: Record) -> None:
        job_id, progress = record["job"]["id"], record["progress"]
        children = self._batch.jobs.get(job_id, {}).get("arrayProperties")
        if children is None or job_id in self._ledger.forgotten or record["state"] == "stopped":
            return
        succeeded = children["statusSummary"].get("SUCCEEDED", 0)
        seen = (progress["succeeded"], progress["failed"])
        true = (succeeded, children["size"] - succeeded)
        if seen != true:
            text = f"{named(record)}: {seen} have succeeded and failed, in truth {true}"
            raise Violation("sweep-figures-are-true", text)


def _best(
    left: Iterable[Left], until: float, sweep: Mapping[str, Any], *, readable: bool = False
) -> float | None:
    """The best value of what was stored by then, if any; of each point the newest success counts.

    With `readable` those whose body says nothing are left out.
    """
    if sweep.get("objective") is None:
        return None
    points: dict[int, Left] = {}
    for one in left:
        known = points.get(one.index)
        if one.stored_at <= until and one.ok and (known is None or known.told_ms <= one.told_ms):
            points[one.index] = one
    values = [
        one.objective
        for one in points.values()
        if one.objective is not None and (one.readable or not readable)
    ]
    sign = _sign(sweep["direction"])
    return max(values, key=lambda one: sign * one, default=None)


def _sign(direction: str) -> int:
    return 1 if direction == "maximize" else -1
