"""The parameters that stages had run with, as `dvc.lock` of two commits tells them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# By file and name: what each stage that reads it has read.
_Read = Mapping[tuple[str, str], Sequence[Any]]


@dataclass(frozen=True)
class RanWith:
    """What the stages of an old and of a new commit had read."""

    old: _Read
    new: _Read

    @classmethod
    def of(cls, old: Iterable[tuple[str, Any]], new: Iterable[tuple[str, Any]]) -> RanWith:
        """From pairs of a parameter file and what a stage has read of it."""
        return cls(_read(old), _read(new))

    def pair(self, file: str, name: str, old: Any, new: Any) -> tuple[Any, Any]:
        """The values of a parameter; `old` and `new` are those of its file, for want of others.

        Stages may have run at different times, so with different values. Then those are given that
        differ.

        >>> ran = RanWith.of([("p", {"n": 1})], [("p", {"n": 1}), ("p", {"n": 2})])
        >>> ran.pair("p", "n", 2, 2), ran.pair("p", "m", 3, 4)
        ((1, 2), (3, 4))
        """
        olds = self.old.get((file, name), [old])
        news = self.new.get((file, name), [new])
        return _first_not(olds, news), _first_not(news, olds)


def _read(stages: Iterable[tuple[str, Any]]) -> _Read:
    found: dict[tuple[str, str], list[Any]] = {}
    for file, read in stages:
        for name, value in _leaves(read):
            found.setdefault((file, name), []).append(value)
    return found


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The values in a tree, with names such as DVC's.

    >>> list(_leaves({"train": {"epochs": 60, "layers": [4, 2]}}))
    [('train.epochs', 60), ('train.layers', '[4, 2]')]
    """
    if isinstance(value, dict) and (value or not name):
        for key, part in value.items():
            yield from _leaves(part, f"{name}.{key}" if name else str(key))
    else:
        yield name, str(value) if isinstance(value, list) else value


def _first_not(values: Sequence[Any], others: Sequence[Any]) -> Any:
    return next((value for value in values if value not in others), values[0])
