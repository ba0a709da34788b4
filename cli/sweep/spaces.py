"""The space of a sweep as its files write it, for grids, random samples and Bayesian searches.

    space:
      lr: [0.1, 0.01]
      depth: {range: [2, 8]}

What may stand behind a name says `cli.sweep.domains`. A whole space may also be a text, as a commit
message has it: `space: lr=0.1,0.01 depth=range(2,8)`.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from cli.sweep.config_errors import Problems
from cli.sweep.config_yaml import Entry
from cli.sweep.domains import Between, Domain, read_domain
from shared.space import MOST_PARAMETERS, Point, Space, parse


@dataclass(frozen=True)
class SearchSpace:
    """What each parameter may be."""

    parameters: Mapping[str, Domain]

    @property
    def size(self) -> int | None:
        """The number of points; None where there is no end of them."""
        finite = self.finite
        return None if finite is None else finite.size

    @property
    def finite(self) -> Space | None:
        """The same, if its points can be counted."""
        counted = {
            name: domain
            for name, domain in self.parameters.items()
            if not isinstance(domain, Between)
        }
        return Space(counted) if len(counted) == len(self.parameters) else None

    @property
    def endless(self) -> list[str]:
        """The parameters whose values cannot be counted."""
        return [name for name, domain in self.parameters.items() if isinstance(domain, Between)]

    def draw(self, source: random.Random) -> Point:
        """A point at random."""
        return {
            name: domain.draw(source)
            if isinstance(domain, Between)
            else domain.at(source.randrange(domain.size))
            for name, domain in self.parameters.items()
        }


def read_space(entry: Entry, problems: Problems) -> SearchSpace | None:
    """The space that a file's key `space` holds; None where something in it is wrong."""
    tree = entry.value
    if isinstance(tree, str):
        with problems.at(entry.at):
            return SearchSpace(parse(str(tree)).parameters)
        return None
    if not isinstance(tree, dict) or not tree:
        problems.note(
            entry.at,
            "a space has parameters: write space: {lr: [0.1, 0.01], depth: {range: [2, 8]}}",
        )
        return None
    if len(tree) > MOST_PARAMETERS:
        problems.note(entry.at, f"a space has at most {MOST_PARAMETERS} parameters")
        return None
    found: dict[str, Domain] = {}
    for name, one in tree.items():
        with problems.at(one.at):
            found[name] = read_domain(name, one.value)
    return SearchSpace(found) if len(found) == len(tree) else None
