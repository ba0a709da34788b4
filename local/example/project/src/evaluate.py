"""Measure the model on the rows that training has not seen."""

import json
from pathlib import Path

from train import loss, probability, read  # type: ignore[import-not-found]  # stands beside this


def main() -> None:
    """Read features/test.csv and model.json, write metrics.json."""
    weights = json.loads(Path("model.json").read_text(encoding="utf-8"))["weights"]
    rows = read("features/test.csv")
    right = sum((probability(weights, values) > 0.5) == bool(label) for values, label in rows)
    metrics = {
        "accuracy": round(right / len(rows), 4),
        "log_loss": round(loss(weights, rows), 4),
    }
    Path("metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    print(f"accuracy {metrics['accuracy']:.3f}, log loss {metrics['log_loss']:.3f}")


if __name__ == "__main__":
    main()
