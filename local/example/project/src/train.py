"""Fit a logistic regression by stochastic gradient descent."""

import csv
import json
import math
import random
from pathlib import Path

import yaml

PARAMS = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))


def read(name: str) -> list[tuple[list[float], float]]:
    """The rows of a table of features: values with a leading 1, and the label."""
    with Path(name).open(encoding="utf-8", newline="") as source:
        lines = list(csv.reader(source))[1:]
    return [([1.0, *map(float, line[:-1])], float(line[-1])) for line in lines]


def probability(weights: list[float], values: list[float]) -> float:
    """What the model says of one row."""
    score = sum(weight * value for weight, value in zip(weights, values))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))


def loss(weights: list[float], rows: list[tuple[list[float], float]]) -> float:
    """The mean log loss."""
    total = 0.0
    for values, label in rows:
        said = probability(weights, values)
        total -= math.log(said if label else 1 - said)
    return total / len(rows)


def main() -> None:
    """Read features/train.csv, write model.json and losses.csv."""
    rate, settings = PARAMS["learning_rate"], PARAMS["train"]
    rows = read("features/train.csv")
    weights = [0.0] * len(rows[0][0])
    order = random.Random(settings["seed"])  # noqa: S311 - shuffles rows, guards nothing

    losses = []
    for epoch in range(1, settings["epochs"] + 1):
        order.shuffle(rows)
        for values, label in rows:
            error = probability(weights, values) - label
            weights = [
                weight - rate * (error * value + settings["l2"] * weight)
                for weight, value in zip(weights, values)
            ]
        losses.append(round(loss(weights, rows), 6))
        if epoch == 1 or epoch % 20 == 0:
            print(f"epoch {epoch}: loss {losses[-1]:.4f}")

    rounded = [round(weight, 6) for weight in weights]
    Path("model.json").write_text(json.dumps({"weights": rounded}) + "\n", encoding="utf-8")
    table = [f"{epoch},{value}" for epoch, value in enumerate(losses, start=1)]
    Path("losses.csv").write_text("\n".join(["epoch,loss", *table]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
