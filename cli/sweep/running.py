"""A sweep from its first wave to its summary, watched on the way."""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

import click

from cli.asking import reaching
from cli.console import console
from cli.endings import INTERRUPTED, NotSuccessful
from cli.sweep import resuming
from cli.sweep.display import Display, display
from cli.sweep.engine import Answer, Engine, Outcome
from cli.sweep.keeping import Keeping
from cli.sweep.lines import Line
from cli.sweep.noting import Notes, remembered
from cli.sweep.pausing import Pauses, answered
from cli.sweep.preparing import Prepared
from cli.sweep.progress import Progress
from cli.sweep.sending import StackWaves
from cli.sweep.summary import failures, summary
from cli.sweep.trace import Trace
from cli.sweep.watching import Watch
from cli.sweep.waves import Wave
from shared.best import BestResults
from shared.points import Place

_LOCAL_SECONDS, _AWS_SECONDS = 2.0, 10.0


def run(prepared: Prepared, trace: Trace, resume: str) -> None:
    """Go on with a sweep until its end, or until somebody leaves it; `resume` is how to go on.

    Raises:
        NotSuccessful: more points failed than are tolerated, or some were stopped or not sent.
        SystemExit: somebody interrupted, and left the jobs running.
        click.ClickException: it cannot go on; what runs goes on running.

    """
    begun = time.monotonic()
    with ExitStack() as ends:
        trace.begin(prepared.targets)
        waves, progress = remembered(trace.state), Progress()
        with reaching("taking the sweep up"):
            lines = resuming.lines(prepared.plans, waves, trace.state.finished, progress)
        title = f"{prepared.plans[0].name} {prepared.sweep_id}"
        shown = ends.enter_context(display(console, title))
        keeping = _keeping(prepared, waves, shown)
        stack = _stack(prepared)
        pauses = Pauses(_longest(prepared), lambda: _ask(shown))
        ends.enter_context(pauses.listening())
        watch = Watch(
            lines=lines,
            waves=waves,
            stack=stack,
            trace=Notes(trace),
            progress=progress,
            heard=lambda line: keeping.heard(line, lines.index(line)),
            say=shown.say,
        )
        engine = Engine(
            watch=watch,
            waves=waves,
            stack=stack,
            trace=Notes(trace),
            display=shown,
            progress=progress,
            pause=pauses,
            budget_seconds=max((p.budget_seconds or 0 for p in prepared.plans), default=0) or None,
        )
        try:
            with reaching("watching the sweep"):
                outcome = engine.run()
                held = [keeping.last(line, place) for place, line in enumerate(lines)]
        except BaseException:
            shown.say(f"what runs goes on running; to go on watching: {resume}")
            raise
    if outcome == "left":
        click.echo(f"the jobs go on; to watch them again: {resume}")
        sys.exit(INTERRUPTED)
    seconds = {"seconds": time.monotonic() - begun, "machine_seconds": progress.seconds}
    for text in summary(prepared, lines, held, outcome, **seconds):
        console.print(text, markup=False)
    _end(outcome, lines, resume)
    if keeping.refused:
        raise click.ClickException("; ".join(keeping.refused))


def _end(outcome: Outcome, lines: Sequence[Line], resume: str) -> None:
    bad = failures(lines)
    if bad:
        raise NotSuccessful(bad)
    if outcome != "complete":
        left = sum(line.size - line.asked + len(line.again) for line in lines)
        what = "was stopped" if outcome == "stopped" else "ended by its budget"
        message = f"the sweep {what} with {left:,} points left; to go on with them: {resume}"
        raise NotSuccessful(message)


def _stack(prepared: Prepared) -> StackWaves:
    return StackWaves(
        place=Place(prepared.source.repository.slug, prepared.sweep_id),
        bucket=prepared.deployed.output("DataBucket"),
        source=prepared.source,
        requests=prepared.requests,
        batch=prepared.account.client("batch"),
        s3=prepared.account.client("s3"),
    )


def _keeping(prepared: Prepared, waves: dict[int, Wave], shown: Display) -> Keeping:
    names = {plan.commit_table for plan in prepared.plans if plan.commit_table is not None}
    client = prepared.account.client("dynamodb") if names else None
    return Keeping(
        sweep_id=prepared.sweep_id,
        full_name=prepared.source.repository.full_name,
        commit=prepared.source.commit,
        waves=waves,
        tables={name: BestResults(client, name) for name in names},
        say=shown.say,
    )


def _longest(prepared: Prepared) -> float:
    return _LOCAL_SECONDS if prepared.account.local is not None else _AWS_SECONDS


def _ask(shown: Display) -> Answer | None:
    """What somebody wants who has pressed Ctrl-C; where nobody can be asked, the jobs are left."""
    if not (sys.stdin.isatty() and console.is_terminal):
        return "leave"
    with shown.paused():
        question = "leave the jobs running, stop them, or go on watching?"
        try:
            answer: Answer | None = click.prompt(
                f"{question} (leave, stop, go on)", default="leave", value_proc=answered
            )
        except (click.Abort, KeyboardInterrupt):
            return "leave"
    return answer
