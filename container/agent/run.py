"""The supervisor: runs the experiment, finishes it, and shuts the machine down."""

from __future__ import annotations

import math
import signal
import time
from contextlib import nullcontext

from container.agent import clock, ending, finish, spot, watchdog
from container.agent.aws import client
from container.agent.bounded import bounded
from container.agent.experiment import Experiment, secret
from container.agent.finish import Outcome
from container.agent.locks import Lock
from container.agent.log import Log
from container.agent.place import rooted, say
from container.agent.processes import end, end_container
from container.agent.records import Order, Terms, order, state, terms, try_to_enter
from container.agent.stream import Stream

_POLL_SECONDS = 0.1
_SECRET_SECONDS = 60
# EC2 gives two minutes, in which log and results are to be stored as well. Less what may pass until
# it is asked.
_SPOT_SECONDS = 110
_SPOT_STOP_SECONDS = 30
# An experiment that ends like that was not asked to, even if we are at that very moment: it is
# done, or it was killed, as where memory runs out.
_OF_ITS_OWN = (0, 128 + signal.SIGKILL)


class Supervisor:
    """One experiment from its begin to its end. It is over when the machine has to go."""

    def __init__(self, order: Order, terms: Terms) -> None:
        self._order = order
        self._terms = terms
        self._asked_to_end = False
        self._why: str | None = None
        self._stop_seconds = terms.seconds("stop")
        self._gone_at = math.inf

    def run(self) -> None:
        """Run it, finish it, and ask the system to shut down."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask_to_end)
        order = self._order
        started_at, began = time.time(), clock.tick()
        try_to_enter("running", order, started_at)
        log, stream, code = None, None, None
        try:
            log = Log(rooted(order.log_path))
        except OSError as error:
            trouble: str | None = error.strerror or str(error)
        else:
            finish.report_running(order, started_at)
            stream = self._stream()
            code = self._experiment(log, stream)
            log.look()
            trouble = log.trouble
        outcome = Outcome(code, self._why, trouble, started_at, clock.tick() - began)
        if log and stream:
            line = f"cloud-runner: {_words(outcome)}\n".encode()
            log.write(line)
            stream.write(line)
        with log.reader() if log else nullcontext() as reader:
            finish.finish(
                order,
                self._terms,
                outcome,
                reader,
                stream.close if stream else None,
                gone_at=lambda: self._gone_at,
            )
        if order.afterwards == "keep":
            return
        if not self._asked_to_end:
            watchdog.keep()
        ending.shut_down()

    def _stream(self) -> Stream | None:
        order = self._order
        if not (order.log_group and order.log_stream):
            return None
        return Stream(lambda: client("logs", order.region), order.log_group, order.log_stream)

    def _experiment(self, log: Log, stream: Stream | None) -> int | None:
        def take(data: bytes) -> None:
            log.write(data)
            if stream:
                stream.write(data)

        try:
            variables = bounded(lambda: secret(self._order), _SECRET_SECONDS)
        except Exception as error:  # noqa: BLE001 - the experiment has failed, whatever it was
            self._stop(f"reading the secret: {type(error).__name__}: {error}")
            return None
        try:
            experiment = Experiment(self._order, variables, take)
        except (OSError, ValueError) as error:
            self._stop(f"starting the experiment: {error}")
            return None
        try:
            self._wait(experiment, log)
        finally:
            experiment.end()
        return experiment.code

    def _wait(self, experiment: Experiment, log: Log) -> None:
        spot.watch(self._terms.seconds("spot"), self._lose)
        limit = self._order.max_seconds
        began = looked = clock.tick()
        kill_at = None
        while experiment.code is None:
            now = clock.tick()
            self._hear()
            if limit is not None and now - began > limit:
                self._stop(f"it took longer than {limit:g} s")
            if self._why and kill_at is None:
                kill_at = now + self._stop_seconds
                experiment.stop()
            if kill_at is not None and now > kill_at:
                return
            if now - looked > self._terms.seconds("look"):
                looked = now
                log.look()
                if not self._asked_to_end:
                    watchdog.keep()
            time.sleep(_POLL_SECONDS)
        if experiment.code not in _OF_ITS_OWN:
            self._hear()

    def _stop(self, why: str) -> None:
        self._why = self._why or why

    def _lose(self, why: str) -> None:
        self._stop_seconds = min(self._stop_seconds, _SPOT_STOP_SECONDS)
        self._gone_at = clock.tick() + _SPOT_SECONDS
        self._stop(why)

    def _ask_to_end(self, _number: int, _frame: object) -> None:
        self._asked_to_end = True

    def _hear(self) -> None:
        """Whether SIGTERM has come: from the watchdog, or from a system that shuts down."""
        if not self._asked_to_end:
            return
        try:
            now = terms()  # they may have been set anew meanwhile
        except (OSError, ValueError):
            now = self._terms
        over = clock.tick() >= now.ends_tick
        self._stop(
            f"the machine's time is over ({now.hours})" if over else "the machine was shut down"
        )


def run() -> int:
    """Run what `begin` has stored; the supervisor's exit code."""
    lock = Lock("agent")
    if not lock.take():
        say("another supervisor runs")
        return 3
    ordered, at = order(), state()
    if at is None or (at.run_id, at.phase, at.boot) != (ordered.run_id, "begun", clock.boot()):
        say("nobody has begun this experiment")
        return 1
    Supervisor(ordered, terms()).run()
    return 0


def finish_for_another(why: str) -> int:
    """Finish what a supervisor, who is no more, has left; an exit code."""
    if not Lock("agent").take():
        return 3
    # The watchdog ends us if it takes too long.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ordered, at = order(), state()
    end(ordered.run_id)
    if ordered.docker:
        end_container(ordered.run_id)
    started_at = at.started_at if at else None
    seconds = 0.0 if started_at is None else max(0.0, time.time() - started_at)
    path = rooted(ordered.log_path)
    # Before it runs, what is there is the log of another experiment.
    ran = at is not None and at.phase != "begun" and path.is_file()
    with path.open("rb") if ran else nullcontext() as log:
        outcome = Outcome(None, why, None, started_at, seconds)
        finish.finish(ordered, terms(), outcome, log)
    if ordered.afterwards != "keep":
        ending.shut_down()
    return 0


def _words(outcome: Outcome) -> str:
    how = outcome.reason or f"exit code {outcome.exit_code}"
    return f"{how}, after {outcome.seconds:.0f} s"
