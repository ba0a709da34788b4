"""Ten thousand messages that waited on a queue: how fast they are worked off, and that all are.

Pushes wait while nobody reads them, as after an outage: most ask for nothing, as most commits do.
Then changes of runs wait as many times, each of which makes its commit's status true once more.
While they are worked off, a webhook a second is answered, and asks for a run.
"""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.events import CommitPushed, Event, Person, Repository
from shared.publisher import Publisher
from shared.run_store import RunStore
from shared.runs import state_changed
from tests.benchmarks.tables import show
from tests.e2e.trivial import TRIVIAL
from tests.load.accounts import Push, settle_accounts
from tests.load.bounds import Work, memory_failures
from tests.load.embedded import Loaded, embedded
from tests.load.meanwhile import Meanwhile
from tests.load.memory import watched
from tests.load.pushing import ASKS, BRANCH, commits
from tests.load.report import (
    Finding,
    failures_of,
    memory_figures,
    say,
    show_account,
    show_answers,
    show_memory,
)
from tests.load.settling import settle, until_nothing_left

# One of so many pushes asks for a run.
_ASKING = 50
# A reader may hold a batch when it is stopped.
_MAY_BE_READ = 10
# Webhooks that are sent meanwhile have messages of their own: so few are no backlog any more.
_OF_WEBHOOKS = 10
# Half an hour of them, for both backlogs together.
_WEBHOOKS = 1800


@dataclass(frozen=True)
class WorkedOff:
    """Messages that waited, seconds until they were read; `ended` is False if they never were."""

    waited: int
    seconds: float
    ended: bool

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.waited / self.seconds


def part(count: int) -> Finding:
    """Let `count` pushes wait, then `count` changes of the runs that they asked for."""
    with embedded("backlog") as stack, watched(stack.pid) as memory:
        asking = commits(stack.world, max(1, count // _ASKING))
        meanwhile = Meanwhile(stack, commits(stack.world, _WEBHOOKS))
        settle(stack)
        pushes = [Push(stack.repository_uuid, BRANCH, commit, taken=True) for commit in asking]
        read = _worked_off(
            stack, "pushes", lambda: _publish_pushes(stack, asking, count), meanwhile
        )
        settled = settle(stack)
        before = _status_writes(stack, asking)
        posted = _worked_off(
            stack, "statuses", lambda: _publish_changes(stack, pushes, count), meanwhile
        )
        settled = settle(stack) and settled
        writes = _status_writes(stack, asking) - before
        sent = meanwhile.sent()
        account = settle_accounts(stack, [*pushes, *meanwhile.pushes()])
    show(
        f"A backlog of {count:,} messages",
        ("", "waited", "seconds", "a second"),
        [
            ("pushes read", f"{read.waited:,}", f"{read.seconds:.0f}", f"{read.rate:.0f}"),
            (
                "statuses posted",
                f"{posted.waited:,}",
                f"{posted.seconds:.0f}",
                f"{posted.rate:.0f}",
            ),
        ],
        f"one of {_ASKING} pushes asks for a run; {writes:,} statuses were written",
    )
    show_account(
        f"The {len(asking):,} pushes that asked for a run, and those of webhooks meanwhile", account
    )
    show_answers(sent)
    work = Work(account.pushed, 2 * count)
    show_memory(memory, work)
    failures = [*failures_of(sent, account), *memory_failures(memory, work)]
    failures += [
        f"of {count} messages only {one.waited} waited"
        for one in (read, posted)
        if one.waited < count - _MAY_BE_READ
    ]
    if not (settled and read.ended and posted.ended):
        failures.append("the stack did not come to rest")
    if writes < count:
        failures.append(f"{count} changes were told, and {writes} statuses written")
    figures = {
        "messages": count,
        "pushes_waited": read.waited,
        "pushes_seconds": round(read.seconds, 1),
        "pushes_per_second": round(read.rate, 1),
        "statuses_waited": posted.waited,
        "statuses_seconds": round(posted.seconds, 1),
        "statuses_per_second": round(posted.rate, 1),
        "webhook": sent.figures(),
        "status_writes": writes,
        "account": account.figures(),
        **memory_figures(memory),
    }
    return Finding("backlog", figures, tuple(failures))


def _worked_off(
    stack: Loaded, queue: str, publish: Callable[[], None], meanwhile: Meanwhile
) -> WorkedOff:
    """What a queue's reader takes for what came while it did not read."""
    with _unread(stack, queue):
        say(f"putting messages on {queue}")
        publish()
        waited = stack.messages()[queue]
        say(f"{waited:,} wait")
    start = time.monotonic()
    empty: float | None = None

    def left() -> tuple[int, ...]:
        nonlocal empty
        count = max(0, stack.messages()[queue] - _OF_WEBHOOKS)
        # The first of the looks that find nothing: later than it was by a look at most.
        empty = None if count else empty or time.monotonic()
        return (count,)

    with meanwhile.sending():
        ended = until_nothing_left(left)
    return WorkedOff(waited, (empty or time.monotonic()) - start, ended)


@contextmanager
def _unread(stack: Loaded, queue: str) -> Iterator[None]:
    """Nobody reads a queue as long as the block lasts."""
    mappings = stack.functions.list_event_source_mappings()["EventSourceMappings"]
    (uuid,) = (one["UUID"] for one in mappings if one["EventSourceArn"].endswith(f"-{queue}"))
    stack.functions.update_event_source_mapping(UUID=uuid, Enabled=False)
    try:
        yield
    finally:
        stack.functions.update_event_source_mapping(UUID=uuid, Enabled=True)


def _publish_pushes(stack: Loaded, asking: list[str], count: int) -> None:
    queues: dict[type[Event], str] = {CommitPushed: stack.world.told["queues"]["pushes"]}
    asks = {place * _ASKING: commit for place, commit in enumerate(asking)}
    Publisher(sqs=stack.sqs, queues=queues).publish(
        CommitPushed(
            repository=Repository(uuid=stack.repository_uuid, full_name=TRIVIAL),
            branch=BRANCH,
            commit=asks.get(place, f"{place:040x}"),
            message=ASKS if place in asks else "A commit that asks for nothing",
            pushed_by=Person(name="Someone"),
            pushed_at=datetime.now(UTC),
        )
        for place in range(count)
    )


def _publish_changes(stack: Loaded, pushes: list[Push], count: int) -> None:
    """Tell of runs again and again, on the bus, as the services do."""
    told, world = [], stack.world
    runs = RunStore(stack.dynamodb, world.told["runs_table"])
    for push in pushes:
        run = runs.get(push.run_id)
        if run is not None:
            told.append(state_changed(run))
    bus = Publisher(eventbridge=world.client("events"), bus=world.told["event_bus"])
    bus.publish(told[place % len(told)] for place in range(count))


def _status_writes(stack: Loaded, commits: Collection[str]) -> int:
    histories = stack.world.bitbucket.status_history(TRIVIAL)
    return sum(len(one["writes"]) for one in histories if one["commit"] in commits)
