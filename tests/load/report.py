"""What a part has found: tables to read, figures for a machine, and whether it is well."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from tests.benchmarks.tables import show
from tests.load.accounts import Account
from tests.load.bounds import BOUNDS, Work, peak
from tests.load.memory import FUNCTIONS, PARTS, Memory
from tests.load.sender import Sent


@dataclass(frozen=True)
class Finding:
    """What one part found. `failures` are what must not be; none of them: the part is well.

    `said` is what must be read even if all is well.
    """

    part: str
    figures: Mapping[str, object]
    failures: tuple[str, ...]
    said: str | None = None


def write(findings: Sequence[Finding], path: Path) -> None:
    """Write the figures of all parts as one JSON document."""
    told = {one.part: {**one.figures, "failures": list(one.failures)} for one in findings}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def say(doing: str) -> None:
    """Tell on standard error what is being done; the tables go to standard output."""
    click.echo(f"{time.strftime('%H:%M:%S')} {doing}", err=True)


def failures_of(sent: Sent, account: Account) -> tuple[str, ...]:
    """What must not be of webhooks and of what they asked for."""
    found = [f"{sent.late} webhooks were not answered 202 within 10 s"] if sent.late else []
    return (*found, *losses(account))


def losses(account: Account) -> tuple[str, ...]:
    """What must not be of pushes that were taken."""
    found = []
    if account.lost:
        found.append(f"{len(account.lost)} pushes are not accounted for, first {account.lost[0]}")
    if account.unasked:
        found.append(f"{len(account.unasked)} that nobody asked for, first {account.unasked[0]}")
    if account.messages_left:
        found.append(f"messages left: {dict(account.messages_left)}")
    if account.dead_letters:
        found.append(f"dead letters: {dict(account.dead_letters)}")
    return tuple(found)


def show_account(title: str, account: Account, *notes: str) -> None:
    """Print what became of pushes."""
    show(
        title,
        ("", "count"),
        [
            ("heads pushed", f"{account.pushed:,}"),
            ("answered 202", f"{account.taken:,}"),
            ("taken, but without such an answer", f"{account.taken_without_answer:,}"),
            ("records", f"{account.records:,}"),
            ("jobs", f"{account.jobs:,}"),
            ("true statuses", f"{account.true_statuses:,}"),
            ("lost or doubled", f"{len(account.lost):,}"),
            ("that nobody asked for", f"{len(account.unasked):,}"),
            ("messages left", str(sum(account.messages_left.values()))),
            ("dead letters", str(sum(account.dead_letters.values()))),
        ],
        *notes,
        *account.lost[:5],
        *account.unasked[:5],
    )


def show_answers(sent: Sent) -> None:
    """Print how long Bitbucket would have waited."""
    show(
        "The webhook's answer, from the moment at which it was due",
        ("", "seconds"),
        [(name, f"{sent.took(p):.3f}") for name, p in (("p50", 50), ("p99", 99), ("max", 100))],
        f"{sent.late:,} of {len(sent.answers):,} were not answered 202 within 10 s;"
        f" answers: {sent.statuses}",
    )


def show_memory(memory: Memory, work: Work) -> None:
    """Print the peak of each part beside what it may have; `bounds` tells why."""
    rows = [
        (
            "each function" if part == FUNCTIONS else part,
            f"{peak(memory, part):.0f}",
            f"{BOUNDS[part].mib(work):.0f}",
            str(memory.most_processes(part)),
        )
        for part in PARTS
    ]
    show("Peak resident memory", ("part", "MiB", "at most", "processes"), rows)


def memory_figures(memory: Memory) -> dict[str, object]:
    """The same for a machine."""
    return {
        "peak_mib": memory.peaks(),
        "most_function_processes": memory.most_processes("functions"),
    }
