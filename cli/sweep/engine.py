"""The loop of a sweep: ask the searches for points, send them as waves, hear what came of them.

Whatever it is about to do it notes in the trace first, and each step does nothing when it is done
again. So the process may be killed at any place: the next one reads the trace, repeats the step
that was in the making, and goes on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from cli.sweep.lines import Line
from cli.sweep.progress import Progress, Snapshot
from cli.sweep.watching import NotesEnds, TellsOfWaves, Watch
from cli.sweep.waves import MOST_WAVES, Wave
from shared.errors import Rejected, Unavailable
from shared.events import RunId
from shared.space import Point

Outcome = Literal["complete", "left", "stopped", "budget", "hopeless"]
Answer = Literal["leave", "stop"]


class RunsWaves(TellsOfWaves, Protocol):
    """The stack, as far as a sweep needs it. Any of it may raise Unavailable."""

    def run_id(self, number: int) -> RunId:
        """The run that a wave is, or will be."""

    def send(self, wave: Wave, line: Line) -> None:
        """Store the list of a wave and ask for its run; nothing new if that was done before."""

    def stop(self, wave: Wave, why: str) -> None:
        """Stop the run of a wave, if there is one that is not over."""


class NotesSteps(NotesEnds, Protocol):
    """The trace."""

    def asking(self, wave: Wave) -> None:
        """A wave is about to be sent."""

    def asked(self, wave: Wave) -> None:
        """A wave has its run."""

    def finished(self, outcome: Outcome) -> None:
        """The sweep is at its end."""


class Shows(Protocol):
    """Where progress is shown."""

    def show(self, snapshot: Snapshot) -> None:
        """Show how far the sweep is."""

    def say(self, line: str) -> None:
        """Say something that is to stay."""


@dataclass
class Engine:
    """A sweep under way; `waves` are those of `watch`.

    `pause` waits until it is time to look again; it answers what to do if somebody interrupted,
    and wanted something else than to go on. `budget_seconds` are seconds of machine time, summed
    over all points.
    """

    watch: Watch
    waves: dict[int, Wave]
    stack: RunsWaves
    trace: NotesSteps
    display: Shows
    progress: Progress
    pause: Callable[[], Answer | None]
    budget_seconds: float | None = None
    _stopping: Outcome | None = None
    _given_up: set[int] = field(default_factory=set)

    def run(self) -> Outcome:
        """Go on until all points have ended, the budget is spent, or somebody says so.

        It ends as well where so many points of a target failed that the rest cannot mend it; other
        targets are gone on with.

        Raises:
            Rejected: the stack rejected a wave. Its points have not ended.

        """
        self._attempt(self.watch.look)
        while True:
            if self.watch.stopped_elsewhere and self._stopping is None:
                self._stopping = "stopped"
            self._watch_budget()
            self._watch_failures()
            self._attempt(self._submit if self._stopping is None else self._stop_open)
            self.display.show(self.progress.snapshot(self.watch.lines, self.watch.open()))
            if self._done():
                outcome = self._stopping or self._end_of_all()
                self.trace.finished(outcome)
                return outcome
            answer = self.pause()
            if answer == "leave":
                return "left"
            if answer == "stop" and self._stopping is None:
                self._stopping = "stopped"
            self._attempt(self.watch.look)

    def _done(self) -> bool:
        if self.watch.open():
            return False
        lines = self.watch.lines
        return self._stopping is not None or all(one.exhausted or one.hopeless for one in lines)

    def _end_of_all(self) -> Outcome:
        return "complete" if all(line.exhausted for line in self.watch.lines) else "hopeless"

    def _attempt(self, step: Callable[[], None]) -> None:
        """Take a step; what cannot be reached now is asked again after the next pause."""
        try:
            step()
        except Unavailable as error:
            self.display.say(f"{error}: trying again")

    def _submit(self) -> None:
        """Send what was noted and not sent, then what the searches propose."""
        for wave in self.watch.open():
            if not wave.sent:
                self._send(wave)
        for place, line in enumerate(self.watch.lines):
            while points := line.next_points():
                self._send(self._note(place, points))

    def _note(self, place: int, points: list[Point]) -> Wave:
        number = max(self.waves, default=0) + 1
        if number > MOST_WAVES:
            message = (
                f"this sweep has had {MOST_WAVES:,} waves, and their numbers end there: begin "
                "another one for the points that are left"
            )
            raise Rejected(message)
        wave = Wave(number, place, points, self.stack.run_id(number))
        self.trace.asking(wave)
        self.waves[number] = wave
        return wave

    def _send(self, wave: Wave) -> None:
        self.stack.send(wave, self.watch.lines[wave.line])
        wave.sent = True
        self.trace.asked(wave)

    def _watch_budget(self) -> None:
        spent, budget = self.progress.seconds, self.budget_seconds
        if budget is None or spent < budget or self._stopping is not None or self._done():
            return
        self._stopping = "budget"
        self.display.say(
            f"the budget of {budget:g} s of machine time is spent ({spent:.0f} s): "
            "nothing more is sent, and what still runs is stopped"
        )

    def _watch_failures(self) -> None:
        for place, line in enumerate(self.watch.lines):
            if not line.hopeless or place in self._given_up:
                continue
            self._given_up.add(place)
            label = f"{line.plan.target}: " if line.plan.target else ""
            self.display.say(
                f"{label}the first {line.tally['failed']:,} of {line.size:,} points failed, and "
                "none succeeded: nothing more is sent (tolerate: 100% sends all)"
            )

    def _stop_open(self) -> None:
        why = "its budget is spent" if self._stopping == "budget" else "the sweep was stopped"
        for wave in self.watch.open():
            if self.stack.record(wave.run_id) is None:
                # Noted, and never asked for: there is nothing to stop, and nothing to wait for.
                wave.stopping = True
                self.watch.close([wave])
            elif not wave.stopping:
                self.stack.stop(wave, why)
                wave.stopping = wave.sent = True
