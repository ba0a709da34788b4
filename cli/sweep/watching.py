"""What a sweep hears: the jobs of its waves, their ends, and the results of their points.

One look costs one DescribeJobs for up to a hundred open waves and one listing of new results; a
record is read while its wave has no job yet, and once more if the wave ends with points missing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cli.sweep.lines import Line
from cli.sweep.progress import Progress
from cli.sweep.waves import Ended, Wave
from shared.events import RunId
from shared.points import Result
from shared.runs import Run


@dataclass(frozen=True)
class Parent:
    """What Batch says of a wave's job: whether it is over, and how many children are where."""

    over: bool
    counts: Mapping[str, int]


class TellsOfWaves(Protocol):
    """The stack, as far as it is looked at. Any of it may raise Unavailable."""

    def record(self, run_id: RunId) -> Run | None:
        """A run's record."""

    def describe(self, job_ids: Sequence[str]) -> Mapping[str, Parent]:
        """The jobs that Batch knows, by id."""

    def results(self, after: str | None) -> list[tuple[str, Result]]:
        """Keys and results since a key was seen, some of before that as well; all with None."""


class NotesEnds(Protocol):
    """The trace, as far as it is told what was heard."""

    def ended(self, wave: Wave, points: Mapping[int, Ended]) -> None:
        """Points of a wave have ended."""

    def over(self, wave: Wave) -> None:
        """A wave is over."""


@dataclass
class Watch:
    """The open waves of a sweep, listened to.

    `heard` is called with each line that has new results, `say` with what somebody should read.
    """

    lines: Sequence[Line]
    waves: Mapping[int, Wave]
    stack: TellsOfWaves
    trace: NotesEnds
    progress: Progress
    heard: Callable[[Line], None]
    say: Callable[[str], None]
    stopped_elsewhere: bool = False
    _seen: str | None = None

    def open(self) -> list[Wave]:
        """The waves that are not over."""
        return [wave for wave in self.waves.values() if not wave.over]

    def look(self) -> None:
        """Take in what is new.

        Raises:
            Unavailable: AWS failed in between; the next look takes in the rest.

        """
        over = self._find_jobs()
        jobs = {wave.job_id: wave for wave in self.open() if wave.job_id is not None}
        told = self.stack.describe(list(jobs)) if jobs else {}
        for job_id, wave in jobs.items():
            parent = told.get(job_id)
            if parent is not None:
                wave.counts = parent.counts
            # Batch forgets a job after seven days, and may not show yet one that is new.
            if parent.over if parent is not None else self._is_final(wave):
                over.append(wave)
        if jobs or over:
            self._listen(self._seen)
        self.close(over)

    def close(self, over: Sequence[Wave]) -> None:
        """End waves whose jobs are over, once every result that there is was read."""
        if any(wave.open for wave in over):
            self._listen(None)
        for wave in over:
            if wave.open:
                self._give_up(wave)
            wave.over = True
            self.trace.over(wave)

    def _find_jobs(self) -> list[Wave]:
        """Ask for the jobs of waves that have none yet; the waves that will never have one."""
        over = []
        for wave in self.open():
            if wave.job_id is not None or not wave.sent:
                continue
            run = self.stack.record(wave.run_id)
            if run is None:
                wave.sent = False  # nobody has made the record: ask again
            elif run.job is not None and run.job.id is not None:
                wave.job_id = run.job.id
            elif run.final:
                over.append(wave)
        return over

    def _is_final(self, wave: Wave) -> bool:
        run = self.stack.record(wave.run_id)
        return run is not None and run.final

    def _listen(self, after: str | None) -> None:
        news: dict[int, dict[int, Ended]] = {}
        for key, result in self.stack.results(after):
            self._seen = max(self._seen or key, key)
            wave = self.waves.get(result.wave)
            if wave is None or wave.over:
                continue
            line = self.lines[wave.line]
            before = wave.ended.get(result.index)
            ended = wave.hear(key, result, line.plan.retries)
            if ended is not None:
                news.setdefault(wave.number, {})[result.index] = ended
                line.hear(wave.number, result.index, wave.points[result.index], ended, before)
                self.progress.hear(ended)
        for number, points in news.items():
            self.trace.ended(self.waves[number], points)
            self.heard(self.lines[self.waves[number].line])

    def _give_up(self, wave: Wave) -> None:
        """End the points of which nothing will come any more, and say why."""
        run = self.stack.record(wave.run_id)
        if run is not None and run.stop_asked is not None and not wave.stopping:
            wave.stopping = self.stopped_elsewhere = True
        line = self.lines[wave.line]
        lost = dict(wave.close())
        for index, ended in lost.items():
            line.hear(wave.number, index, wave.points[index], ended, None)
        self.trace.ended(wave, lost)
        what = "were stopped" if wave.stopping else "left no result"
        why = f": {run.reason}" if run is not None and run.reason else ""
        self.say(f"wave {wave.number}: {len(lost)} of {len(wave.points)} points {what}{why}")
