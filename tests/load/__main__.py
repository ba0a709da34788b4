"""`python -m tests.load [--only rate,branches,backlog,soak]`: load, measured, nothing lost."""

import argparse
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from local.layout import PROJECT
from tests.load import backlog, branches, rate, soak
from tests.load.embedded import KEPT
from tests.load.report import Finding, say, write


def main() -> int:
    """Run the parts that were asked for; 1 if one of them has a failure.

    Answers that come too late are none where a lower rate is looked for: the last line tells which
    was carried. They are one in every other part. Needs Linux, whose /proc tells what memory is.
    """
    options = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    options.add_argument("--only", default="rate,branches,backlog,soak", help="parts, with commas")
    options.add_argument("--rate", type=float, default=50, help="pushes a second")
    options.add_argument("--seconds", type=float, default=60, help="how long they are sent")
    options.add_argument("--branches", type=int, default=500, help="branches of one push")
    options.add_argument("--messages", type=int, default=10_000, help="messages of a backlog")
    options.add_argument("--soak-minutes", type=float, default=15)
    options.add_argument("--soak-rate", type=float, default=1, help="pushes a second")
    options.add_argument(
        "--json", type=Path, default=PROJECT / ".cloud-runner/load.json", help="where figures go"
    )
    asked = options.parse_args()
    parts: dict[str, Callable[[], Finding]] = {
        "rate": partial(rate.part, asked.rate, asked.seconds),
        "branches": partial(branches.part, asked.branches),
        "backlog": partial(backlog.part, asked.messages),
        "soak": partial(soak.part, asked.soak_minutes, asked.soak_rate),
    }
    wanted = asked.only.split(",")
    if unknown := sorted(set(wanted) - set(parts)):
        options.error(f"no part {', '.join(unknown)}: there are {', '.join(parts)}")
    if asked.rate < rate.LOWEST:
        options.error(f"--rate is {rate.LOWEST:g} at least")
    if sys.platform != "linux":
        options.error("load needs Linux, whose /proc tells how much memory each part has")
    # As Ctrl-C does it: the stack ends before we do.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    findings: list[Finding] = []
    for name in wanted:
        say(f"part {name}")
        findings.append(parts[name]())
        write(findings, asked.json)
    click.echo(f"\nfigures: {asked.json}, logs: {KEPT}")
    failures = [f"{one.part}: {failure}" for one in findings for failure in one.failures]
    for failure in failures:
        click.echo(f"FAILED {failure}")
    for one in findings:
        if one.said is not None:
            click.echo(f"{one.part}: {one.said}")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
