"""A stack for sweeps whose points nobody computes: their queues are paused, so no job disturbs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import urllib3

from cli.account import Account
from cli.local_account import LocalStack
from cli.local_projects import join
from cli.requests import Requests, Source, find_source
from cli.sweep.config import Plan
from cli.sweep.sending import StackWaves
from local.layout import StateDir
from local.stack import running
from shared.points import Place, Result
from shared.space import Point
from tests.benchmarks.services import say
from tests.e2e.trivial import TRIVIAL, trivial_job
from tests.e2e.world import NAMES, World

# When the first result of a sweep comes, in milliseconds since 1970.
_START_MS = 1_763_722_800_000
# A tenth of a second between results: of 10,000 points, 300 end in 30 s.
_BETWEEN_MS = 100


def plan(size: int) -> Plan:
    """A sweep over a list of points that names a command."""
    points: tuple[Point, ...] = tuple(
        {"learning_rate": 0.1 / (n + 1), "seed": n} for n in range(size)
    )
    return Plan(
        strategy="list", trials=size, points=points, objective="accuracy", command="python train.py"
    )


@dataclass(frozen=True)
class SweepStack:
    """The running stack as the command line sees it, with a commit to sweep over."""

    folder: Path

    @cached_property
    def account(self) -> Account:
        """The embedded account."""
        local = LocalStack.find(self.folder, NAMES)
        return Account(NAMES, local.session(), local_stack=local)

    @cached_property
    def _source(self) -> Source:
        return find_source(self.account, self.account.deployed(), TRIVIAL, None)

    def waves(self, sweep_id: str) -> StackWaves:
        """What sends and watches the waves of a sweep."""
        deployed = self.account.deployed()
        return StackWaves(
            place=Place(TRIVIAL.rpartition("/")[2], sweep_id),
            bucket=deployed.output("DataBucket"),
            source=self._source,
            requests=Requests(self.account, deployed),
            batch=self.account.client("batch"),
            s3=self.account.client("s3"),
        )

    def calls(self) -> dict[str, int]:
        """How often each of Batch's operations was called so far, by anybody."""
        counts: dict[str, int] = json.loads(self._control("GET", "calls"))
        return counts

    @cached_property
    def queue(self) -> str:
        """The name of the stack's own queue for jobs without GPUs, whose events the stack reads."""
        return self.account.deployed().output("JobQueueArn").rpartition("/")[2]

    @cached_property
    def unwatched_queue(self) -> str:
        """The name of a queue whose events no rule asks for."""
        batch, name = self.account.client("batch"), "unwatched"
        batch.create_compute_environment(computeEnvironmentName=name, type="UNMANAGED")
        order = [{"order": 1, "computeEnvironment": name}]
        batch.create_job_queue(jobQueueName=name, priority=1, computeEnvironmentOrder=order)
        return name

    def share(self, queue: str) -> dict[str, Any]:
        """What a job of a queue has to say of its share."""
        if queue == self.unwatched_queue:
            return {}
        return {"shareIdentifier": "loop", "schedulingPriorityOverride": 0}

    def pause(self) -> None:
        """Let all jobs wait from now on."""
        for name in (self.queue, self.unwatched_queue):
            self._control("POST", f"queues/{name}", {"paused": True})

    def _control(self, method: str, path: str, body: object = None) -> bytes:
        url = f"{self.account.client('batch').meta.endpoint_url}/_control/{path}"
        data = None if body is None else json.dumps(body)
        answer = urllib3.request(method, url, body=data, timeout=10, retries=False)
        if answer.status != 200:
            message = f"{method} {url}: {answer.status} {answer.data!r}"
            raise RuntimeError(message)
        return answer.data


def put_results(waves: Any, indexes: range) -> None:
    """Let points have succeeded, one after the other."""
    for index in indexes:
        result = Result(_START_MS + index * _BETWEEN_MS, 1, 1, index, True, 60, index / 10_000)
        key = f"{waves.place.results}{result.name}"
        waves.s3.put_object(Bucket=waves.bucket, Key=key, Body=b"{}")


@contextmanager
def sweep_stack(folder: Path) -> Iterator[SweepStack]:
    """The stack, with one more repository and one commit in it; ended with the block."""
    state = StateDir(folder / "state")
    with running(state, _step, join, repositories=[TRIVIAL]) as stack:
        world = World(stack.describe(), stack.bitbucket, folder)
        trivial_job(world, ["true"])
        clone = world.clone(TRIVIAL, folder / "clone")
        clone.git("checkout", "--quiet", "-B", "main")
        clone.git("commit", "--quiet", "--allow-empty", "--message", "A commit")
        clone.git("push", "--quiet", "origin", "main")
        found = SweepStack(state.root)
        found.pause()
        yield found


@contextmanager
def _step(doing: str) -> Iterator[None]:
    say(doing)
    yield
