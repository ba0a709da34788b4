"""Where the best results of a sweep are kept, and what is said when they are not."""

from collections.abc import Sequence
from typing import Any

from cli.sweep.keeping import Keeping, shelf
from cli.sweep.lines import Line
from cli.sweep.strategies import open_strategy
from cli.sweep.waves import Ended, Wave
from shared.best import Best
from shared.errors import Rejected
from shared.events import RunId
from tests.samples import NOW
from tests.unit.test_sweep_engine import a_grid


class Table:
    """A table of best results that keeps nothing of a study for the other direction."""

    def __init__(self, refusal: str | None = None) -> None:
        self.kept: dict[tuple[str, str], Sequence[Best]] = {}
        self._refusal = refusal

    def commit(
        self, target: str, study: str, entries: Sequence[Best], nbest: int, direction: str
    ) -> list[Best]:
        del nbest, direction
        if self._refusal is not None:
            raise Rejected(self._refusal)
        self.kept[target, study] = entries
        return list(entries)


def a_line() -> tuple[Line, dict[int, Wave]]:
    plan = a_grid("depth=4", commit_table="best", name="friedman")
    line = Line(plan, open_strategy(plan))
    points = line.next_points()
    wave = Wave(1, 0, points, RunId("1"), ended={0: Ended("ok", 0.5, 1.0, NOW, "k")})
    return line, {1: wave}


def keeping(table: Any, waves: dict[int, Wave], said: list[str]) -> Keeping:
    return Keeping("4f2a", "team/friedman", None, waves, {"best": table}, said.append)


def test_without_a_target_the_repository_is_it_and_the_study_names_the_objective() -> None:
    line, waves = a_line()
    table = Table()
    keeping(table, waves, []).heard(line, 0)

    assert list(table.kept) == [("team/friedman", "friedman f1")]
    assert shelf(a_grid(target="cuda"), "team/friedman") == ("cuda", "sweep f1")


def test_what_the_table_refuses_is_said_once_and_ends_nothing() -> None:
    line, waves = a_line()
    said: list[str] = []
    best = keeping(Table("this study is to minimize f1"), waves, said)
    best.heard(line, 0)

    assert best.last(line, 0) is None
    assert said == ["the best results were not kept: this study is to minimize f1"]
    assert best.refused == said
