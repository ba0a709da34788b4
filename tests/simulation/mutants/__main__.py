"""Breaks the product on purpose, one fault at a time, and asks the simulation to find each.

    python -m tests.simulation.mutants [--seeds 2000] [NAME…]

Each mutant is a copy of the product with one mistake in it. The unbroken copy is run first: what
finds a fault in that, finds none in a mutant. Exit code 1: a mutant was not found.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.mutants.faults import MUTANTS
from tests.simulation.mutants.mutant import Mutant

_PROJECT = Path(__file__).resolve().parents[3]
# What is broken or finds the project from where it is; everything else is linked.
_COPIED = ("cli", "services", "shared", "tests", "template.yaml")
_AT_ONCE = 2
_SECONDS = 1800
_UNBROKEN = Mutant("unbroken", ())


@dataclass(frozen=True)
class Found:
    """What became of one mutant: the seed and the violation that found it, or what went wrong."""

    mutant: Mutant
    seconds: float
    seed: int | None = None
    violation: str = ""
    error: str = ""


@contextmanager
def broken(mutant: Mutant) -> Iterator[Path]:
    """A copy of the product with the mutant's edits in it.

    Raises:
        ValueError: a text that it replaces does not stand there exactly once.

    """
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        place = Path(folder)
        for name in _COPIED:
            source = _PROJECT / name
            if source.is_dir():
                shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, place / name)
        # Everything else is as it is.
        for other in _PROJECT.iterdir():
            if other.name not in _COPIED and not other.name.startswith("."):
                (place / other.name).symlink_to(other)
        for edit in mutant.edits:
            path = place / edit.path
            path.write_text(edited(path.read_text(encoding="utf-8"), edit.old, edit.new, mutant))
        yield place


def edited(text: str, old: str, new: str, mutant: Mutant) -> str:
    """The text with the one `old` in it replaced."""
    if text.count(old) != 1:
        message = f"the mutant {mutant.name!r} replaces what stands there {text.count(old)} times"
        raise ValueError(message)
    return text.replace(old, new)


def hunted(mutant: Mutant, seeds: int) -> Found:
    """Let the simulation look for the mutant's fault."""
    began = time.monotonic()
    with broken(mutant) as place:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "tests.simulation.mutants.hunt", str(seeds)],
                cwd=place,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Found(mutant, _SECONDS, error=f"nothing in {_SECONDS} s")
    seconds = time.monotonic() - began
    if done.returncode != 0:
        return Found(mutant, seconds, error=done.stderr.strip()[-2000:])
    answer = json.loads(done.stdout.splitlines()[-1])
    return Found(mutant, seconds, answer["seed"], answer.get("violation", ""))


def main(arguments: Sequence[str] | None = None) -> int:
    """Hunt mutants, two at once; exit code 0: each was found, and nothing where nothing is."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3000, help="how many to try, for each mutant")
    parser.add_argument("names", nargs="*", help="mutants by words of their names; all by default")
    chosen = parser.parse_args(arguments)
    mutants = [
        one for one in MUTANTS if not chosen.names or any(name in one.name for name in chosen.names)
    ]
    missed = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        hunts = pool.map(lambda one: hunted(one, chosen.seeds), [_UNBROKEN, *mutants])
        for found in hunts:
            good, said = _judged(found, chosen.seeds)
            missed += not good
            sys.stdout.write(f"{'found ' if good else 'MISSED'}  {found.mutant.name}: {said}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(mutants)} mutants, {missed} missed\n")
    return 1 if missed else 0


def _judged(found: Found, seeds: int) -> tuple[bool, str]:
    took = f"{found.seconds:.0f} s"
    if found.error:
        return False, f"the simulation broke: {found.error}"
    if found.mutant is _UNBROKEN:
        if found.seed is None:
            return True, f"nothing, as it should be, in {seeds} seeds ({took})"
        return False, f"seed {found.seed} finds {found.violation} in the product itself"
    if found.seed is None:
        return False, f"not in {seeds} seeds ({took})"
    return True, f"seed {found.seed}, {found.violation} ({took})"


if __name__ == "__main__":
    sys.exit(main())
