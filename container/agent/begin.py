"""Beginning an experiment: one at a time, under a watchdog, by a supervisor of its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from container.agent import arm, place, records, systemd, watchdog
from container.agent.locks import Lock
from container.agent.place import home, program
from container.agent.records import Order, parse
from container.agent.refusals import Busy, NotDone

_LOCK_SECONDS = 30
_POLL_SECONDS = 0.05
# What `setup` notes that it was told.
_PREPARED = ("docker", "git", "branch", "program_uri")
_UNIT = "cloud-runner-run.service"
# At shutdown it is asked first, while there is still a network, and is given time to finish. An
# experiment that memory runs out for ends alone, and nobody but a shutdown may stop it or start it
# again, as needrestart would for a newer library: systemd.unit, RefuseManualStop=.
_SERVICE = """[Unit]
Description=Cloud Runner: runs an experiment
After=network-online.target docker.service
RefuseManualStop=yes
[Service]
Environment={path}
ExecStart={command}
KillMode=mixed
TimeoutStopSec={seconds}
OOMPolicy=continue
StandardError=append:{log}
"""


def begin(told: Any) -> dict[str, Any]:
    """Start a supervisor for an order; it runs when this returns.

    Raises:
        Busy: there is an experiment.
        NotDone, OSError, ValueError: there is none, and none has begun.
    """
    ordered = parse(Order, told)
    if not ordered.argv:
        raise NotDone("the order has no program to run")
    if not Lock("begin").take(_LOCK_SECONDS):
        raise NotDone("another experiment is being begun")
    if Lock("watchdog").holder() is None:
        raise NotDone("no watchdog lives on this machine: arm it first")
    terms = records.terms()
    if arm.is_busy():
        state = records.state()
        raise Busy(state.run_id if state else "")
    _see_that_it_is_prepared(ordered.prepared or {})
    records.keep(ordered)
    records.enter("begun", ordered.run_id, ordered.afterwards)
    end = None
    try:
        end = _start(terms.finish_seconds + terms.seconds("stop"))
        _wait(terms.seconds("begin"))
    except BaseException:
        if end is not None:
            end()
        # None has begun: there is nothing to finish.
        (home() / "state.json").unlink(missing_ok=True)
        raise
    return {"begun": True}


def _see_that_it_is_prepared(wanted: Mapping[str, str | None]) -> None:
    """Nothing else than what was asked for may run, such as what somebody else has set up here."""
    needed = {name: wanted.get(name) for name in _PREPARED}
    if not any(needed.values()):
        return
    try:
        told = place.read("prepared.json") or {}
        there = {name: told.get(name) for name in _PREPARED}
    except (OSError, ValueError, AttributeError):
        there = {}
    if there != needed:
        # An address may hold a password.
        words = ", ".join(text.rpartition("@")[2] for text in needed.values() if text)
        raise NotDone(f"this machine is not set up for {words}: add the action setup")


def _wait(seconds: float) -> None:
    until = time.monotonic() + seconds
    while (state := records.state()) is None or state.phase == "begun":
        if time.monotonic() > until:
            raise NotDone(f"the supervisor does not start: {watchdog.tail(home() / 'run.log')}")
        time.sleep(_POLL_SECONDS)


def _start(stop_seconds: float) -> Callable[[], object]:
    """Start the supervisor; how to end it."""
    command = [sys.executable, program(), "run"]
    log = home() / "run.log"
    if not systemd.is_here():
        return watchdog.detach(command, log).kill
    words = {"command": " ".join(command), "seconds": round(stop_seconds), "log": log}
    systemd.start(_UNIT, _SERVICE.format(**words, path=systemd.path()))
    return lambda: systemd.ask("kill", "--signal=KILL", _UNIT)
