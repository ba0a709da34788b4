"""A small true model of what a sweep talks to: records, Batch, S3, in memory, with virtual time.

Points take the time that they are told to take, on as many workers as there are; they leave results
as children do. Any call may be cut off, before or after it has done its work.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cli.sweep.config import Plan
from cli.sweep.engine import Answer, Engine
from cli.sweep.engine import Outcome as Ending
from cli.sweep.lines import Line
from cli.sweep.noting import Notes, remembered
from cli.sweep.progress import Progress, Snapshot
from cli.sweep.resuming import lines
from cli.sweep.sending import asked_for, request_id
from cli.sweep.trace import Trace
from cli.sweep.trace_state import Target
from cli.sweep.watching import Parent, Watch
from cli.sweep.waves import Wave
from shared.events import Job, RunId
from shared.points import Place, Result
from shared.runs import Blocked, Run, ask_again, ask_stop, finish, new_run, request_run_id
from shared.space import Point
from shared.sweep_results import Listed
from tests.fakes import Crash
from tests.samples import COMMIT, NAMES, NOW, REPOSITORY

SWEEP_ID = "4f2a77c1d0ab"
PLACE = Place(REPOSITORY.slug, SWEEP_ID)


@dataclass(frozen=True)
class Outcome:
    """What a point will come to: `fails` times it fails first, and `vanishes` leaves nothing."""

    objective: float | None = None
    seconds: float = 10
    fails: int = 0
    vanishes: bool = False


@dataclass
class _Batch:
    """A job, its children by index: when they end, and how."""

    wave: int
    open: set[int]
    began: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)


class World:
    """The stack. `comes_to` says what becomes of a point; time passes by `advance` alone."""

    def __init__(self, comes_to: Callable[[Point], Outcome], workers: int = 10_000) -> None:
        self.now = NOW
        self.comes_to = comes_to
        self.runs: dict[RunId, Run] = {}
        self.executions: Counter[tuple[int, int]] = Counter()
        self.calls: Counter[str] = Counter()
        self.described: list[int] = []
        self.most_in_flight = 0
        self.retries: dict[int, int] = {}
        self._crash_at: int | None = None
        self._away: list[Exception] = []
        self._refusal: str | None = None
        self._blocked: str | None = None
        self._lists: dict[int, list[Point]] = {}
        self._jobs: dict[str, _Batch] = {}
        self._waiting: list[tuple[str, int]] = []
        self._ends: list[tuple[datetime, str, int, int]] = []
        self._free = workers
        self._results: dict[str, Result] = {}

    # What a sweep calls.

    def run_id(self, number: int) -> RunId:
        return request_run_id(NAMES.stack, request_id(SWEEP_ID, number))

    def send(self, wave: Wave, line: Line) -> None:
        self._call("send")
        self._lists[wave.number] = list(wave.points)
        asked = asked_for(line.plan, SWEEP_ID, wave, 10)
        run = new_run(wave.run_id, asked, self.now, repository=REPOSITORY, commit=COMMIT)
        if wave.run_id not in self.runs:
            self.runs[wave.run_id] = run
            self.retries[wave.number] = line.plan.retries
        self._step()

    def record(self, run_id: RunId) -> Run | None:
        self._call("record")
        return self.runs.get(run_id)

    def describe(self, job_ids: Sequence[str]) -> Mapping[str, Parent]:
        self._call("describe")
        self.described.append(len(job_ids))
        return {job_id: self._parent(self._jobs[job_id]) for job_id in job_ids}

    def results(self, after: str | None, most: int) -> Listed:
        self._call("results")
        since = "" if after is None else after
        return Listed(sorted((k, r) for k, r in self._results.items() if k >= since)[:most])

    def stop(self, wave: Wave, why: str) -> None:
        self._call("stop")
        self._stop(wave.run_id, why)
        self._step()

    def again(self, wave: Wave, line: Line) -> bool:
        self._call("again")
        run = self.runs[wave.run_id]
        if run.asked != asked_for(line.plan, SWEEP_ID, wave, 10):
            return False
        self.runs[wave.run_id] = ask_again(run, self.now)
        self._step()
        return True

    # What a test does.

    def advance(self, seconds: float) -> None:
        """Let time pass: runs are submitted, points begin and end."""
        until = self.now + timedelta(seconds=seconds)
        self._submit()
        self._begin()
        while self._ends and self._ends[0][0] <= until:
            self.now, job_id, index, tried = heapq.heappop(self._ends)
            self._end(job_id, index, tried)
            self._begin()
        self.now = until
        self._finish()

    def crash_at(self, call: int | None) -> None:
        """Cut the process off at its so manieth step: before a call, or after what it has done."""
        self._crash_at = call

    def away(self, *errors: Exception) -> None:
        """Let the next calls fail."""
        self._away += errors

    def stop_all(self) -> None:
        """Stop what runs, as `sweep stop` does from elsewhere."""
        for run_id, run in self.runs.items():
            if not run.final:
                self._stop(run_id)

    def block(self, reason: str) -> None:
        """Let Batch have no machine for what waits, and the records say so."""
        self._free = 0
        self._blocked = reason

    def refuse(self, reason: str | None) -> None:
        """Let the submitter reject what it is asked for from now on; None: no more."""
        self._refusal = reason

    # How it works.

    def _stop(self, run_id: RunId, why: str = "no reason") -> None:
        self.runs[run_id] = ask_stop(self.runs[run_id], "somebody", why, self.now)
        job_id = f"job-{run_id}"
        if job_id in self._jobs:
            job = self._jobs[job_id]
            job.failed |= job.open - job.began
            job.open &= job.began
        self._waiting = [one for one in self._waiting if one[0] != job_id]

    def _submit(self) -> None:
        for run_id, run in self.runs.items():
            if run.state != "requested" or run.asked.sweep is None:
                continue
            if self._refusal is not None:
                named = run.changed(job=Job(name="n", queue="q", definition="d"))
                self.runs[run_id] = finish(named, "rejected", self._refusal, self.now)
                continue
            job_id, sweep = f"job-{run_id}", run.asked.sweep
            job = Job(name=job_id, queue="q", definition="d", id=job_id)
            blocked = Blocked(reason=self._blocked, since=self.now) if self._blocked else None
            self.runs[run_id] = run.changed(state="submitted", job=job, blocked=blocked)
            self._jobs[job_id] = _Batch(sweep.wave, set(range(sweep.size)))
            self._waiting += [(job_id, index) for index in range(sweep.size)]

    def _begin(self) -> None:
        while self._waiting and self._free:
            job_id, index = self._waiting.pop(0)
            self._free -= 1
            self._jobs[job_id].began.add(index)
            run = self.runs[RunId(job_id.removeprefix("job-"))]
            self.runs[run.run_id] = run.changed(started_at=run.started_at or self.now)
            self._start(job_id, index, 1)
        flying = sum(len(job.open) for job in self._jobs.values())
        self.most_in_flight = max(self.most_in_flight, flying)

    def _start(self, job_id: str, index: int, tried: int) -> None:
        wave = self._jobs[job_id].wave
        outcome = self.comes_to(self._lists[wave][index])
        end = self.now + timedelta(seconds=outcome.seconds)
        heapq.heappush(self._ends, (end, job_id, index, tried))

    def _end(self, job_id: str, index: int, tried: int) -> None:
        job = self._jobs[job_id]
        self.executions[job.wave, index] += 1
        outcome = self.comes_to(self._lists[job.wave][index])
        ok = tried > outcome.fails and not outcome.vanishes
        if not outcome.vanishes:
            at_ms = round(self.now.timestamp() * 1000)
            value = outcome.objective if ok else None
            result = Result(at_ms, job.wave, 1, index, ok, round(outcome.seconds), value)
            self._results[PLACE.results + result.name] = result
        if not ok and tried <= self.retries[job.wave]:
            self._start(job_id, index, tried + 1)
            return
        self._free += 1
        job.open.discard(index)
        if not ok:
            job.failed.add(index)

    def _finish(self) -> None:
        for run_id, run in self.runs.items():
            job = self._jobs.get(f"job-{run_id}")
            if job is not None and not job.open and not run.final:
                state = "stopped" if run.stop_asked else "failed" if job.failed else "succeeded"
                self.runs[run_id] = run.changed(state=state, stopped_at=self.now)

    def _parent(self, job: _Batch) -> Parent:
        running = sum(1 for index in job.open if index in job.began)
        return Parent(not job.open, {"RUNNING": running, "RUNNABLE": len(job.open) - running})

    def _call(self, operation: str) -> None:
        self.calls[operation] += 1
        self._step()
        if self._away:
            raise self._away.pop(0)

    def _step(self) -> None:
        if self._crash_at is not None:
            self._crash_at -= 1
            if self._crash_at <= 0:
                self._crash_at = None
                raise Crash


@dataclass
class Screen:
    """What was shown and said."""

    said: list[str] = field(default_factory=list)
    last: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        self.last = snapshot

    def say(self, line: str) -> None:
        self.said.append(line)


@dataclass
class Clock:
    """Pauses that let the world's time pass; `answers` come at the pauses of these numbers."""

    world: World
    seconds: float = 2
    answers: Mapping[int, Answer] = field(default_factory=dict)
    pauses: int = 0

    def __call__(self) -> Answer | None:
        self.pauses += 1
        assert self.pauses < 20_000
        self.world.advance(self.seconds)
        return self.answers.get(self.pauses)

    def now(self) -> datetime:
        return self.world.now.astimezone(UTC)


@dataclass
class Sweep:
    """A sweep on a world: its plans, and what outlives a process."""

    world: World
    plans: Sequence[Plan]
    path: Path
    budget: float | None = None
    screen: Screen = field(default_factory=Screen)

    def run(self, answers: Mapping[int, Answer] | None = None, seconds: float = 2) -> Ending:
        """A process that takes the sweep up, to its end, or until it is cut off."""
        targets = [Target(SWEEP_ID, plan.fingerprint()) for plan in self.plans]
        with Trace.open(self.path, targets) as trace:
            waves = remembered(trace.state)
            clock = Clock(self.world, seconds, answers or {})
            progress = Progress(clock.now)
            watch = Watch(
                lines=[],
                waves=waves,
                stack=self.world,
                trace=Notes(trace),
                progress=progress,
                heard=lambda _line: None,
                say=self.screen.say,
            )
            watch.lines = lines(self.plans, waves, trace.state.finished, progress)
            engine = Engine(
                watch=watch,
                waves=waves,
                stack=self.world,
                trace=Notes(trace),
                display=self.screen,
                progress=progress,
                pause=clock,
                budget_seconds=self.budget,
            )
            return engine.run()
