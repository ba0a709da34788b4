"""The best of several lists of results, whatever the order in which they are merged."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.best_entries import Best, merge
from tests.samples import NOW


def an_entry(objective: float, index: int, hours: int = 0) -> Best:
    at = NOW + timedelta(hours=hours)
    return Best(objective, {}, "4f2a", wave=1, index=index, commit=None, at=at)


def test_a_worse_result_of_a_rerun_does_not_cost_a_better_one_its_place() -> None:
    first = merge([], [an_entry(0.9, 0), an_entry(0.8, 1), an_entry(0.7, 2)], 2, "maximize")
    then = merge(first, [an_entry(0.5, 0, hours=1)], 2, "maximize")

    assert [(one.index, one.objective) for one in then] == [(0, 0.9), (1, 0.8)]


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
@given(
    results=st.lists(
        st.builds(an_entry, st.sampled_from([0.1, 0.2, 0.3]), st.integers(0, 3), st.integers(0, 2)),
        min_size=1,
        max_size=5,
    ),
    nbest=st.integers(1, 3),
)
def test_the_best_do_not_depend_on_the_order_of_the_merges(
    direction: str, results: list[Best], nbest: int
) -> None:
    best = merge([], results, nbest, direction)

    for order in itertools.permutations(results):
        known: list[Best] = []
        for one in order:
            known = merge(known, [one], nbest, direction)

        assert known == best
        assert merge(best, order, nbest, direction) == best
