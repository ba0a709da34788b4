"""What a storm pushes is its seed's."""

from tests.chaos.plan import planned


def test_a_seed_plans_the_same_pushes_again_and_another_seed_others() -> None:
    assert planned(50, 7, 1.0) == planned(50, 7, 1.0)
    assert planned(50, 7, 1.0) != planned(50, 8, 1.0)


def test_every_push_has_a_branch_of_its_own_so_that_it_stays_a_head() -> None:
    plan = planned(200, 1, 1.0)
    branches = [one.branch for one in plan] + [one.beside for one in plan if one.beside]

    assert len(set(branches)) == len(branches)
    assert len({one.repository for one in plan}) > 1
    assert any(one.beside for one in plan)
