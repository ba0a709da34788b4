"""A Bayesian search: Optuna's tree-structured Parzen estimator, asked for several points at a time.

Points that are under way count as bad ones (the constant liar), so that a wave is spread out; so do
points that failed. Each proposal has a random source of its own, made of the seed and the number of
proposals before it: what is proposed depends on what was asked and told, and on nothing else.

Values that have an order (ranges, spaces, lists of numbers) are searched by their places in it.
Importing this imports Optuna, which stays quiet and keeps its study in memory.
"""

import hashlib
import math
import warnings
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial, TrialState, create_trial

from cli.sweep.config_plan import Direction
from cli.sweep.domains import Between, Domain
from cli.sweep.spaces import SearchSpace
from cli.sweep.spaces_points import key
from cli.sweep.strategies import at_random
from shared.errors import Rejected
from shared.scalars import Scalar
from shared.space import Point
from shared.values import Listed, Values

# Optuna's default is 24. Of 100 seeds each, 128 beat a random search as often on Branin and
# Hartmann 3, and far more often on Rosenbrock: docs/decisions/0023-optuna.md.
_CANDIDATES = 128
# Of a small space the estimator proposes points that are known; then one at random is as good.
_TRIES = 10


class Bayes:
    """A search that the results steer."""

    def __init__(self, space: SearchSpace, trials: int, direction: Direction, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._axes = {name: _axis(domain) for name, domain in space.parameters.items()}
        self._distributions = {name: axis.distribution for name, axis in self._axes.items()}
        self._study = optuna.create_study(direction=direction, sampler=_sampler(0))
        self._size, self._seed = trials, seed
        self._numbers: dict[str, int] = {}
        self._spare: Iterator[Point] = at_random(space, seed)

    @property
    def size(self) -> int:
        """How many points it proposes in all."""
        return self._size

    def ask(self, count: int) -> list[Point]:
        """The next points."""
        return [self._next() for _ in range(min(count, self._size - len(self._numbers)))]

    def tell(self, point: Point, objective: float | None) -> None:
        """What came of a point; one that failed counts as worse than all others."""
        number = self._numbers[key(point)]
        if objective is None or not math.isfinite(objective):
            self._study.tell(number, state=TrialState.PRUNED, skip_if_finished=True)
        else:
            self._study.tell(number, objective, skip_if_finished=True)

    def replay(self, asked: Sequence[Point], results: Sequence[tuple[Point, float | None]]) -> None:
        """Take in what was asked and told before."""
        for point in asked:
            self._take(point)
        for point, objective in results:
            self.tell(point, objective)

    def _next(self) -> Point:
        for attempt in range(_TRIES):
            self._study.sampler = _sampler(self._seed, len(self._numbers), attempt)
            trial = self._study.ask(self._distributions)
            point = self._point(trial)
            if key(point) not in self._numbers:
                self._numbers[key(point)] = trial.number
                return point
            self._study.tell(trial, state=TrialState.FAIL)
        point = next(point for point in self._spare if key(point) not in self._numbers)
        self._take(point)
        return point

    def _take(self, point: Point) -> None:
        """Count a point among those that are under way."""
        if {*point} != {*self._axes}:
            message = f"the space has other parameters than {key(point)}"
            raise Rejected(message)
        placed = {name: self._axes[name].place(value) for name, value in point.items()}
        self._numbers[key(point)] = len(self._study.get_trials(deepcopy=False))
        self._study.add_trial(
            create_trial(state=TrialState.RUNNING, params=placed, distributions=self._distributions)
        )

    def _point(self, trial: Trial) -> Point:
        return {name: axis.value(trial.params[name]) for name, axis in self._axes.items()}


@dataclass(frozen=True)
class _Axis:
    """How a parameter is told to Optuna: its distribution, and the way there and back."""

    distribution: BaseDistribution
    value: Callable[[float], Scalar]
    place: Callable[[Scalar], Scalar]


def _axis(domain: Domain) -> _Axis:
    if isinstance(domain, Between):
        return _Axis(FloatDistribution(domain.low, domain.high, log=domain.log), float, _same)
    if not isinstance(domain, Listed):
        return _by_place(domain)
    if all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in domain.values):
        return _by_place(Listed(tuple(sorted(domain.values, key=_number))))
    return _Axis(
        CategoricalDistribution(range(domain.size)),
        lambda place: domain.at(int(place)),
        lambda value: [(type(one), one) for one in domain.values].index((type(value), value)),
    )


def _by_place(values: Values) -> _Axis:
    """Numbers in ascending or descending order, by where they stand."""
    sign = 1 if _number(values.at(0)) <= _number(values.at(values.size - 1)) else -1
    return _Axis(
        IntDistribution(0, values.size - 1),
        lambda place: values.at(int(place)),
        lambda value: bisect_left(
            range(values.size),
            sign * _number(value),
            key=lambda place: sign * _number(values.at(place)),
        ),
    )


def _number(value: Scalar) -> float:
    return float(value or 0)


def _same(value: Scalar) -> Scalar:
    return value


def _sampler(*seeds: int) -> optuna.samplers.TPESampler:
    """An estimator whose random source is made of some numbers."""
    said = hashlib.sha256(repr(seeds).encode()).digest()
    with warnings.catch_warnings():
        # It says of these two that their meaning may change one day: the lock pins the version.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(
            multivariate=True,
            constant_liar=True,
            n_ei_candidates=_CANDIDATES,
            seed=int.from_bytes(said[:4], "big"),
        )
