"""`python -m tests.benchmarks [--only cpu,imports,build,parser,job,stack,sweeps]`."""

import argparse
import importlib
import os

from tests.benchmarks.services import say

SECTIONS = ("cpu", "imports", "build", "parser", "job", "stack", "sweeps")


def main() -> None:
    """Run the sections that were asked for; a goal that is missed is printed, and no failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, with commas")
    wanted = parser.parse_args().only.split(",")
    unknown = sorted(set(wanted) - set(SECTIONS))
    if unknown:
        parser.error(f"no section {', '.join(unknown)}: there are {', '.join(SECTIONS)}")
    load, cores = os.getloadavg()[0], os.cpu_count()
    print(f"load {load:.1f} on {cores} cores: compare ratios, which come from one run each")
    for section in SECTIONS:
        if section in wanted:
            say(f"measuring {section} …")
            # Loaded when it is its turn: no section weighs on another's memory.
            importlib.import_module(f"tests.benchmarks.{section}").section()


if __name__ == "__main__":
    main()
