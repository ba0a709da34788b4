"""The best results of a sweep, kept in the table of best results while it goes on.

Committed at the end and, so that a sweep of days that is cut off has not been for nothing, whenever
there is a better one, at most once a minute. To commit again what is there changes nothing.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cli.sweep.lines import Line
from cli.sweep.waves import Wave
from shared.best import Best, BestResults, merge
from shared.errors import Unavailable

_SECONDS = 60.0


@dataclass
class Keeping:
    """Where the best results go, table by table, and what is of interest of a sweep."""

    sweep_id: str
    commit: str | None
    waves: Mapping[int, Wave]
    tables: Mapping[str, BestResults]
    say: Callable[[str], None] = lambda _line: None
    clock: Callable[[], float] = time.monotonic
    _committed: dict[int, list[Best]] = field(default_factory=dict)
    _at: dict[int, float] = field(default_factory=dict)

    def heard(self, line: Line, place: int) -> None:
        """Keep the best of a target, if that is due; what fails is tried at the end again."""
        if self.clock() - self._at.get(place, float("-inf")) < _SECONDS:
            return
        self._at[place] = self.clock()
        try:
            self.keep(line, place)
        except Unavailable as error:
            self.say(f"{error}: the best results are committed later")

    def keep(self, line: Line, place: int) -> list[Best] | None:
        """Commit the best of a target; what its table then holds, None if there is no table.

        Raises:
            Unavailable: DynamoDB failed.
            Rejected: the table keeps this study for the other direction.

        """
        plan = line.plan
        if plan.commit_table is None:
            return None
        table, best = self.tables[plan.commit_table], self.best(line, place)
        target = plan.target or ""
        if not best:
            return table.read(target, plan.name)
        if best != self._committed.get(place):
            held = table.commit(target, plan.name, best, plan.nbest, plan.direction)
            self._committed[place] = best
            return held
        return table.read(target, plan.name)

    def best(self, line: Line, place: int) -> list[Best]:
        """The best points of a target in this sweep, the best first."""
        return merge((), self._of(place), line.plan.nbest, line.plan.direction)

    def _of(self, place: int) -> Sequence[Best]:
        return [
            Best(
                objective=ended.objective,
                parameters=dict(wave.points[index]),
                sweep_id=self.sweep_id,
                wave=wave.number,
                index=index,
                commit=self.commit,
                at=ended.at,
            )
            for wave in self.waves.values()
            if wave.line == place
            for index, ended in wave.ended.items()
            if ended.objective is not None and ended.at is not None
        ]
