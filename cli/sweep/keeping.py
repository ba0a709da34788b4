"""The best results of a sweep, kept in the table of best results while it goes on.

Committed at the end and, so that a sweep of days that is cut off has not been for nothing, whenever
there is a better one, at most once a minute. To commit again what is there changes nothing.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cli.sweep.config_plan import Plan
from cli.sweep.lines import Line
from cli.sweep.waves import Wave
from shared.best import Best, BestResults, merge
from shared.errors import Rejected, Unavailable

_SECONDS = 60.0


def shelf(plan: Plan, full_name: str) -> tuple[str, str]:
    """The target and the study under which a table has a plan's best results.

    The study names the objective: values of another one are not to be compared.
    """
    return plan.target or full_name, f"{plan.name} {plan.objective}"


@dataclass
class Keeping:
    """Where the best results go, table by table, and what is of interest of a sweep.

    `full_name` is that of its repository. `refused` are the reasons why something was not kept.
    """

    sweep_id: str
    full_name: str
    commit: str | None
    waves: Mapping[int, Wave]
    tables: Mapping[str, BestResults]
    say: Callable[[str], None] = lambda _line: None
    clock: Callable[[], float] = time.monotonic
    refused: list[str] = field(default_factory=list)
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
        except Rejected as error:
            self._refuse(error)

    def last(self, line: Line, place: int) -> list[Best] | None:
        """`keep`, at the end; what the table refuses is said, and changes nothing else."""
        try:
            return self.keep(line, place)
        except Rejected as error:
            self._refuse(error)
            return None

    def _refuse(self, error: Rejected) -> None:
        reason = f"the best results were not kept: {error}"
        if reason not in self.refused:
            self.refused.append(reason)
            self.say(reason)

    def keep(self, line: Line, place: int) -> list[Best] | None:
        """Commit the best of a target; what its table then holds, None if there is no table.

        Raises:
            Unavailable: DynamoDB failed.
            Rejected: the table keeps this study for the other direction, or has no room.

        """
        plan = line.plan
        if plan.commit_table is None:
            return None
        table, best = self.tables[plan.commit_table], self.best(line, place)
        target, study = shelf(plan, self.full_name)
        if not best:
            return table.read(target, study)
        if best != self._committed.get(place):
            held = table.commit(target, study, best, plan.nbest, plan.direction)
            self._committed[place] = best
            return held
        return table.read(target, study)

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
