"""A run while it goes on: what changed since the last look, and what it has said since."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cli.patience import Patience
from cli.runs.logs import Log
from cli.runs.machines import place
from cli.runs.wording import how_far, moment, name, took
from shared.runs import Run


@dataclass
class JobLog:
    """What a run says, over all its tries: each has a stream, which `open_stream` opens.

    `tail`: only so many of the last lines, of the try that is found first.
    """

    open_stream: Callable[[str, int | None], Log]
    tail: int | None = None
    found: bool = False
    _stream: str | None = None
    _log: Log | None = None

    def lines(self, run: Run) -> Iterator[Sequence[str]]:
        """What it has said since the last time, by pages; after a failure, called again, the rest.

        Raises:
            Unavailable: where the log is failed, for now.

        """
        where = run.job or run.machine
        stream = where.log_stream if where is not None else None
        if stream is not None and stream != self._stream:
            yield from self.rest()  # of the try before
            tail = self.tail if self._stream is None else None
            self._stream, self._log = stream, self.open_stream(stream, tail)
        if self._log is not None:
            yield from self._log.read()
            self.found = self.found or self._log.found

    def rest(self) -> Iterator[Sequence[str]]:
        """What is left when it says no more."""
        return iter(()) if self._log is None else self._log.rest()


@dataclass(frozen=True)
class Pace:
    """How often a run is looked at, and for how long its log is read when it is over.

    CloudWatch shows lines some seconds after they were said.
    """

    seconds: float = 2.0
    late_seconds: float = 6.0
    sleep: Callable[[float], None] = time.sleep


def follow(
    look: Callable[[], Run], log: JobLog | None, pace: Pace
) -> Iterator[tuple[Run, Sequence[str]]]:
    """The run again and again, and each page of what its job says, until it is over.

    What is unavailable is asked again after the next pause.
    """
    patience = Patience(lambda: pace.sleep(pace.seconds))

    def pages(run: Run) -> Iterator[tuple[Run, Sequence[str]]]:
        said = () if log is None else patience.read(lambda: log.lines(run))
        yield from ((run, page) for page in said)

    while True:
        run = patience.ask(look)
        yield run, ()
        yield from pages(run)
        if run.final:
            break
        pace.sleep(pace.seconds)
    if log is None:
        return
    quiet = 0.0
    while quiet < pace.late_seconds:
        pace.sleep(pace.seconds)
        quiet += pace.seconds
        for late in pages(run):
            quiet = 0.0
            yield late
    yield from ((run, page) for page in patience.read(log.rest))


@dataclass
class Changes:
    """The changes of a run's record, each told once."""

    _told: set[tuple[int, str]] = field(default_factory=set)

    def new(self, run: Run) -> Iterator[str]:
        """A line for each change since the last look, the oldest first, with its time."""
        for when, words in sorted(_happened(run), key=lambda change: change[0]):
            if (run.attempt, words) not in self._told:
                self._told.add((run.attempt, words))
                yield f"{moment(when)}  {words}"


def _happened(run: Run) -> Iterator[tuple[datetime, str]]:
    again = f", attempt {run.attempt}" if run.attempt > 1 else f" by {name(run.pushed_by)}"
    which_try = f", try {run.try_number}" if run.try_number > 1 else ""
    yield run.requested_at, f"requested{again}"
    if run.submitted_at is not None:
        yield run.submitted_at, f"submitted{_whither(run)}"
    if run.state == "submitted" and which_try:
        yield run.updated_at, f"submitted{which_try}: {run.reason}"
    if run.blocked is not None and not run.final:
        yield run.blocked.since, f"waits: {run.blocked.reason}"
    if run.started_at is not None:
        yield run.started_at, f"running{which_try}"
    if run.stop_asked is not None:
        yield run.stop_asked.at, f"stop asked by {run.stop_asked.by}: {run.stop_asked.why}"
    if run.progress is not None:
        yield run.progress.looked_at, how_far(run) or ""
    if run.final:
        yield run.stopped_at or run.updated_at, ended(run)


def _whither(run: Run) -> str:
    if run.machine is not None:
        return f" {place(run.machine)}"
    return "" if run.job is None else f" as {run.job.name}"


def ended(run: Run, longest: int | None = None) -> str:
    """How an attempt ended, in words; `longest`: only so many characters of the reason."""
    after = took(run)
    words = f"{run.state}{f' after {after}' if after else ''}"
    if not run.reason:
        return words
    cut = longest is not None and len(run.reason) > longest
    return f"{words}: {run.reason[:longest]}{'…' if cut else ''}"
