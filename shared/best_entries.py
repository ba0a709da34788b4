"""One of the best results of a study: which of two is better, and what it is in DynamoDB.

Objectives are numbers that DynamoDB keeps exactly (38 digits; a float has 17). Parameters are JSON
text, for DynamoDB does not tell 1.0 from 1.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

# Numbers between 1E-130 and 9.9E+125 (DynamoDB developer guide, "Number"); others become texts.
_LEAST, _MOST = 1e-130, 9.9e125


@dataclass(frozen=True)
class Best:
    """A point's result that is worth keeping: its finite value, and which point of which sweep."""

    objective: float
    parameters: dict[str, Any]
    sweep_id: str
    wave: int
    index: int
    commit: str | None
    at: datetime

    @property
    def point(self) -> tuple[str, int, int]:
        """Which point it is a result of."""
        return self.sweep_id, self.wave, self.index


def merge(known: Iterable[Best], new: Iterable[Best], nbest: int, direction: str) -> list[Best]:
    """The `nbest` best of both, the best first.

    Of two results of one point the better counts, of equal values the earlier: a later one that
    is worse cannot bring back what the better one has pushed out. So the order of merges is all
    the same.
    """
    sign = -1.0 if direction == "maximize" else 1.0

    def rank(one: Best) -> tuple[float, datetime, tuple[str, int, int]]:
        return sign * one.objective, one.at, one.point

    kept: dict[tuple[str, int, int], Best] = {}
    for one in sorted((*known, *new), key=rank):
        kept.setdefault(one.point, one)
    return list(kept.values())[:nbest]


def checked(one: Best) -> Best:
    """An entry as it will be read again: the time in whole milliseconds.

    Raises:
        ValueError: its objective is no finite number.

    """
    if not math.isfinite(one.objective):
        message = f"no result to keep: {one.objective}"
        raise ValueError(message)
    at = one.at.astimezone(UTC)
    return replace(one, at=at.replace(microsecond=at.microsecond // 1000 * 1000))


def attribute(one: Best) -> dict[str, Any]:
    """The attribute value that holds an entry."""
    fields = {
        "objective": _number(one.objective),
        "parameters": {"S": text(one.parameters)},
        "sweep_id": {"S": one.sweep_id},
        "wave": {"N": str(one.wave)},
        "index": {"N": str(one.index)},
        "at": {"S": one.at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"},
    }
    return {"M": fields | ({"commit": {"S": one.commit}} if one.commit else {})}


def read(attribute: dict[str, Any]) -> Best:
    """The entry that an attribute value holds."""
    fields = attribute["M"]
    (objective,) = fields["objective"].values()
    return Best(
        objective=float(objective),
        parameters=json.loads(fields["parameters"]["S"]),
        sweep_id=fields["sweep_id"]["S"],
        wave=int(fields["wave"]["N"]),
        index=int(fields["index"]["N"]),
        commit=fields["commit"]["S"] if "commit" in fields else None,
        at=datetime.fromisoformat(fields["at"]["S"]),
    )


def text(parameters: dict[str, Any]) -> str:
    """Parameters as JSON."""
    return json.dumps(parameters, separators=(",", ":"), allow_nan=False)


def _number(number: float) -> dict[str, str]:
    fits = number == 0 or _LEAST <= abs(number) <= _MOST
    return {"N" if fits else "S": repr(float(number))}
