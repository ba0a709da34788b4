"""Turn measurements into features, and keep some rows back for the test."""

import csv
from pathlib import Path

import yaml

PARAMS = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["featurize"]
TARGET = "faulty"


def features(row: dict[str, str], degree: int) -> list[float]:
    """Every product of powers of the two columns up to the degree."""
    x, y = float(row["pressure"]), float(row["torque"])
    return [
        round(x**i * y ** (total - i), 6)
        for total in range(1, degree + 1)
        for i in range(total + 1)
    ]


def main() -> None:
    """Read data/measurements.csv, write features/train.csv and features/test.csv."""
    with Path("data/measurements.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    table = [[*features(row, PARAMS["degree"]), int(row[TARGET])] for row in rows]
    held_back = round(len(table) * PARAMS["test_share"])
    columns = [f"f{number}" for number in range(len(table[0]) - 1)]

    Path("features").mkdir(exist_ok=True)
    for name, part in (("test", table[:held_back]), ("train", table[held_back:])):
        with Path("features", f"{name}.csv").open("w", encoding="utf-8", newline="") as target:
            writer = csv.writer(target, lineterminator="\n")
            writer.writerow([*columns, TARGET])
            writer.writerows(part)
        print(f"features/{name}.csv: {len(part)} rows, {len(columns)} features")


if __name__ == "__main__":
    main()
