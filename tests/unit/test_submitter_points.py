"""The list of a keyword's points as it is stored before their job is submitted."""

import pytest

from services.submitter.points import point_list, share_of
from shared.errors import Rejected
from shared.events import Sweep
from shared.points import decode


def a_sweep(space: str | None, *, width: int = 0, wave: int = 1) -> Sweep:
    return Sweep(sweep_id="4f2a", size=2, space=space, width=width, wave=wave)


def test_a_space_becomes_a_list_with_lines_of_one_length() -> None:
    listed = point_list(a_sweep("lr=0.1,0.001 act='leaky relu',tanh"))

    assert listed.content is not None
    assert decode(listed.content)[1] == {"lr": 0.1, "act": "tanh"}
    assert {len(line) for line in listed.content.splitlines(keepends=True)} == {listed.width}


def test_the_same_space_becomes_the_same_list() -> None:
    space = "a=range(0,50) b=linspace(0,1,7)"

    assert point_list(a_sweep(space)) == point_list(a_sweep(space))


def test_ten_thousand_points_are_listed() -> None:
    listed = point_list(a_sweep("seed=range(0,10000)"))

    assert listed.content is not None
    assert listed.content.count(b"\n") == 10_000


def test_a_list_that_is_there_is_not_made_again() -> None:
    listed = point_list(a_sweep(None, width=23))

    assert (listed.content, listed.width) == (None, 23)


def test_a_point_that_is_too_long_is_rejected_with_what_to_do() -> None:
    text = "\u00e4" * 2000
    with pytest.raises(Rejected, match="put long texts into a file of the repository"):
        point_list(a_sweep(f"a={text},b"))


def test_all_waves_of_a_sweep_are_one_share() -> None:
    waves = [a_sweep(None, wave=wave) for wave in (1, 2)]

    assert share_of(waves[0]) == share_of(waves[1])
    assert share_of(waves[0]).isalnum()
