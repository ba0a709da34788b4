"""Pushes at a fixed rate for a minute; where that is not carried, the highest rate that is.

A rate is carried when every webhook is answered 202 within Bitbucket's ten seconds, and every push
that was taken becomes its one job and its true status, however long that takes afterwards.

Lower rates are looked for by short probes, of which the answers alone count, in steps of a fifth;
the one that is found is then sent for a whole minute and accounted for.
"""

import time
from collections.abc import Iterator
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
from tests.load.sender import Sender, Sent
from tests.load.settling import settle
from tests.load.warming import warm

_STEP = 0.8
LOWEST = 1.0
_PROBE_SECONDS = 15.0


@dataclass(frozen=True)
class Minute:
    """A rate that was sent and accounted for. `settled_after` counts from the first webhook."""

    rate: float
    sent: Sent
    account: Account
    settled_after: float
    memory: Memory

    @property
    def work(self) -> Work:
        """What it brought."""
        return Work(self.account.pushed)

    @property
    def carried(self) -> bool:
        """Whether all were answered in time and nothing is lost."""
        return not failures_of(self.sent, self.account)

    def figures(self) -> dict[str, object]:
        """What a report says of it."""
        return {
            "rate": self.rate,
            "carried": self.carried,
            "webhook": self.sent.figures(),
            "account": self.account.figures(),
            "settled_after_seconds": round(self.settled_after, 1),
            "runs_per_second": round(self.account.true_statuses / self.settled_after, 2),
            **memory_figures(self.memory),
        }


def part(rate: float, lasting: float) -> Finding:
    """Send `rate` a second for `lasting` seconds, then lower rates until one is carried."""
    minutes: list[Minute] = []
    probes: dict[float, object] = {}
    for lower in _downwards(rate):
        if minutes and not _answered_in_time(lower, probes):
            continue
        minutes.append(_minute(lower, lasting))
        _show(minutes[-1])
        if minutes[-1].carried:
            break
    carried = minutes[-1].rate if minutes[-1].carried else None
    failures = [
        f"at {one.rate:g}/s: {what}"
        for one in minutes
        for what in (*losses(one.account), *memory_failures(one.memory, one.work))
    ]
    if carried is None:
        failures.append("no rate was carried")
    figures = {"carried_rate": carried, "minutes": [one.figures() for one in minutes]}
    said = f"{rate:g} pushes a second asked for, {carried or 0:g} carried"
    return Finding("rate", {**figures, "probes": probes}, tuple(failures), said)


def _downwards(rate: float) -> Iterator[float]:
    while rate >= LOWEST:
        yield rate
        rate = round(rate * _STEP, 1)


def _answered_in_time(rate: float, probes: dict[float, object]) -> bool:
    # A stack of its own for each rate: what one left behind does not weigh on the next.
    with embedded(f"rate-{rate:g}-probe") as stack:
        sent, _ = _send(stack, rate, _PROBE_SECONDS)
    probes[rate] = sent.figures()
    say(f"{rate:g} a second for {_PROBE_SECONDS:g} s: {sent.late} not in time")
    return sent.late == 0


def _minute(rate: float, lasting: float) -> Minute:
    with embedded(f"rate-{rate:g}") as stack, watched(stack.pid) as memory:
        sent, hashes = _send(stack, rate, lasting)
        settle(stack)
        took = time.monotonic() - sent.began
        pushes = [
            Push(stack.repository_uuid, BRANCH, commit, answer.status == 202)
            for commit, answer in zip(hashes, sent.answers, strict=True)
        ]
        return Minute(rate, sent, settle_accounts(stack, pushes), took, memory)


def _send(stack: Loaded, rate: float, lasting: float) -> tuple[Sent, list[str]]:
    warm(stack)
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
