"""What one target of a sweep is: which points, how they run, and where their results go."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Literal

from cli.sweep.spaces import SearchSpace
from shared import points
from shared.space import Point

Strategy = Literal["grid", "list", "random", "bayes"]
Direction = Literal["maximize", "minimize"]
# A Bayesian search that sends all at once learns nothing.
STEERED_AT_ONCE = 10


@dataclass(frozen=True)
class Plan:
    """One target's sweep.

    `trials` is how many points there will be, all being well; they are those of `points` for a
    list, otherwise of `space`. `arguments` are those of `dvc exp run`; `command` runs instead of
    DVC. What is None keeps the stack's own value or that of the job definition. `name` is the
    study, under which the table of best results has them. `budget_seconds` is machine time, summed
    over all points. `concurrency` is the most points in flight.
    """

    strategy: Strategy
    trials: int
    space: SearchSpace | None = None
    points: tuple[Point, ...] = field(default=(), repr=False)
    seed: int = 0
    objective: str | None = None
    direction: Direction = "maximize"
    name: str = "sweep"
    target: str | None = None
    job_queue: str | None = None
    job_def: str | None = None
    command: str | None = None
    arguments: str | None = None
    repository: str | None = None
    ref: str | None = None
    concurrency: int | None = None
    retries: int = 0
    time_limit_seconds: int | None = None
    budget_seconds: float | None = None
    tolerate_percent: int = 0
    gpus: int | None = None
    memory_mib: int | None = None
    vcpus: int | None = None
    input_uri: str | None = None
    output_dir: str | None = None
    commit_table: str | None = None
    nbest: int = 3
    log_to: str | None = None
    left_aside: tuple[str, ...] = ()

    def identity(self) -> dict[str, str]:
        """All that decides which points there are and what a result of one means, by key.

        A trace in which one of these differs is of another sweep. What may change while a sweep is
        interrupted (how many points, machines, limits, where results go) is not among them.
        """
        facts = {
            "target": self.target,
            "tuner": self.strategy,
            "seed": self.seed if self.strategy in ("random", "bayes") else None,
            "objective": self.objective,
            "direction": self.direction if self.objective else None,
            "command": self.command,
            "stage": self.arguments,
            "inputs": self.input_uri,
            "repository": self.repository,
            "ref": self.ref,
            "points": _digest(points.encode(self.points)[0]) if self.points else None,
        }
        if self.space is not None:
            facts["the order of the parameters"] = " ".join(self.space.parameters)
            for name, domain in self.space.parameters.items():
                facts[f"space.{name}"] = _digest(repr(domain).encode())
        return {key: str(value) for key, value in facts.items() if value is not None}

    def fingerprint(self) -> str:
        """The identity in one line of JSON, the same for the same sweep."""
        return json.dumps(self.identity(), sort_keys=True)


def differences(one: str, other: str) -> list[str]:
    """The keys in which two fingerprints differ.

    >>> differences('{"seed": "1", "ref": "main"}', '{"seed": "2", "ref": "main", "stage": "a"}')
    ['seed', 'stage']
    """
    first, second = json.loads(one), json.loads(other)
    return sorted(
        key for key in {*first, *second} if first.get(key, second) != second.get(key, first)
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
