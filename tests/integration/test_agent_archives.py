"""What the archive of an experiment holds, and what is said of what it does not hold."""

import math
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from container.agent import clock
from container.agent.finish import Outcome, finish
from container.agent.records import Order, Terms, parse
from tests.integration.agent_machine import (
    FINISH_SECONDS,
    Account,
    Machine,
    Notified,
    machine_in,
)


def test_results_that_are_not_there_make_a_success_an_error_that_says_which(
    machine: Machine,
) -> None:
    machine.begin("echo 0.9 > score", results_paths=["score", "outs", "/data/metrics.json"])
    told = machine.notice()
    final = machine.account.reports()[-1]["detail"]
    stored = machine.account.archive(told["archive"])
    why = "no such results: outs, /data/metrics.json"

    assert (told["status"], told["exit_code"], told["reason"]) == ("error", 0, why)
    assert (final["state"], final["exit_code"], final["reason"]) == ("failed", 0, why)
    assert stored["score"] == b"0.9\n"
    assert f"cloud-runner: {why}\n" in stored["experiment.log"].decode()
    assert f"cloud-runner: {why}" in machine.account.lines(f"remote/{machine.sandbox.root.name}")


def test_results_that_are_not_there_are_said_after_a_failure_too(machine: Machine) -> None:
    machine.begin("exit 3", results_paths=["out"])
    told = machine.notice()
    final = machine.account.reports()[-1]["detail"]

    assert (told["status"], told["exit_code"]) == ("error", 3)
    assert told["reason"] == final["reason"] == "no such results: out"


def test_after_a_killed_supervisor_results_that_are_not_there_are_said(machine: Machine) -> None:
    machine.begin("touch begun; sleep 1000", results_paths=["begun", "out"])
    machine.wait((machine.home / "work/begun").exists, "it does not begin")
    os.kill(machine.supervisor(), 9)
    told = machine.notice()

    assert told["reason"] == "the agent was killed; no such results: out"
    assert "begun" in machine.account.archive(told["archive"])


def test_a_link_among_the_results_is_stored_as_what_it_leads_to(machine: Machine) -> None:
    script = "mkdir -p runs/7; echo 0.9 > runs/7/score; ln -s runs/7 latest"
    machine.begin(script, results_paths=["latest"])
    told = machine.notice()

    assert told["status"] == "completed"
    assert machine.account.archive(told["archive"])["latest/score"] == b"0.9\n"


@pytest.fixture
def finishing(
    tmp_path: Path, account: Account, notified: Notified, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Machine]:
    """A machine without a watchdog, whose experiment this process finishes."""
    with machine_in(tmp_path, account, notified) as machine:
        for name, value in account.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("CLOUD_RUNNER_ROOT", os.fspath(machine.sandbox.root))
        (machine.home / "work").mkdir()
        (machine.home / "work/score").write_text("0.9")
        yield machine


def finished(
    machine: Machine,
    gone_in: float = math.inf,
    close_stream: Callable[[float], None] | None = None,
    results: Sequence[str] = ("score",),
) -> dict[str, Any]:
    """The notification of an experiment that was a success."""
    order = parse(Order, machine.order("", name="mine", results_paths=[*results]))
    terms = parse(Terms, machine.terms())
    outcome = Outcome(0, None, None, 0, 1)
    gone_at = clock.tick() + gone_in
    with tempfile.TemporaryFile() as log:
        finish(order, terms, outcome, log, close_stream, gone_at=lambda: gone_at)
    (told,) = machine.notified.received
    return told


class Clock:
    """The machine's clock: it has gone on by some seconds once a file is being read."""

    def __init__(self, file: Path, seconds: float) -> None:
        self._file = os.fspath(file.resolve())
        self._seconds = seconds
        self._jumped = False
        self._tick = clock.tick

    def tick(self) -> float:
        self._jumped = self._jumped or self._file in map(_opened, Path("/proc/self/fd").iterdir())
        return self._tick() + (self._seconds if self._jumped else 0)


def _opened(descriptor: Path) -> str:
    try:
        return os.fspath(descriptor.readlink())
    except FileNotFoundError:
        return ""  # another thread has closed it meanwhile


def test_results_that_are_too_large_for_the_time_do_not_take_the_log_with_them(
    finishing: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = finishing.home / "work"
    (work / "first").write_text("0.9")
    (work / "third").write_text("1")
    with (work / "second").open("wb") as hole:
        hole.truncate(4 * 1024**4)  # takes no place on the disk, and hours to be read
    # Of the time, 65 % are for storing; after three quarters of that nothing large is read on.
    reading = Clock(work / "second", 0.8 * 0.65 * FINISH_SECONDS)
    monkeypatch.setattr(clock, "tick", reading.tick)
    told = finished(finishing, results=["first", "second", "third"])
    final = finishing.account.reports()[-1]["detail"]
    stored = finishing.account.archive(told["archive"])

    assert told["status"] == "error"
    assert told["reason"] == "results left out: no time for second and what comes after it"
    assert (final["state"], final["reason"]) == ("failed", told["reason"])
    assert set(stored) == {"experiment.log", "first"}


def test_a_machine_that_is_taken_away_at_once_stores_its_log_alone(finishing: Machine) -> None:
    told = finished(finishing, gone_in=25)

    assert told["reason"] == "results left out: no time for score and what comes after it"
    assert set(finishing.account.archive(told["archive"])) == {"experiment.log"}


def test_a_machine_that_is_taken_away_soon_stores_what_there_is(finishing: Machine) -> None:
    told = finished(finishing, gone_in=80)

    assert told["reason"] is None
    assert set(finishing.account.archive(told["archive"])) == {"experiment.log", "score"}


def test_the_archive_is_there_before_anybody_waits_for_the_stream(finishing: Machine) -> None:
    there: list[str] = []

    def close(_seconds: float) -> None:
        there.extend(finishing.account.keys(finishing.sandbox.root.name))

    finished(finishing, close_stream=close)

    assert there == [f"{finishing.sandbox.root.name}/mine.tar.gz"]
