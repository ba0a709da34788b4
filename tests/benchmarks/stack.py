"""Pushes through the embedded stack, and how long Bitbucket waits for the webhook's answer."""

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from cli.local_projects import join
from local.layout import StateDir
from local.projects import Hook
from local.stack import running
from tests.benchmarks.services import say
from tests.benchmarks.tables import milliseconds, show
from tests.benchmarks.timing import percentile
from tests.e2e.trivial import TRIVIAL, trivial_job
from tests.e2e.world import FINAL, World, push_body, until

PUSHES = 60
AT_ONCE = 4
_ALL_FINAL_SECONDS = 300


class UnfinishedError(Exception):
    """Something broke: not every push was taken, or not every run came to its end."""


def section() -> None:
    """Print the table."""
    with TemporaryDirectory() as folder:
        state = StateDir(Path(folder, "state"))
        with running(state, _step, join, repositories=[TRIVIAL]) as stack:
            world = World(stack.describe(), stack.bitbucket, Path(folder))
            hook = next(hook for hook in stack.hooks if hook.repository == TRIVIAL)
            trivial_job(world, ["true"])
            say(f"pushing {PUSHES} commits")
            commits = _commits(world, Path(folder, "clone"))
            _show(*_measure(world, hook, commits))


@contextmanager
def _step(doing: str) -> Iterator[None]:
    say(doing)
    yield


def _commits(world: World, folder: Path) -> list[str]:
    """Commits that Bitbucket knows; the push of the last one is over, and asked for nothing."""
    clone = world.clone(TRIVIAL, folder)
    clone.git("checkout", "--quiet", "-B", "main")
    for number in range(PUSHES):
        clone.git("commit", "--quiet", "--allow-empty", "--message", f"Commit {number}")
    clone.git("push", "--quiet", "origin", "main")
    if not until(lambda: [d for d in world.bitbucket.deliveries(TRIVIAL) if d["status"] == 202]):
        message = "the webhook did not take a push"
        raise UnfinishedError(message)
    return clone.git("rev-list", "main").splitlines()


def _measure(
    world: World, hook: Hook, commits: Sequence[str]
) -> tuple[list[float], list[float], float, float]:
    """Seconds: each answer one by one, each answer of several at once, all taken, all final."""
    idle = [_body(world, hashlib.sha1(commit.encode()).hexdigest(), "") for commit in commits]
    bodies = [_body(world, commit, ":ACME_RUN: true\n") for commit in commits]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # Unmeasured: the emulator takes its time to start a process for each call at once.
        list(pool.map(partial(_deliver, world, hook), idle[:AT_ONCE]))
        alone = [_deliver(world, hook, body) for body in idle]
        start = time.monotonic()
        at_once = list(pool.map(partial(_deliver, world, hook), bodies))
    taken = time.monotonic() - start
    if not until(lambda: _final(world) == len(commits), seconds=_ALL_FINAL_SECONDS):
        message = f"{_final(world)} of {len(commits)} statuses are final: {world.messages()}"
        raise UnfinishedError(message)
    final = time.monotonic() - start
    if dead := world.dead_letters():
        message = f"dead letters: {dead}"
        raise UnfinishedError(message)
    return alone, at_once, taken, final


def _body(world: World, commit: str, keywords: str) -> bytes:
    return push_body(world, TRIVIAL, "main", commit, f"A commit\n\n{keywords}")


def _deliver(world: World, hook: Hook, body: bytes) -> float:
    start = time.perf_counter()
    answer = world.deliver(body, secret=hook.secret, headers={"X-Hook-UUID": hook.uuid})
    seconds = time.perf_counter() - start
    if answer.status != 202:
        message = f"the webhook answered {answer.status}: {answer.data!r}"
        raise UnfinishedError(message)
    return seconds


def _final(world: World) -> int:
    """How many commits have a final status."""
    histories = world.bitbucket.status_history(TRIVIAL)
    return sum(1 for history in histories if history["writes"][-1]["state"] in FINAL)


def _show(alone: list[float], at_once: list[float], taken: float, final: float) -> None:
    rows = [
        (name, str(len(some)), *(milliseconds(percentile(some, p)) for p in (50, 99)))
        for name, some in (("one after the other", alone), (f"{AT_ONCE} at once", at_once))
    ]
    show(
        "The webhook's answer in the embedded stack (Bitbucket waits for 10 s)",
        ("", "deliveries", "p50 ms", "p99 ms"),
        rows,
        "one after the other: pushes without keywords, while nothing else happens",
        f"{AT_ONCE} at once: pushes that start runs, which compete for the machine's"
        f" {os.cpu_count()} cores",
    )
    show(
        "Pushes through the embedded stack",
        ("", "pushes", "seconds", "pushes/s"),
        [
            ("all taken", str(len(at_once)), f"{taken:.1f}", f"{len(at_once) / taken:.1f}"),
            (
                "all statuses final",
                str(len(at_once)),
                f"{final:.1f}",
                f"{len(at_once) / final:.2f}",
            ),
        ],
        "from the first delivery on; each push becomes a job that runs `true`",
    )
