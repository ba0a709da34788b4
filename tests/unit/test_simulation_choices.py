"""The one source of chance: repeatable, by kinds that a seed knows, and without chosen faults."""

import pytest

from tests.simulation.choices import Choices
from tests.simulation.kinds import KINDS


def struck(choices: Choices, times: int = 300) -> list[tuple[str, str]]:
    for _ in range(times):
        for fault in KINDS:
            choices.strikes(fault, "somebody")
    return [(strike.fault, strike.what) for strike in choices.struck]


def test_a_seed_always_decides_the_same() -> None:
    first, second = Choices(7), Choices(7)

    assert struck(first) == struck(second)
    assert first.between(0, 1) == second.between(0, 1)
    assert first.struck == second.struck
    assert struck(Choices(8)) != struck(Choices(7))


def test_each_seed_knows_some_kinds_of_faults_and_no_others() -> None:
    for seed in range(20):
        choices = Choices(seed)

        assert {fault for fault, _ in struck(choices)} <= choices.profile.keys()
        assert choices.profile.keys() < KINDS.keys()
    every = {fault for seed in range(400) for fault in Choices(seed).profile}
    assert every == KINDS.keys()


def test_a_kind_strikes_about_as_often_as_its_odds_say() -> None:
    choices = Choices(3)
    fault, odds = max(choices.profile.items(), key=lambda one: one[1])

    times = sum(choices.strikes(fault, "somebody") for _ in range(5000))

    assert times / 5000 == pytest.approx(odds, abs=0.03)


def test_nothing_strikes_once_it_is_calm() -> None:
    choices = Choices(3)
    choices.calm = True

    assert struck(choices) == []


def test_nothing_strikes_after_the_last_decision_that_counts() -> None:
    whole, cut = Choices(3), Choices(3, until=1000)

    struck(whole)
    struck(cut)

    before = [strike for strike in whole.struck if strike.decision <= 1000]
    assert cut.struck == before
    assert len(before) < len(whole.struck)


def test_a_fault_that_is_left_out_leaves_the_others_as_they_are() -> None:
    whole = Choices(3)
    struck(whole)
    left_out = whole.struck[len(whole.struck) // 2]
    choices = Choices(3, without=frozenset({left_out.number}))

    struck(choices)

    assert choices.struck == [strike for strike in whole.struck if strike != left_out]


def test_what_is_decided_of_one_does_not_depend_on_what_was_asked_of_another() -> None:
    alone, among_others = Choices(3), Choices(3)
    fault = max(alone.profile, key=lambda kind: alone.profile[kind])

    first = [alone.strikes(fault, "a") for _ in range(100)]
    second = [among_others.strikes(fault, what) for what in "ab" * 100][::2]

    assert first == second


def test_chosen_options_and_numbers_are_within_their_bounds() -> None:
    choices = Choices(1)

    assert {choices.among("abc") for _ in range(100)} == set("abc")
    numbers = [choices.between(2, 3) for _ in range(1000)]
    assert 2 <= min(numbers) < 2.1
    assert 2.9 < max(numbers) <= 3
    assert choices.random("jitter").uniform(0, 1) == Choices(1).random("jitter").uniform(0, 1)
