"""One push with hundreds of branches, all of them in one webhook."""

import time

from tests.load.accounts import Push, settle_accounts
from tests.load.bounds import Work, memory_failures
from tests.load.embedded import embedded
from tests.load.memory import watched
from tests.load.pushing import commits, many_branches
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


def part(count: int) -> Finding:
    """Push `count` branches at once; each asks for a run."""
    with embedded("branches") as stack, watched(stack.pid) as memory:
        heads = [(f"branch-{n}", commit) for n, commit in enumerate(commits(stack.world, count))]
        settle(stack)
        webhook = many_branches(stack, heads)
        say(f"sending one webhook of {len(webhook.body):,} bytes")
        sent = Sender(stack.world.told["webhook_url"]).send([webhook], 1)
        (answer,) = sent.answers
        settle(stack)
        took = time.monotonic() - sent.began
        pushes = [
            Push(stack.repository_uuid, branch, commit, answer.status == 202)
            for branch, commit in heads
        ]
        account = settle_accounts(stack, pushes)
    stored = f"stored {count}" in answer.text
    show_account(
        f"One push with {count} branches, {len(webhook.body) / 1024:.0f} KiB",
        account,
        f"answered {answer.status}: {answer.text}",
        f"all settled {took:.0f} s after the webhook",
    )
    show_answers(sent)
    show_memory(memory, Work(count))
    failures = (*failures_of(sent, account), *memory_failures(memory, Work(count)))
    if not stored:
        failures = (f"the webhook did not store {count} events: {answer.text}", *failures)
    figures = {
        "branches": count,
        "body_bytes": len(webhook.body),
        "webhook": sent.figures(),
        "account": account.figures(),
        "settled_after_seconds": round(took, 1),
        **memory_figures(memory),
    }
    return Finding("branches", figures, failures)
