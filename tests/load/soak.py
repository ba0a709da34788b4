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
from tests.load.bounds import BOUNDS, FEWEST_SAMPLES, Work, memory_failures, unmeasured
from tests.load.embedded import embedded
from tests.load.memory import FUNCTIONS, PARTS, Memory, Sample, watched
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

# The last third may be above the middle one by a twentieth, or by so many MiB if that is more.
_MARGIN, _MARGIN_MIB = 0.05, 3.0
# What a push may leave in the emulator's memory: a record, messages' and functions' log lines.
_EMULATOR, _EMULATOR_KIB = "emulator", BOUNDS["emulator"].run


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
    with embedded("soak") as stack, watched(stack.pid) as memory:
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
    thirds = Thirds(memory, sent.began, ended)
    found = growths(thirds, rate) if thirds.enough else []
    show_account(f"{rate:g} pushes a second for {minutes:g} minutes", account)
    show_answers(sent)
    _show(found)
    show_memory(memory, Work(len(pushes)))
    failures = [
        *thirds.failures(),
        *memory_failures(memory, Work(len(pushes))),
        *(
            f"{one.part} grew from {one.middle:.1f} to {one.last:.1f} MiB"
            for one in found
            if not one.flat
        ),
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
            for one in found
        },
        "samples": [
            {"seconds": round(one.at - sent.began, 1), "mib": _rounded(one)}
            for one in memory.between(sent.began, ended)[::5]
        ],
        **memory_figures(memory),
    }
    return Finding("soak", figures, (*failures_of(sent, account), *failures))


@dataclass(frozen=True)
class Thirds:
    """What was measured from `start` to `end`, but for the first third of it."""

    memory: Memory
    start: float
    end: float

    @property
    def middle(self) -> list[Sample]:
        """The samples of the second third."""
        third = (self.end - self.start) / 3
        return self.memory.between(self.start + third, self.end - third)

    @property
    def last(self) -> list[Sample]:
        """The samples of the last third."""
        return self.memory.between(self.end - (self.end - self.start) / 3, self.end)

    @property
    def enough(self) -> bool:
        """Whether each third was measured often enough to be compared."""
        return min(len(self.middle), len(self.last)) >= FEWEST_SAMPLES

    def failures(self) -> list[str]:
        """What was not measured: memory of which nothing is known is not flat."""
        found = unmeasured(Memory([*self.middle, *self.last]))
        if not self.enough:
            found.append(
                f"{len(self.middle)} and {len(self.last)} samples in a third,"
                f" less than {FEWEST_SAMPLES}: nothing can be said of growth"
            )
        return found


def growths(thirds: Thirds, rate: float) -> list[Growth]:
    """How each part grew in the last two thirds of a time in which `rate` pushes a second came."""
    return [_growth(part, thirds.middle, thirds.last, rate) for part in PARTS]


def _growth(part: str, middle: Sequence[Sample], last: Sequence[Sample], rate: float) -> Growth:
    mib = _each if part == FUNCTIONS else _all
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
                "each function" if one.part == FUNCTIONS else one.part,
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
