"""What the watchdog does, by what it sees."""

from dataclasses import replace
from typing import Any

import pytest

from container.agent.decisions import END, FINISH, TELL, WAIT, Seen, decide
from container.agent.records import State, Terms

TERMS = Terms(
    name="m",
    instance="i-1",
    region="eu-west-1",
    max_seconds=3600,
    idle_seconds=600,
    afterwards="terminate",
    notify=None,
    finish_seconds=900,
    boot="now",
    ends_tick=5000,
    ends_at=0,
)
# One second after the time that stopping and storing may take, see `_TIMES`.
LATER = 60 + 900 + 15 + 1


def seen(phase: str | None = None, at: float = 2000, boot: str = "now", **other: Any) -> Seen:
    """A machine 3,000 seconds before its end; something was on it a minute ago."""
    afterwards = other.pop("afterwards", "terminate")
    state = None if phase is None else State("run", phase, afterwards, None, boot, at)
    usual = Seen(2000, "now", TERMS, state, held=False, active_at=1940)
    return replace(usual, **other)


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        # An experiment that goes on as it should.
        (seen("running", held=True, at=0), WAIT),
        (seen("begun"), WAIT),
        (seen("begun", held=True), WAIT),
        (seen("finishing", held=True), WAIT),
        (
            seen("over", afterwards="keep", terms=replace(TERMS, afterwards="keep"), active_at=0),
            WAIT,
        ),
        (seen("over", afterwards="keep"), WAIT),
        # Nobody has come yet, but may.
        (seen(), WAIT),
        (seen(active_at=0, terms=replace(TERMS, idle_seconds=None)), WAIT),
        (seen("over", boot="before"), WAIT),
        # A supervisor that is no more.
        (seen("begun", at=2000 - 31), FINISH),
        (seen("running"), FINISH),
        (seen("running", now=5500), FINISH),
        (seen("finishing"), FINISH),
        (seen("begun", boot="before"), FINISH),
        (seen("running", boot="before"), FINISH),
        (seen("finishing", boot="before", at=99999), FINISH),
        (seen("lost", boot=""), FINISH),
        # Nor can anybody finish for it.
        (seen("running", sent_at=1990), END),
        (seen("lost", boot="", sent_at=1990), END),
        (seen("running", held=True, sent_at=2000 - 916), END),
        # It finishes, and does not end.
        (seen("finishing", held=True, at=2000 - 916), END),
        (seen("over", held=True, at=2000 - 916), END),
        (seen("over"), END),
        (seen("over", afterwards="stop"), END),
        # Nobody came.
        (seen(active_at=1400), END),
        (seen("over", boot="before", active_at=1400), END),
        (seen("over", afterwards="keep", active_at=1400), END),
        # The time is over.
        (seen(now=5000, active_at=5000), END),
        (seen("over", afterwards="keep", now=5000), END),
        (seen("running", held=True, now=5000), TELL),
        (seen("running", held=True, now=5000, told=True), WAIT),
        (seen("finishing", held=True, now=5100, at=5001, told=True), WAIT),
        (seen("running", held=True, now=5000 + LATER, told=True), END),
        (seen("finishing", held=True, now=5000 + LATER, at=5900, told=True), END),
        (seen("running", now=5000 + LATER), END),
        (seen("lost", boot="", held=True, now=5000 + LATER), END),
    ],
)
def test_it_does(what: Seen, kind: str) -> None:
    assert decide(what).kind == kind


@pytest.mark.parametrize(
    ("what", "reason", "status"),
    [
        (seen("running"), "the agent was killed", "error"),
        (seen("begun", at=0), "the agent did not start", "error"),
        (seen("running", boot="b"), "the machine was started again meanwhile", "error"),
        (seen(active_at=0), "there was no experiment for 10 minutes", "error"),
        (
            seen(now=5000, active_at=5000),
            "the machine's time is over (1 h), and no experiment is on it",
            "completed",
        ),
        (seen("running", now=9000, held=True), "the machine's time is over (1 h)", "error"),
        # What it has to say was said when its experiment was over.
        (seen("over"), "", "error"),
        (seen("over", held=True, at=0), "", "error"),
    ],
)
def test_it_says_why(what: Seen, reason: str, status: str) -> None:
    step = decide(what)

    assert (step.reason, step.status) == (reason, status)
