"""What a report says of the stages of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from container.report_sections import Section, columns, count, row
from container.report_text import shown
from container.report_values import duration

_NAME = 80
_OUTCOMES = {"cached": "from the run cache"}
# Stages of which more is to be told come first where there are more than fit.
_ORDER = ("failed", "interrupted", "ran", "cached", "unchanged")
_MANY = 40


@dataclass(frozen=True)
class StageTime:
    """What became of a stage, and how many seconds it ran, if it did.

    `outcome` is "ran", "cached" (taken from the run cache), "unchanged", "failed" or "interrupted".
    """

    name: str
    outcome: str
    seconds: Optional[float]  # noqa: UP045 - Python 3.9 evaluates a field's type


def stages(times: Sequence[StageTime]) -> Section:
    """What became of the stages."""
    if not times:
        return Section("Stages", ("The log tells of no stage of DVC's.",))
    ended = [time.outcome for time in times]
    parts = [f"{ended.count(outcome)} {_word(outcome)}" for outcome in _ORDER if outcome in ended]
    listed = sorted(times, key=lambda time: _ORDER.index(time.outcome))
    rows = [
        row(
            shown(time.name, _NAME),
            f"**{time.outcome}**"
            if time.outcome in ("failed", "interrupted")
            else _word(time.outcome),
            "" if time.seconds is None else duration(time.seconds),
        )
        for time in (listed if len(times) > _MANY else times)
    ]
    return Section(
        "Stages",
        (f"{count(len(times), 'stage', 'stages')}: {', '.join(parts)}.",),
        columns("Stage", "Outcome", "Time", right=1),
        tuple(rows),
        "stages",
        "the log tells of them",
    )


def _word(outcome: str) -> str:
    return _OUTCOMES.get(outcome, outcome)
