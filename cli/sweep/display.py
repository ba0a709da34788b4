"""How far a sweep is, as people watch it: bars on a terminal, now and then a line in a pipe."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cli.shown import printable
from cli.sweep.engine import Shows
from cli.sweep.progress import LineShot, Snapshot
from cli.sweep.wording import best, counts, left, span

_LINE_SECONDS = 10.0
_BAR_WIDTH, _LEAST_BAR = 32, 8


class Display(Shows, Protocol):
    """Where a sweep is shown, which can step aside."""

    def paused(self) -> AbstractContextManager[object]:
        """Leave the terminal alone while the block runs."""


@dataclass
class Lines:
    """A line when something has changed, at most every 10 s; what is said comes at once."""

    console: Console
    clock: Callable[[], float] = time.monotonic
    _shown: str = ""
    _at: float = field(default=float("-inf"))

    def show(self, snapshot: Snapshot) -> None:
        """Print where the sweep is, if it is time to; its end is always told."""
        # That time passes is no change.
        line = "; ".join(_told(one) for one in snapshot.lines)
        ended = snapshot.done == snapshot.size
        if line == self._shown or (self.clock() - self._at < _LINE_SECONDS and not ended):
            return
        self._shown, self._at = line, self.clock()
        rest = left(snapshot)
        self._print(f"{line}; {rest}" if rest else line)

    def say(self, line: str) -> None:
        """Print a line."""
        self._print(line)

    def paused(self) -> AbstractContextManager[object]:
        """Nothing: a line is a line."""
        return nullcontext()

    def _print(self, line: str) -> None:
        self.console.print(printable(line), markup=False)


@dataclass
class Bars:
    """A bar per target, redrawn in place; what is said scrolls by above them."""

    live: Live
    title: str

    def show(self, snapshot: Snapshot) -> None:
        """Redraw the bars."""
        self.live.update(drawn(snapshot, self.title), refresh=True)

    def say(self, line: str) -> None:
        """Print a line above the bars."""
        self.live.console.print(f"  {escape(printable(line))}", style="yellow")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop drawing while the block runs."""
        self.live.stop()
        try:
            yield
        finally:
            self.live.start()


@contextmanager
def display(console: Console, title: str) -> Iterator[Display]:
    """Where a sweep is shown while the block runs."""
    if not console.is_terminal:
        yield Lines(console)
        return
    with Live(console=console, auto_refresh=False, vertical_overflow="visible") as live:
        yield Bars(live, title)


def drawn(snapshot: Snapshot, title: str) -> RenderableType:
    """A sweep at one moment: its bars, what is best, what it has cost and what is left."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, max_width=28, overflow="ellipsis")
    # What a narrow terminal has no room for is taken off the bar.
    grid.add_column(min_width=_LEAST_BAR, max_width=_BAR_WIDTH)
    grid.add_column(no_wrap=True)
    below = []
    several = len(snapshot.lines) > 1
    for line in snapshot.lines:
        name = printable(line.target or "") if several else ""
        grid.add_row(Text(f"  {name}" if name else "", style="bold"), _bar(line), _counts(line))
        if found := best(line):
            label = f"{name}: " if several else ""
            below.append(Text(f"  {label}{printable(found)}", style="cyan", overflow="ellipsis"))
    times = [f"{span(snapshot.machine_seconds)} of machine time", left(snapshot)]
    heading = Text.assemble(
        (f"  {printable(title)}", "bold"), ("   " + ", ".join(t for t in times if t), "dim")
    )
    for text in below:
        text.no_wrap = True
    return Group(heading, grid, *below)


def _bar(line: LineShot) -> ProgressBar:
    failing = line.tally["failed"] > 0
    return ProgressBar(
        total=line.size,
        completed=line.done,
        complete_style="yellow" if failing else "green",
        finished_style="yellow" if failing else "green",
    )


def _counts(line: LineShot) -> Text:
    text = Text(counts(line))
    text.highlight_regex(r"[0-9,]+ failed", "red")
    text.highlight_regex(r"[0-9,]+ running", "green")
    return text


def _told(line: LineShot) -> str:
    label = f"{line.target}: " if line.target else ""
    found = best(line)
    return f"{label}{counts(line)}" + (f", {found}" if found else "")
