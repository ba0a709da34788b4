"""The metrics that a point has left, and the one among them that it is judged by.

Metrics are what DVC says of the workspace, or what a command has left: by file, each a tree of
names. A name is addressed by its path with dots, with or without the file before it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

Metrics = Mapping[str, Any]

_MAX_NAMED = 10
# What a watcher reads of each of thousands of points, in bytes.
_MOST = 64 * 1024
_TOO_DEEP = "the metrics are nested too deeply"


class NoObjective(Exception):
    """The metric is not there, or is no number. The message says which there are."""


def objective(metrics: Metrics, name: str) -> float:
    """The value of a metric.

    Raises:
        NoObjective: see there.

    >>> found = {"metrics.json": {"eval": {"accuracy": 0.94}}, "loss.json": {"loss": 1}}
    >>> objective(found, "eval.accuracy"), objective(found, "loss.json:loss")
    (0.94, 1.0)
    """
    try:
        values = [(address, value) for address, names, value in _all(metrics) if name in names]
    except RecursionError as error:
        raise NoObjective(f"the objective {name} is not found: {_TOO_DEEP}") from error
    if not values:
        raise NoObjective(f"the objective {name} is not among the metrics: {_listed(metrics)}")
    if len({repr(value) for _, value in values}) > 1:
        which = " or ".join(address for address, _ in values)
        raise NoObjective(f"the objective {name} is in several files: name {which}")
    value = values[0][1]
    if isinstance(value, bool) or not _finite(value):
        raise NoObjective(f"the objective {name} is {_shown(value)}, and no number")
    return float(value)


def fitted(metrics: Metrics) -> dict[str, Any]:
    """The metrics as JSON can hold them: what is no finite number as text, numbers alone if many.

    Raises:
        ValueError: they cannot be kept, and why.

    >>> fitted({"m.json": {"a": 1, "b": float("nan")}})
    {'m.json': {'a': 1, 'b': 'nan'}}
    """
    try:
        kept: dict[str, Any] = _json(metrics)
        if len(json.dumps(kept)) <= _MOST:
            return kept
        return _numbers(metrics)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error


def _numbers(metrics: Metrics) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    left = _MOST
    for address, _, value in _all(metrics):
        if _finite(value):
            left -= len(address) + 32
            if left < 0:
                break
            file, _, name = address.partition(":")
            numbers.setdefault(file, {})[name] = value
    return numbers


def _all(metrics: Metrics) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Each value with its address, and all the names that it goes by."""
    for file, tree in metrics.items():
        for path, value in _leaves(tree, ""):
            address = f"{file}:{path}" if path else file
            yield address, (address, path) if path else (address,), value


def _leaves(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(tree, Mapping):
        yield path, tree
        return
    for name, below in tree.items():
        yield from _leaves(below, f"{path}.{name}" if path else str(name))


def _finite(value: Any) -> bool:
    """Whether it is a number that a float can hold."""
    try:
        return isinstance(value, (int, float)) and math.isfinite(value)
    except OverflowError:
        return False  # an int of hundreds of digits


def _listed(metrics: Metrics) -> str:
    addresses = [address for address, _, _ in _all(metrics)]
    if not addresses:
        return "there are none"
    more = f" and {len(addresses) - _MAX_NAMED} more" if len(addresses) > _MAX_NAMED else ""
    return f"there are {', '.join(addresses[:_MAX_NAMED])}{more}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_NAMED * 4 else text[: _MAX_NAMED * 4] + "…"


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _json(below) for name, below in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    if isinstance(value, (int, float)) and not _finite(value):
        return repr(value)
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
