"""The steps of a sweep as its trace has them, there and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import get_args

from cli.sweep.engine import Outcome
from cli.sweep.trace import Trace
from cli.sweep.trace_state import Finished, TraceState
from cli.sweep.waves import Ended, Verdict, Wave
from shared.events import RunId
from shared.points import Result

_VERDICTS: dict[str, Verdict] = {one: one for one in get_args(Verdict)}


@dataclass(frozen=True)
class Notes:
    """Writes a trace."""

    trace: Trace

    def asking(self, wave: Wave) -> None:
        """A wave is about to be sent."""
        self.trace.note(
            "wave", wave=wave.number, target=wave.line, points=wave.points, run_id=wave.run_id
        )

    def asked(self, wave: Wave) -> None:
        """A wave has its run."""
        self.trace.note("sent", wave=wave.number)

    def ended(self, wave: Wave, points: Mapping[int, Ended]) -> None:
        """Points of a wave have ended."""
        results = [_finished(one).as_json(index) for index, one in points.items()]
        self.trace.note("ended", wave=wave.number, results=results)

    def over(self, wave: Wave) -> None:
        """A wave is over."""
        self.trace.note("over", wave=wave.number)

    def finished(self, outcome: Outcome) -> None:
        """The sweep is at its end."""
        if self.trace.state.outcome != outcome:
            self.trace.note("finished", outcome=outcome)


def remembered(state: TraceState) -> dict[int, Wave]:
    """The waves as a trace tells of them."""
    waves = {
        number: Wave(
            number=number,
            line=one.target,
            points=one.points,
            run_id=RunId(one.run_id),
            sent=one.sent,
            over=one.over,
            taken_up=True,
        )
        for number, one in state.waves.items()
    }
    for (number, index), finished in state.finished.items():
        wave, ended = waves[number], _ended(finished)
        wave.ended[index] = ended
        if ended.key is None:
            wave.cost.lost += ended.seconds
        else:
            wave.cost.tell(ended.key, ended.seconds)
    return waves


def _finished(ended: Ended) -> Finished:
    return Finished(ended.verdict, ended.objective, ended.seconds, ended.key)


def _ended(finished: Finished) -> Ended:
    result = None if finished.key is None else Result.read(finished.key)
    verdict = _VERDICTS.get(finished.verdict, "failed")
    at = None if result is None else datetime.fromtimestamp(result.at_ms / 1000, UTC)
    return Ended(verdict, finished.objective, finished.seconds, at, finished.key)
