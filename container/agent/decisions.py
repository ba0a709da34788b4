"""What the watchdog does, by what it sees: nothing else goes into it."""

from __future__ import annotations

from dataclasses import dataclass

from container.agent.records import State, Terms

WAIT, TELL, FINISH, END = "wait", "tell", "finish", "end"
_DEAD = {
    "begun": "the agent did not start",
    "running": "the agent was killed",
    "finishing": "the agent was killed",
    "rebooted": "the machine was started again meanwhile",
    "lost": "the agent's notes cannot be read",
}


@dataclass(frozen=True)
class Seen:
    """What the watchdog sees of the machine. Moments are `clock.tick`s of this boot.

    `held`: a supervisor (or who finishes for one) lives; `told`: it was asked to end; `sent_at`:
    when somebody was sent to finish for one that is dead; `active_at`: when there was something
    last that is no idleness.
    """

    now: float
    boot: str
    terms: Terms
    state: State | None
    held: bool
    active_at: float
    told: bool = False
    sent_at: float | None = None

    @property
    def phase(self) -> str:
        """The phase of an experiment; none if there is none, rebooted if it is of another boot."""
        if self.state is None:
            return "none"
        if self.state.boot == self.boot or self.state.phase == "lost":
            return self.state.phase
        return "none" if self.state.phase == "over" else "rebooted"


@dataclass(frozen=True)
class Step:
    """What to do, and for which reason."""

    kind: str
    reason: str = ""
    status: str = "error"


def decide(seen: Seen) -> Step:
    """What to do now. It needs nothing but what was seen."""
    terms, state, phase = seen.terms, seen.state, seen.phase
    late = seen.now - terms.ends_tick
    finishing = terms.finish_seconds + terms.seconds("slack")
    over = f"the machine's time is over ({terms.hours})"
    if late >= terms.seconds("stop") + finishing:
        return Step(END, over)
    if seen.held:
        since = state.at if state and phase in ("finishing", "over") else seen.sent_at
        if since is not None and seen.now - since > finishing:
            slow = f"storing and telling took longer than {terms.finish_seconds:g} s"
            return Step(END, "" if phase == "over" else slow)
        return Step(TELL) if late >= 0 and not seen.told else Step(WAIT)
    if phase == "begun" and state and seen.now - state.at <= terms.seconds("begin"):
        return Step(WAIT)
    if phase in _DEAD:
        return Step(FINISH if seen.sent_at is None else END, _DEAD[phase])
    if phase == "over" and state and state.afterwards != "keep":
        return Step(END)
    if late >= 0:
        return Step(END, f"{over}, and no experiment is on it", "completed")
    idle = terms.idle_seconds
    # A machine that was kept may have got other terms since.
    free = phase == "none" or (phase == "over" and terms.afterwards != "keep")
    if free and idle is not None and seen.now - seen.active_at >= idle:
        return Step(END, f"there was no experiment for {idle / 60:g} minutes")
    return Step(WAIT)
