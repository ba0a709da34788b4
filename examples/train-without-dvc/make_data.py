"""Write train.csv and test.csv: Friedman's first regression problem.

Ten numbers from 0 to 1; five matter: y = 10 sin(pi x1 x2) + 20 (x3 - 1/2)^2 + 10 x4 + 5 x5,
and noise of standard deviation 1 (J. H. Friedman, "Multivariate Adaptive Regression Splines",
Annals of Statistics 19, 1991). So no model can be much better than a root mean square error of 1.
"""

import argparse
import csv
import math
import random
from pathlib import Path

FEATURES = 10
ROWS = {"train.csv": 1000, "test.csv": 1000}


def row(numbers: random.Random) -> list[float]:
    """One row: the features, then y."""
    x = [numbers.random() for _ in range(FEATURES)]
    y = 10 * math.sin(math.pi * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + 5 * x[4]
    return [round(value, 4) for value in (*x, y + numbers.gauss(0, 1))]


def main() -> None:
    """Write both files into a directory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    numbers = random.Random(given.seed)
    given.directory.mkdir(parents=True, exist_ok=True)
    head = [f"x{number}" for number in range(1, FEATURES + 1)]
    for name, count in ROWS.items():
        with (given.directory / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([[*head, "y"], *(row(numbers) for _ in range(count))])


if __name__ == "__main__":
    main()
