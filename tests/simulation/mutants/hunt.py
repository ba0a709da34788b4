"""Runs seeds in this process until one of them finds a fault; says which, as JSON.

python -m tests.simulation.mutants.hunt SEEDS
"""

import json
import sys

from tests.simulation.simulate import simulate


def hunt(seeds: int) -> dict[str, object]:
    """The first seed from 1 that ends in a violation, with its name; `seed` None: there is none."""
    for seed in range(1, seeds + 1):
        violation = simulate(seed).violation
        if violation is not None:
            return {"seed": seed, "violation": violation.name, "text": violation.text}
    return {"seed": None}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(hunt(int(sys.argv[1]))) + "\n")
