"""Where values are on the axes of a picture, and what is drawn of a sweep."""

from itertools import pairwise
from typing import Any

import click
import pytest

from cli.sweep.axes import axis
from cli.sweep.finding import Known
from cli.sweep.pictures import Kind, specification
from cli.sweep.results import Results, Row
from shared.events import Asked, Sweep
from tests.samples import a_run

ID = "4f2a77c1d0ab"


def results(*rows: tuple[dict[str, Any], float | None], direction: Any = "maximize") -> Results:
    sweep = Sweep(sweep_id=ID, size=len(rows), objective="f1", direction=direction)
    known = Known(ID, (a_run(asked=Asked(sweep=sweep)),))
    made = [
        Row(1, index, None, point, "failed" if value is None else "ok", value, 5)
        for index, (point, value) in enumerate(rows)
    ]
    return Results(known, tuple(made))


def values(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Everything that is drawn."""
    panels = spec.get("concat", [spec])
    return [one for panel in panels for layer in panel["layer"] for one in layer["data"]["values"]]


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        ([0.1, 0.2, 0.5], "linear"),
        ([1e-5, 1e-3, 0.1], "log"),
        ([1, 10, 100, 1000], "log"),
        ([0.0, 1e-3, 100.0], "linear"),
        (["relu", "tanh"], "names"),
        ([True, False], "names"),
        ([1, "auto"], "names"),
        ([None, 0.1], "names"),
    ],
)
def test_an_axis_suits_its_values(found: list[Any], kind: str) -> None:
    assert axis("x", found).kind == kind


@pytest.mark.parametrize("found", [[1e-5, 1e-3, 0.1], [2, 3, 8], ["b", "a", "c"], [5, 5]])
def test_every_value_lies_on_its_axis_and_ticks_stand_apart(found: list[Any]) -> None:
    one = axis("x", found)
    places = sorted(place for place, _ in one.ticks())

    assert all(0 <= one.at(value) <= 1 for value in found)
    assert all(later - earlier > 0.1 for earlier, later in pairwise(places))


def test_the_ends_of_an_axis_are_told_with_round_numbers_between() -> None:
    assert [text for _, text in axis("x", [0.003 + n / 20 for n in range(10)]).ticks()] == [
        "0.003",
        "0.1",
        "0.2",
        "0.3",
        "0.453",
    ]


@pytest.mark.parametrize("kind", ["parallel", "scatter"])
def test_points_without_a_value_are_left_out_and_counted(kind: Kind) -> None:
    found = results(
        ({"lr": 0.1, "n": 1}, 0.5), ({"lr": 0.2, "n": 2}, None), ({"lr": 0.3, "n": 3}, 0.9)
    )
    spec = specification(found, kind)

    assert spec["title"]["subtitle"] == f"sweep {ID}: 2 points, 1 without a value left out"
    assert spec["title"]["text"] == "Best f1 0.9: lr=0.3 n=3"
    assert not any(one.get("x") == 0.2 for one in values(spec))


def test_a_parameter_that_is_the_same_everywhere_is_not_drawn() -> None:
    found = results(({"lr": 0.1, "same": 1}, 0.5), ({"lr": 0.2, "same": 1}, 0.6))

    assert {one["text"] for one in values(specification(found, "parallel")) if "text" in one} == {
        *("lr", "f1"),
        *("0.1", "0.2", "0.5", "0.6"),
    }


def test_the_best_of_a_minimum_is_the_least() -> None:
    found = results(({"lr": 0.1}, 0.5), ({"lr": 0.2}, 0.1), direction="minimize")

    assert specification(found, "scatter")["title"]["text"].startswith("Best f1 0.1: lr=0.2")


def test_of_very_many_points_the_best_and_some_of_the_rest_are_drawn() -> None:
    found = results(*[({"n": n}, float(n)) for n in range(4000)])
    spec = specification(found, "parallel")

    assert "4,000 points, 1,400 drawn" in spec["title"]["subtitle"]
    assert max(one.get("value", 0) for one in values(spec)) == 3999
    assert min(one["value"] for one in values(spec) if "value" in one) < 10


def test_without_a_value_there_is_nothing_to_draw() -> None:
    with pytest.raises(click.ClickException, match="nothing to draw"):
        specification(results(({"lr": 0.1}, None)), "parallel")
