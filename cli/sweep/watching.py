"""What a sweep hears: the jobs of its waves, their ends, and the results of their points.

One look costs one DescribeJobs for up to a hundred open waves and one listing of new results; a
record is read while its wave has no job yet, once a minute while nothing of the wave has started,
and once when it ends.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cli.sweep.lines import Line
from cli.sweep.machine_time import spent
from cli.sweep.progress import Progress
from cli.sweep.waiting import Waiting
from cli.sweep.waves import Ended, Wave
from shared.errors import Rejected
from shared.events import RunId
from shared.points import most_results
from shared.runs import Run
from shared.sweep_results import Listed


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

    def results(self, after: str | None, most: int) -> Listed:
        """Keys and results since a key was seen, some of before that as well; all with None.

        Of `most` objects or so, or it is `cut`.
        """

    def again(self, wave: Wave, line: Line) -> bool:
        """Ask once more for the run of a rejected wave; False if its line now asks otherwise."""


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
    _cut: bool = False
    _began: datetime | None = None
    _waiting: Waiting = field(default_factory=Waiting)

    def open(self) -> list[Wave]:
        """The waves that are not over."""
        return [wave for wave in self.waves.values() if not wave.over]

    def look(self) -> None:
        """Take in what is new.

        Raises:
            Unavailable: AWS failed in between; the next look takes in the rest.
            Rejected: the stack rejected a wave, as it would the next one; its points wait.

        """
        now = self.progress.clock()
        self._began = self._began or now
        over = self._find_jobs()
        jobs = {wave.job_id: wave for wave in self.open() if wave.job_id is not None}
        told = self.stack.describe(list(jobs)) if jobs else {}
        for job_id, wave in jobs.items():
            parent = told.get(job_id)
            if parent is not None:
                wave.counts = parent.counts
                wave.cost.look(wave.counts.get("RUNNING", 0), now)
                if self._waiting.is_long(wave, now):
                    self._tell_why_it_waits(wave)
            # Batch forgets a job after seven days, and may not show yet one that is new.
            if parent.over if parent is not None else self._is_final(wave):
                over.append(wave)
        if jobs or over or (self._seen is None and self.waves):
            self._listen(self._seen)
        self.close(over)
        self.progress.seconds = spent(wave.cost for wave in self.waves.values())

    def close(self, over: Sequence[Wave]) -> None:
        """End waves whose jobs are over, once every result that there is was read."""
        if any(wave.open for wave in over):
            self._listen(None)
        for wave in over:
            run = self.stack.record(wave.run_id)
            self._hear_stop(wave, run)
            if wave.open:
                self._give_up(wave, run)
            wave.over = True
            self.trace.over(wave)

    def _find_jobs(self) -> list[Wave]:
        """Ask for the jobs of waves that have none yet; the waves that will never have one."""
        over = []
        for wave in self.open():
            if wave.job_id is not None or not wave.sent:
                continue
            run = self.stack.record(wave.run_id)
            self._hear_stop(wave, run)
            if run is None:
                wave.sent = False  # nobody has made the record: ask again
            elif run.job is not None and run.job.id is not None:
                wave.job_id = run.job.id
            elif run.final and (run.state != "rejected" or not self._asked_again(wave, run)):
                over.append(wave)
        return over

    def _asked_again(self, wave: Wave, run: Run) -> bool:
        """Whether a rejected wave was asked for again; where it was not, it is over.

        Whoever takes a sweep up has mended what it was rejected for, or hears the reason once more.
        """
        if wave.stopping:
            return False
        if not wave.taken_up:
            message = f"wave {wave.number} was rejected: {run.reason}"
            raise Rejected(message)
        # Should the request be lost on its way, whoever sends the wave makes it again.
        wave.sent = False
        # What runs may ask otherwise is another run: its points go out in a new wave.
        wave.stopping = not self.stack.again(wave, self.lines[wave.line])
        wave.taken_up = False
        return not wave.stopping

    def _hear_stop(self, wave: Wave, run: Run | None) -> None:
        """Note that the run was to stop; whoever asked for it since then means the whole sweep."""
        stop = None if run is None else run.stop_asked
        if stop is None or wave.stopping:
            return
        wave.stopping = True
        if self._began is not None and stop.at >= self._began:
            self.stopped_elsewhere = True

    def _tell_why_it_waits(self, wave: Wave) -> None:
        run = self.stack.record(wave.run_id)
        if run is None or run.blocked is None:
            return
        if self._waiting.is_news(run.blocked.reason):
            self.say(f"wave {wave.number}: nothing has started: {run.blocked.reason}")

    def _is_final(self, wave: Wave) -> bool:
        run = self.stack.record(wave.run_id)
        return run is not None and run.final

    def _listen(self, after: str | None) -> None:
        news: dict[int, dict[int, Ended]] = {}
        most = most_results(sum(len(wave.points) for wave in self.waves.values()))
        listed = self.stack.results(after, most)
        if listed.cut and not self._cut:
            self._cut = True
            self.say(
                f"not all results are read: the sweep has left more than {most:,} objects where "
                "they are, and its points leave fewer"
            )
        for key, result in listed:
            self._seen = max(self._seen or key, key)
            wave = self.waves.get(result.wave)
            if wave is None:
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

    def _give_up(self, wave: Wave, run: Run | None) -> None:
        """End the points of which nothing will come any more, and say why."""
        line = self.lines[wave.line]
        lost = wave.close(self._span(run, line.plan.time_limit_seconds))
        for index, ended in lost.items():
            line.hear(wave.number, index, wave.points[index], ended, None)
        self.trace.ended(wave, lost)
        what = "were stopped" if wave.stopping else "left no result"
        why = f": {run.reason}" if run is not None and run.reason else ""
        self.say(f"wave {wave.number}: {len(lost)} of {len(wave.points)} points {what}{why}")

    def _span(self, run: Run | None, limit: int | None) -> float:
        """The most seconds that a point of a wave can have run that is over."""
        if run is None or run.started_at is None:
            return 0.0
        ended = run.stopped_at or self.progress.clock()
        span = max(0.0, (ended - run.started_at).total_seconds())
        return span if limit is None else min(span, limit)
