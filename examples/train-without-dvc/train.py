"""Fit boosted regression trees to train.csv, and judge them by test.csv.

A training script as a team may have it: it knows its own options, two directories, and nothing
of where it runs. Standard library alone, seconds long; the same seed gives the same model.
"""

import argparse
import csv
import json
import math
import os
import random
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

Row = list[float]


class Leaf(NamedTuple):
    """The end of a tree: what it adds to a prediction."""

    value: float


class Split(NamedTuple):
    """Rows whose feature is at most `limit` go to `low`, the others to `high`."""

    feature: int
    limit: float
    low: "Tree"
    high: "Tree"


Tree = Leaf | Split


def read(path: Path) -> tuple[list[Row], Row]:
    """The features of all rows, and what is to be predicted: the last column."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [[float(cell) for cell in line] for line in list(csv.reader(file))[1:]]
    return [row[:-1] for row in rows], [row[-1] for row in rows]


def best_split(x: list[Row], errors: Row, rows: list[int], least: int) -> tuple[int, float] | None:
    """The feature and the limit that take most of the squared error; None if none takes any."""
    total, found, most = sum(errors[row] for row in rows), None, 1e-9
    worth = total * total / len(rows)
    for feature in range(len(x[0])):
        ordered = sorted(rows, key=lambda row: x[row][feature])
        low = 0.0
        for count, (row, following) in enumerate(pairwise(ordered), 1):
            low += errors[row]
            here, there = x[row][feature], x[following][feature]
            if count < least or len(rows) - count < least or here == there:
                continue
            gain = low * low / count + (total - low) ** 2 / (len(rows) - count) - worth
            if gain > most:
                most, found = gain, (feature, (here + there) / 2)
    return found


def grow(x: list[Row], errors: Row, rows: list[int], depth: int, least: int) -> Tree:
    """A tree that predicts `errors`, at most `depth` splits deep, with `least` rows in a leaf."""
    split = best_split(x, errors, rows, least) if depth > 0 else None
    if split is None:
        return Leaf(sum(errors[row] for row in rows) / len(rows))
    feature, limit = split
    low = [row for row in rows if x[row][feature] <= limit]
    high = [row for row in rows if x[row][feature] > limit]
    return Split(
        feature,
        limit,
        grow(x, errors, low, depth - 1, least),
        grow(x, errors, high, depth - 1, least),
    )


def predict(tree: Tree, row: Row) -> float:
    """What a tree says of a row."""
    while isinstance(tree, Split):
        tree = tree.low if row[tree.feature] <= tree.limit else tree.high
    return tree.value


def rmse(y: Row, predictions: Row) -> float:
    """The root mean square error."""
    return math.sqrt(sum((a - b) ** 2 for a, b in zip(y, predictions, strict=True)) / len(y))


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="Fit boosted regression trees.")
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--depth", type=int, default=3, help="splits from root to leaf")
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--rows", type=float, default=0.5, help="share of rows that a tree sees")
    parser.add_argument("--least", type=int, default=5, help="rows in a leaf, at least")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    """Read, fit, judge, write."""
    given = options()
    source = Path(os.environ.get("ACME_INPUT_DIR", "data"))
    target = Path(os.environ.get("ACME_OUTPUT_DIR", "output"))
    x, y = read(source / "train.csv")
    test_x, test_y = read(source / "test.csv")

    numbers = random.Random(given.seed)
    mean = sum(y) / len(y)
    fitted, judged = [mean] * len(y), [mean] * len(test_y)
    trees: list[Tree] = []
    for number in range(1, given.trees + 1):
        rows = sorted(numbers.sample(range(len(y)), max(1, round(given.rows * len(y)))))
        errors = [a - b for a, b in zip(y, fitted, strict=True)]
        tree = grow(x, errors, rows, given.depth, given.least)
        trees.append(tree)
        for predictions, features in ((fitted, x), (judged, test_x)):
            for place, row in enumerate(features):
                predictions[place] += given.learning_rate * predict(tree, row)
        if number % 20 == 0:
            print(f"tree {number}: rmse {rmse(test_y, judged):.4f}", flush=True)

    target.mkdir(parents=True, exist_ok=True)
    model = {"mean": mean, "learning_rate": given.learning_rate, "trees": trees}
    (target / "model.json").write_text(json.dumps(model) + "\n", encoding="utf-8")
    metrics = {"rmse": round(rmse(test_y, judged), 6), "train_rmse": round(rmse(y, fitted), 6)}
    (target / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
