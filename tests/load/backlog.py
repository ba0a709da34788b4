"""Ten thousand messages that waited on a queue: how fast they are worked off, and that all are.

Pushes wait while nobody reads them, as after an outage: most ask for nothing, as most commits do.
Then changes of runs wait as many times, each of which makes its commit's status true once more.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from shared.events import CommitPushed, Event, Person, Repository
from shared.publisher import Publisher
from shared.run_store import RunStore
from shared.runs import state_changed
from tests.benchmarks.tables import show
from tests.e2e.trivial import TRIVIAL
from tests.load.accounts import Push, settle_accounts
from tests.load.embedded import Loaded, embedded
from tests.load.memory import watched
from tests.load.pushing import ASKS, BRANCH, commits
from tests.load.report import Finding, losses, memory_figures, say, show_account, show_memory
from tests.load.settling import settle, until_nothing_left
from tests.load.warming import warm

# One of so many pushes asks for a run.
_ASKING = 50


def part(count: int) -> Finding:
    """Let `count` pushes wait, then `count` changes of the runs that they asked for."""
    with embedded() as stack, watched(stack.pid) as memory:
        warm(stack)
        asking = commits(stack.world, max(1, count // _ASKING))
        settle(stack)
        pushes = [Push(stack.repository_uuid, BRANCH, commit, taken=True) for commit in asking]
        read = _worked_off(stack, "pushes", count, lambda: _publish_pushes(stack, asking, count))
        settled = settle(stack)
        before = _status_writes(stack)
        posted = _worked_off(
            stack, "statuses", count, lambda: _publish_changes(stack, pushes, count)
        )
        settled = settle(stack) and settled
        writes = _status_writes(stack) - before
        account = settle_accounts(stack, pushes)
    show(
        f"A backlog of {count:,} messages",
        ("", "seconds", "a second"),
        [
            ("pushes read", f"{read:.0f}", f"{count / read:.0f}"),
            ("statuses posted", f"{posted:.0f}", f"{count / posted:.0f}"),
        ],
        f"one of {_ASKING} pushes asks for a run; {writes:,} statuses were written",
    )
    show_account(f"The {len(asking):,} pushes that asked for a run", account)
    show_memory(memory)
    failures = [*losses(account)]
    if not settled:
        failures.append("the stack did not come to rest")
    if writes < count:
        failures.append(f"{count} changes were told, and {writes} statuses written")
    figures = {
        "messages": count,
        "pushes_seconds": round(read, 1),
        "pushes_per_second": round(count / read, 1),
        "statuses_seconds": round(posted, 1),
        "statuses_per_second": round(count / posted, 1),
        "status_writes": writes,
        "account": account.figures(),
        **memory_figures(memory),
    }
    return Finding("backlog", figures, tuple(failures))


def _worked_off(stack: Loaded, queue: str, count: int, publish: Callable[[], None]) -> float:
    """Seconds that a queue's reader takes for what came while it did not read."""
    with _unread(stack, queue):
        say(f"putting {count:,} messages on {queue}")
        publish()
        say(f"{stack.messages()[queue]:,} wait")
    start = last = time.monotonic()

    def left() -> tuple[int, ...]:
        nonlocal last
        count = stack.messages()[queue]
        last = time.monotonic() if count else last
        return (count,)

    until_nothing_left(left)
    return last - start


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


def _status_writes(stack: Loaded) -> int:
    histories = stack.world.bitbucket.status_history(TRIVIAL)
    return sum(len(history["writes"]) for history in histories)
