"""A Bayesian search finds better points than a random one, in as many trials."""

import math
from statistics import median

from cli.sweep.config_plan import Plan
from cli.sweep.config_plan import Strategy as Kind
from cli.sweep.domains import Between
from cli.sweep.spaces import SearchSpace
from cli.sweep.strategies import open_strategy

TRIALS, WAVE, SEEDS = 60, 5, range(20)
LEAST = 0.397887


def branin(x: float, y: float) -> float:
    """Branin's function; its least value, 0.397887, is at (-pi, 12.275), (pi, 2.275), (3pi, 2.475).

    F. H. Branin Jr., "Widely convergent method for finding multiple solutions of simultaneous
    nonlinear equations", IBM Journal of Research and Development 16 (1972), 504-522; in the form of
    L. C. W. Dixon and G. P. Szego, "Towards Global Optimization 2" (1978), on [-5, 10] x [0, 15].
    """
    bend = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return bend**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def best(kind: Kind, seed: int) -> float:
    """The least value that a search finds, in waves as a sweep sends them."""
    space = SearchSpace({"x": Between(-5, 10), "y": Between(0, 15)})
    search = open_strategy(
        Plan(kind, TRIALS, space, seed=seed, objective="value", direction="minimize")
    )
    found: list[float] = []
    while points := search.ask(WAVE):
        for point in points:
            value = branin(float(str(point["x"])), float(str(point["y"])))
            found.append(value)
            search.tell(point, value)
    assert len(found) == TRIALS
    return min(found)


def test_the_function_is_the_published_one() -> None:
    for x, y in ((-math.pi, 12.275), (math.pi, 2.275), (3 * math.pi, 2.475)):
        assert math.isclose(branin(x, y), LEAST, abs_tol=1e-5)


def test_a_bayesian_search_beats_a_random_one_on_branin() -> None:
    pairs = [(best("random", seed), best("bayes", seed)) for seed in SEEDS]

    rows = [
        f"{seed:4} {by_chance:8.3f} {by_search:8.3f}"
        for seed, (by_chance, by_search) in zip(SEEDS, pairs, strict=True)
    ]
    table = "\n".join(["seed   random    bayes", *rows])
    medians = [median(column) for column in zip(*pairs, strict=True)]
    assert sum(by_search < by_chance for by_chance, by_search in pairs) >= 16, table
    assert medians[1] - LEAST < (medians[0] - LEAST) / 2, table
