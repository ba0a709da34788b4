"""What comes after an experiment: storing, reporting, telling. No step can stop the next one."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TypeVar

from container.agent import archive, aws, clock, experiment
from container.agent.bounded import bounded
from container.agent.notify import notify
from container.agent.place import say
from container.agent.records import Order, Terms, try_to_enter
from container.agent.report import report
from container.agent.upload import NotStored

_T = TypeVar("_T")
# Of the time that there is for all of it.
_STORING = 0.65
_REPORTING = 1 / 15
_PAUSE = 1 / 60
# Of the time for storing: from then on nothing more is begun that can be large.
_HURRY = 0.75
# What the last of it takes, at the least, on a machine that is taken away.
_LAST_SECONDS = 30


@dataclass(frozen=True)
class Outcome:
    """How it went: what is None is not known, or was never there. `reason` says why it is wrong.

    The moments are by the wall clock, `seconds` is what it really took.
    """

    exit_code: int | None
    reason: str | None
    log_trouble: str | None
    started_at: float | None
    seconds: float

    @property
    def good(self) -> bool:
        """Whether the experiment itself was a success."""
        return self.exit_code == 0 and self.reason is None


def finish(
    order: Order,
    terms: Terms,
    outcome: Outcome,
    log: IO[bytes] | None,
    close_stream: Callable[[float], None] | None = None,
    *,
    gone_at: Callable[[], float] = lambda: math.inf,
) -> None:
    """Do all of it, in no more than `terms.finish_seconds`.

    `gone_at` tells the tick at which the machine is taken away: it may not be known yet.
    """
    began = clock.tick()
    stopped_at = time.time()
    try_to_enter("finishing", order, outcome.started_at)
    whole = terms.finish_seconds
    stored = _store(order, whole * _STORING, log, gone_at)
    if close_stream is not None:
        # It is sent all the time: this is its very end, and the archive has that, too.
        seconds = whole * _REPORTING
        _try("the end of the log", lambda: close_stream(seconds), seconds * 1.2)
    told = reason(outcome, stored)
    good = outcome.good and stored.whole
    _try(
        "the report",
        lambda: report(
            order,
            state="succeeded" if good else "failed",
            exit_code=outcome.exit_code,
            reason=told,
            archive=stored.address,
            started_at=outcome.started_at,
            stopped_at=stopped_at,
        ),
        whole * _REPORTING,
    )
    message = {
        "name": stored.name,
        "instance": order.instance,
        "status": "log unwritable" if outcome.log_trouble else "completed" if good else "error",
        "minutes": math.ceil(outcome.seconds / 60),
        "run_id": order.run_id,
        "exit_code": outcome.exit_code,
        "archive": stored.address,
        "reason": told if order.afterwards != "keep" else _kept(told, terms),
    }
    # What is left; something in any case.
    left = max(began + whole - clock.tick(), whole * _REPORTING)
    seconds = min(terms.seconds("notify"), left / 1.5)
    _try("the notification", lambda: notify(order.notify, message, seconds), seconds * 1.5)
    try_to_enter("over", order, outcome.started_at)


def report_running(order: Order, started_at: float) -> None:
    """Tell that the experiment runs; nobody waits for that."""
    threading.Thread(
        target=lambda: _try("the report", lambda: report(order, "running", started_at), 120),
        daemon=True,
    ).start()


def reason(outcome: Outcome, stored: Stored) -> str | None:
    """All that is wrong, in words; None if nothing is.

    >>> reason(Outcome(1, None, "Input/output error", 0, 1), Stored("a", None, None))
    'the log could not be written: Input/output error'
    """
    parts: list[str | None] = [
        outcome.reason,
        outcome.log_trouble and f"the log could not be written: {outcome.log_trouble}",
        stored.trouble and f"log and results are not stored: {stored.trouble}",
        f"no such results: {', '.join(stored.missing)}" if stored.missing else None,
        f"results left out: {'; '.join(stored.left_out)}" if stored.left_out else None,
    ]
    return "; ".join(filter(None, parts)) or None


def _kept(told: str | None, terms: Terms) -> str:
    """Nobody is to be surprised by a machine that goes on."""
    kept = f"the machine is kept until {clock.written(terms.ends_at, 'minutes')}"
    return kept if told is None else f"{told}; {kept}"


@dataclass(frozen=True)
class Stored:
    """The archive's name, and either its address or why it is not there.

    `missing` are the results that were asked for and are not there, `left_out` says what of the
    others could not be stored.
    """

    name: str
    address: str | None
    trouble: str | None
    missing: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether everything is stored that was to be."""
        return self.trouble is None and not self.missing and not self.left_out


def _store(
    order: Order, seconds: float, log: IO[bytes] | None, gone_at: Callable[[], float]
) -> Stored:
    name = order.name or time.strftime("%Y-%m-%d %Hh%M", time.gmtime())
    over = threading.Event()
    until = clock.tick() + seconds
    pause = seconds * _PAUSE
    hurry_at = until - seconds * (1 - _HURRY)

    def once() -> archive.Archive | None:
        try:
            return archive.store(
                aws.client("s3", order.region),
                order.bucket,
                archive.keys(order.prefix, name, order.run_id),
                log=None if log is None else (order.log_path.rsplit("/", 1)[-1], log),
                results=experiment.results(order),
                hurry=lambda: clock.tick() > min(hurry_at, gone_at() - _LAST_SECONDS),
                over=over,
            )
        except NotStored as error:
            if error.final or clock.tick() + pause > until:
                raise
            say(f"storing the archive: {error}")
            return None

    def store() -> archive.Archive:
        # The network may come back.
        while (stored := once()) is None:
            over.wait(pause)
        return stored

    missing, _ = _try("the results", lambda: tuple(experiment.missing(order)), seconds * _REPORTING)
    stored, trouble = _try("the archive", store, seconds)
    over.set()
    if stored is None:
        return Stored(name, None, trouble, missing or ())
    name = stored.address.rsplit("/", 1)[-1][: -len(".tar.gz")]
    return Stored(name, stored.address, None, missing or (), stored.left_out)


def _try(what: str, work: Callable[[], _T], seconds: float) -> tuple[_T | None, str | None]:
    """What the work returns, or why it does not."""
    try:
        return bounded(work, seconds), None
    except Exception as error:  # noqa: BLE001 - whatever it is, the next step is as important
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        say(f"{what}: {said}")
        return None, said
