"""Pushes at a fixed rate for a minute; where that is not carried, the highest rate that is.

A rate is carried when every webhook is answered 202 within Bitbucket's ten seconds, and every push
that was taken becomes its one job and its true status, however long that takes afterwards. One that
is not carried is accounted for like any other: what was answered 202 must not be lost.

Lower rates are looked for by short probes, of which the answers alone count, halving what is open
between a rate that is carried and one that is not. The one that is found is then sent for a whole
minute and accounted for; should it not be carried so long, a tenth less is, and once more.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.load.accounts import Account, Push, settle_accounts
from tests.load.bounds import Work, memory_failures
from tests.load.embedded import Loaded, embedded
from tests.load.memory import Memory, watched
from tests.load.pushing import BRANCH, commits, one_push
from tests.load.report import (
    Finding,
    failures_of,
    losses,
    memory_figures,
    say,
    show_account,
    show_answers,
    show_memory,
)
from tests.load.sender import BITBUCKET_WAITS, Sender, Sent
from tests.load.settling import settle

LOWEST = 1.0
_PROBES = 4
_PROBE_SECONDS = 15.0
_LESS = 0.9
_MINUTES = 3


@dataclass(frozen=True)
class Minute:
    """A rate that was sent and accounted for. `settled_after` counts from the first webhook.

    `rested` is whether the stack came to rest at all.
    """

    rate: float
    sent: Sent
    account: Account
    settled_after: float
    rested: bool
    memory: Memory

    @property
    def work(self) -> Work:
        """What it brought."""
        return Work(self.account.pushed)

    @property
    def carried(self) -> bool:
        """Whether all were answered in time and nothing is lost."""
        return self.rested and not failures_of(self.sent, self.account)

    def failures(self) -> Iterator[str]:
        """What must not be, carried or not."""
        if not self.rested:
            yield "the stack did not come to rest"
        yield from losses(self.account)
        yield from memory_failures(self.memory, self.work)

    def figures(self) -> dict[str, object]:
        """What a report says of it."""
        return {
            "rate": self.rate,
            "carried": self.carried,
            "webhook": self.sent.figures(),
            "account": self.account.figures(),
            "settled_after_seconds": round(self.settled_after, 1),
            "rested": self.rested,
            "runs_per_second": round(self.account.true_statuses / self.settled_after, 2),
            **memory_figures(self.memory),
        }


def part(rate: float, lasting: float) -> Finding:
    """Send `rate` a second for `lasting` seconds, then lower rates until one is carried."""
    minutes: list[Minute] = []
    probes: dict[float, object] = {}

    def answered(lower: float) -> bool:
        sent = _probe(lower)
        probes[lower] = sent.figures()
        return will_last(sent, _PROBE_SECONDS / lasting)

    for one in _tried(rate, answered):
        minutes.append(_minute(one, lasting))
        _show(minutes[-1])
        if minutes[-1].carried:
            break
    carried = minutes[-1].rate if minutes[-1].carried else None
    failures = [f"at {one.rate:g}/s: {what}" for one in minutes for what in one.failures()]
    if carried is None:
        failures.append("no rate was carried")
    figures = {"carried_rate": carried, "minutes": [one.figures() for one in minutes]}
    said = f"{rate:g} pushes a second asked for, {carried or 0:g} carried"
    return Finding("rate", {**figures, "probes": probes}, tuple(failures), said)


def _tried(rate: float, answered: Callable[[float], bool]) -> Iterator[float]:
    """The rates that are sent for a whole minute, until nobody asks for another."""
    yield rate
    found = highest(rate, answered)
    for _ in range(_MINUTES - 1):
        yield found
        found = max(LOWEST, round(_LESS * found, 1))


def highest(refused: float, answered: Callable[[float], bool]) -> float:
    """The highest rate below `refused` that four probes find; `LOWEST` if they find none."""
    carried = LOWEST
    for _ in range(_PROBES):
        between = round((carried + refused) / 2, 1)
        if answered(between):
            carried = between
        else:
            refused = between
    return carried


def will_last(sent: Sent, part: float) -> bool:
    """Whether answers to a `part` of the time let hope for the whole of it.

    Who is slower than he is asked has a queue that grows with the time.
    """
    return not sent.late and sent.took(100) <= part * BITBUCKET_WAITS


def _probe(rate: float) -> Sent:
    # A stack of its own for each rate: what one left behind does not weigh on the next.
    with embedded(f"rate-{rate:g}-probe") as stack:
        sent, _ = _send(stack, rate, _PROBE_SECONDS)
    say(
        f"{rate:g} a second for {_PROBE_SECONDS:g} s: {sent.late} not in time,"
        f" the last after {sent.took(100):.1f} s"
    )
    return sent


def _minute(rate: float, lasting: float) -> Minute:
    with embedded(f"rate-{rate:g}") as stack, watched(stack.pid) as memory:
        sent, hashes = _send(stack, rate, lasting)
        rested = settle(stack)
        took = time.monotonic() - sent.began
        pushes = [
            Push(stack.repository_uuid, BRANCH, commit, answer.status == 202)
            for commit, answer in zip(hashes, sent.answers, strict=True)
        ]
        return Minute(rate, sent, settle_accounts(stack, pushes), took, rested, memory)


def _send(stack: Loaded, rate: float, lasting: float) -> tuple[Sent, list[str]]:
    hashes = commits(stack.world, round(rate * lasting))
    settle(stack)
    webhooks = [one_push(stack, commit) for commit in hashes]
    say(f"sending {len(webhooks):,} webhooks, {rate:g} a second")
    sent = Sender(stack.world.told["webhook_url"]).send(webhooks, rate)
    say(f"answers: {sent.statuses}")
    return sent, hashes


def _show(minute: Minute) -> None:
    account = minute.account
    show_account(
        f"{minute.rate:g} pushes a second, {account.pushed:,} in all:"
        f" {'carried' if minute.carried else 'not carried'}",
        account,
        f"all settled {minute.settled_after:.0f} s after the first webhook:"
        f" {account.true_statuses / minute.settled_after:.1f} runs a second",
    )
    show_answers(minute.sent)
    show_memory(minute.memory, minute.work)
