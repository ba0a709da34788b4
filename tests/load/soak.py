"""A quarter of an hour at a moderate rate: is the memory of each part flat?

The last third of the time is compared with the middle one; the first is the warm-up. Functions are
compared by process, since the emulator ends those that were idle for five minutes. The emulator is
AWS: it keeps records, log lines and events in memory for good, so it is held to so much a push.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression, mean

from tests.benchmarks.tables import show
from tests.load.accounts import Push, settle_accounts
from tests.load.embedded import embedded
from tests.load.memory import PARTS, Memory, Sample, watched
from tests.load.pushing import BRANCH, commits, one_push
from tests.load.report import (
    Finding,
    failures_of,
    memory_figures,
    say,
    show_account,
    show_answers,
    show_memory,
)
from tests.load.sender import Sender
from tests.load.settling import settle
from tests.load.warming import warm

# The last third may be above the middle one by a twentieth, or by so many MiB if that is more.
_MARGIN, _MARGIN_MIB = 0.05, 3.0
# What a push may leave in the emulator's memory: a record, messages' and functions' log lines.
_EMULATOR, _EMULATOR_KIB = "emulator", 256.0


@dataclass(frozen=True)
class Growth:
    """A part's memory in MiB: means of the middle and the last third, slope of both per hour."""

    part: str
    middle: float
    last: float
    slope: float
    kib_per_push: float

    @property
    def flat(self) -> bool:
        """Whether it keeps within its margin."""
        if self.part == _EMULATOR:
            return self.kib_per_push <= _EMULATOR_KIB
        return self.last - self.middle <= max(_MARGIN_MIB, _MARGIN * self.middle)


def part(minutes: float, rate: float) -> Finding:
    """Send `rate` pushes a second for so many minutes; each asks for a run."""
    with embedded() as stack, watched(stack.pid) as memory:
        warm(stack)
        hashes = commits(stack.world, round(60 * minutes * rate))
        settle(stack)
        webhooks = [one_push(stack, commit) for commit in hashes]
        say(f"sending {len(webhooks):,} webhooks, {rate:g} a second, for {minutes:g} minutes")
        sent = Sender(stack.world.told["webhook_url"]).send(webhooks, rate)
        ended = time.monotonic()
        settle(stack)
        pushes = [
            Push(stack.repository_uuid, BRANCH, commit, answer.status == 202)
            for commit, answer in zip(hashes, sent.answers, strict=True)
        ]
        account = settle_accounts(stack, pushes)
    growths = _growths(memory, sent.began, ended, rate)
    show_account(f"{rate:g} pushes a second for {minutes:g} minutes", account)
    show_answers(sent)
    _show(growths)
    show_memory(memory)
    failures = [
        f"{one.part} grew from {one.middle:.1f} to {one.last:.1f} MiB"
        for one in growths
        if not one.flat
    ]
    figures = {
        "minutes": minutes,
        "rate": rate,
        "webhook": sent.figures(),
        "account": account.figures(),
        "growth": {
            one.part: {
                "middle_third_mib": round(one.middle, 2),
                "last_third_mib": round(one.last, 2),
                "mib_per_hour": round(one.slope, 2),
                "kib_per_push": round(one.kib_per_push, 2),
                "flat": one.flat,
            }
            for one in growths
        },
        "samples": [
            {"seconds": round(one.at - sent.began, 1), "mib": _rounded(one)}
            for one in memory.between(sent.began, ended)[::5]
        ],
        **memory_figures(memory),
    }
    return Finding("soak", figures, (*failures_of(sent, account), *failures))


def _growths(memory: Memory, start: float, end: float, rate: float) -> list[Growth]:
    third = (end - start) / 3
    middle = memory.between(start + third, end - third)
    last = memory.between(end - third, end)
    return [_growth(part, middle, last, rate) for part in PARTS]


def _growth(part: str, middle: Sequence[Sample], last: Sequence[Sample], rate: float) -> Growth:
    mib = _each if part == "functions" else _all
    both = [*middle, *last]
    a_second = linear_regression([one.at for one in both], [mib(one, part) for one in both]).slope
    before, after = (mean(mib(one, part) for one in some) for some in (middle, last))
    return Growth(part, before, after, 3600 * a_second, 1024 * a_second / rate)


def _all(sample: Sample, part: str) -> float:
    return sample.mib[part]


def _each(sample: Sample, part: str) -> float:
    return sample.mib[part] / max(1, sample.processes[part])


def _rounded(sample: Sample) -> dict[str, float]:
    return {part: round(mib, 1) for part, mib in sample.mib.items()}


def _show(growths: Sequence[Growth]) -> None:
    show(
        "Resident memory, in MiB",
        ("part", "middle third", "last third", "an hour", "KiB a push", "flat"),
        [
            (
                "each function" if one.part == "functions" else one.part,
                f"{one.middle:.1f}",
                f"{one.last:.1f}",
                f"{one.slope:+.1f}",
                f"{one.kib_per_push:+.1f}",
                "yes" if one.flat else "NO",
            )
            for one in growths
        ],
        f"flat: the last third is above the middle one by no more than {_MARGIN:.0%},"
        f" or {_MARGIN_MIB:g} MiB;",
        f"the emulator, which keeps all that AWS stores: no more than {_EMULATOR_KIB:g} KiB a push",
    )
