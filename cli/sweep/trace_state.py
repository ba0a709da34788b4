"""What the lines of a trace say, taken together."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import click

from shared.space import Point


class TraceError(click.ClickException):
    """The trace cannot be used; the text says why, and what to do."""


@dataclass(frozen=True)
class Target:
    """One target's part: the id under which S3 has its points, and its plan's fingerprint."""

    sweep_id: str
    fingerprint: str

    def as_json(self) -> dict[str, str]:
        """The target as the trace holds it."""
        return {"sweep_id": self.sweep_id, "fingerprint": self.fingerprint}


@dataclass(frozen=True)
class Finished:
    """How a point ended: `verdict` is ok, failed or stopped.

    `objective` is None if it left no number; `key` is that of its result, None if it left none.
    """

    verdict: str
    objective: float | None = None
    seconds: float = 0.0
    key: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.verdict == "ok"

    def as_json(self, index: int) -> list[Any]:
        """The point at an index as the trace holds it."""
        return [index, self.verdict, self.objective, self.seconds, self.key]


@dataclass
class TracedWave:
    """A wave: what it was made of, and how far it is known to be."""

    target: int
    points: list[Point]
    run_id: str
    sent: bool = False
    over: bool = False


@dataclass
class TraceState:
    """What is known. `outcome` is set at the end.

    `finished` has wave and index as its keys, in the order in which points were first heard of.
    """

    targets: list[Target] = field(default_factory=list)
    waves: dict[int, TracedWave] = field(default_factory=dict)
    finished: dict[tuple[int, int], Finished] = field(default_factory=dict)
    outcome: str | None = None

    @property
    def sweep_id(self) -> str | None:
        """The sweep's id, which all its targets have; None before it has begun."""
        return self.targets[0].sweep_id if self.targets else None

    @classmethod
    def read(cls, content: bytes, name: str) -> Self:
        """What whole lines say.

        Raises:
            TraceError: they are no trace's.

        """
        state = cls()
        for number, line in enumerate(content.splitlines(), 1):
            try:
                told = json.loads(line)
                if not state.targets and told["kind"] != "sweep":
                    raise KeyError(told["kind"])  # noqa: TRY301 - all that is wrong ends in one answer
                state.take(told)
            except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
                message = f"{name} is no trace of a sweep (line {number}): name another file"
                raise TraceError(message) from error
        return state

    def take(self, told: Mapping[str, Any]) -> None:
        """Take in a line. One of a kind that is not known says nothing."""
        kind = told["kind"]
        if kind == "sweep":
            self.targets = [Target(one["sweep_id"], one["fingerprint"]) for one in told["targets"]]
        elif kind == "wave":
            wave = TracedWave(told["target"], list(told["points"]), told["run_id"])
            self.waves[told["wave"]] = wave
            self.outcome = None
        elif kind == "sent":
            self.waves[told["wave"]].sent = True
        elif kind == "ended":
            asked = range(len(self.waves[told["wave"]].points))
            for index, *facts in told["results"]:
                if index not in asked:
                    raise IndexError(index)
                self.finished[told["wave"], index] = Finished(*facts)
        elif kind == "over":
            self.waves[told["wave"]].over = True
        elif kind == "finished":
            self.outcome = told["outcome"]
