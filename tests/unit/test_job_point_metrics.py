"""Which metric a point is judged by, and what of the others is kept."""

import json
from typing import Any

import pytest

from container.metrics import NoObjective, fitted, objective
from container.written import last_line

FOUND: dict[str, Any] = {
    "metrics.json": {"accuracy": 0.94, "eval": {"loss": 2, "f1": 0.5}, "v1.0": {"auc": 0.7}},
    "reports/all.json": {"f1": 0.4, "accuracy": 0.94, "eval.f1": 0.1},
    "score.yaml": 7,
}


def nested(levels: int) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for _ in range(levels):
        tree = {"a": tree}
    return tree


DEEP = nested(5000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accuracy", 0.94),  # in two files, and the same
        ("eval.loss", 2.0),
        ("v1.0.auc", 0.7),
        ("f1", 0.4),
        ("reports/all.json:accuracy", 0.94),
        ("metrics.json:eval.f1", 0.5),
        ("score.yaml", 7.0),
    ],
)
def test_a_metric_is_named_by_its_path_with_or_without_its_file(name: str, value: float) -> None:
    assert objective(FOUND, name) == value


@pytest.mark.parametrize(
    ("found", "name", "why"),
    [
        (FOUND, "loss", "is not among the metrics: there are metrics.json:accuracy, metrics"),
        (FOUND, "eval.f1", "is in several files: name metrics.json:eval.f1 or reports/all"),
        ({}, "loss", "there are none"),
        ({"m.json": {"a": "0.5"}}, "a", "a is '0.5', and no number"),
        ({"m.json": {"a": True}}, "a", "and no number"),
        ({"m.json": {"a": float("inf")}}, "a", "a is inf, and no number"),
        ({"m.json": {"a": [1, 2]}}, "a", "and no number"),
        ({"m.json": {"a": 10**400}}, "a", "and no number"),
        ({"m.json": {"a": DEEP}}, "a", "nested too deeply"),
        ({"m.json": {str(n): n for n in range(99)}}, "a", "m.json:9 and 89 more"),
    ],
)
def test_what_is_missing_or_no_number_says_which_metrics_there_are(
    found: dict[str, Any], name: str, why: str
) -> None:
    with pytest.raises(NoObjective) as missing:
        objective(found, name)

    assert why in str(missing.value)


def test_metrics_are_kept_as_json_that_everybody_reads() -> None:
    kept = fitted({"m.json": {"nan": float("nan"), "list": [1, float("inf")], "none": None}})

    assert json.loads(json.dumps(kept, allow_nan=False)) == {
        "m.json": {"nan": "nan", "list": [1, "inf"], "none": None}
    }


def test_a_number_of_hundreds_of_digits_is_kept_as_text() -> None:
    assert fitted({"m.json": {"a": 10**400}}) == {"m.json": {"a": str(10**400)}}
    assert fitted({"m.json": {"a": 10**400, "b": 1, "c": "x" * 10**5}}) == {"m.json": {"b": 1}}


@pytest.mark.parametrize("levels", [600, 5000])
def test_metrics_that_are_nested_too_deeply_are_refused(levels: int) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        fitted({"m.json": nested(levels)})


def test_of_very_many_metrics_numbers_are_kept_as_long_as_they_fit() -> None:
    many = {f"class_{number}": {"f1": number / 7, "note": "x" * 100} for number in range(5000)}

    kept = fitted({"m.json": many})

    assert 10_000 < len(json.dumps(kept)) < 100_000
    assert kept["m.json"]["class_1.f1"] == 1 / 7


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["{", '{"a": 1} and more', '  {"b": 2}  ', "{}", "{broken}", "bye"], {"b": 2}),
        (["[1]", "7", ""], None),
        ([], None),
        (["{" * 30_000 + "}" * 30_000], None),
    ],
)
def test_the_last_line_that_is_an_object_holds_the_metrics(lines: list[str], found: Any) -> None:
    assert last_line(lines) == found
