"""The embedded stack in processes of its own, as `cloud-runner local up --for-bursts` starts it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from local import tether
from local.bitbucket.client import Client
from local.layout import PROJECT, StateDir
from tests.e2e.trivial import TRIVIAL, trivial_job
from tests.e2e.world import World

# The waits are the template's own, as in AWS. The embedded stack's are shorter, for people who
# watch it: a reconciler that thinks a run forgotten after 30 s finds thousands in a backlog.
_PARAMETERS = ("UnmovedSeconds=300", "ReconcileRate=rate(5 minutes)")
_START_SECONDS = 900
# It removes what the functions' processes left, thousands of files.
_GRACE_SECONDS = 60
# The logs of each stack, by its name, until one of that name has ended again.
KEPT = PROJECT / ".cloud-runner/load"


class NotStartedError(Exception):
    """The stack did not start; the text is its log."""


@dataclass(frozen=True)
class Loaded:
    """A running stack under load: `world` is what can be seen of it, `pid` its first process."""

    world: World
    pid: int
    hook_uuid: str
    secret: str
    repository_uuid: str

    @cached_property
    def dynamodb(self) -> Any:
        """A client, made once: making one takes longer than most of its calls."""
        return self.world.client("dynamodb")

    @cached_property
    def sqs(self) -> Any:
        """The same of SQS."""
        return self.world.client("sqs")

    @cached_property
    def functions(self) -> Any:
        """The same of Lambda."""
        return self.world.client("lambda")

    def messages(self) -> dict[str, int]:
        """How many messages each queue holds, in flight or not; queues of dead letters as well."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = {}
        for queue, url in self.world.told["queues"].items():
            told = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            found[queue] = sum(int(told[name]) for name in names)
        return found


@contextmanager
def embedded(name: str) -> Iterator[Loaded]:
    """A new stack whose jobs run `true`; it has ended when the block is left, however that is.

    Its logs are then in the folder `name` of `KEPT`.
    """
    with TemporaryDirectory(prefix="load-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        with logs_kept(folder, KEPT / name), _up(folder) as pid:
            told = json.loads((folder / "ready.json").read_text())
            port = int(told["bitbucket_page_url"].rstrip("/").rsplit(":", 1)[1])
            with Client(port, told["bitbucket_token"]) as bitbucket:
                world = World(told, bitbucket, folder)
                trivial_job(world, ["true"])
                hook = next(one for one in told["repositories"] if one["repository"] == TRIVIAL)
                uuid = bitbucket.request("GET", f"/2.0/repositories/{TRIVIAL}")["uuid"]
                yield Loaded(world, pid, hook["hook_uuid"], hook["webhook_secret"], uuid)


@contextmanager
def logs_kept(folder: Path, kept: Path) -> Iterator[None]:
    """Copy what the stack, its parts and its jobs have said, even if the block ends badly."""
    state = StateDir(folder / "state")
    try:
        yield
    finally:
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        for logs in (folder / "up.log", state.logs, state.job_logs):
            if logs.is_dir():
                shutil.copytree(logs, kept / logs.relative_to(folder))
            elif logs.exists():
                shutil.copy(logs, kept)


@contextmanager
def _up(folder: Path) -> Iterator[int]:
    ready, log_file = folder / "ready.json", folder / "up.log"
    parameters = [word for one in _PARAMETERS for word in ("--parameter", one)]
    with log_file.open("wb") as log:
        process = tether.start(
            [
                *(sys.executable, "-m", "cli", "local", "up"),
                *("--state-dir", str(folder / "state"), "--ready-file", str(ready)),
                *("--repository", TRIVIAL, "--for-bursts", *parameters),
            ],
            env=dict(os.environ),
            cwd=PROJECT,
            stdout=log,
            stderr=log,
            grace=_GRACE_SECONDS,
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotStartedError(log_file.read_text(errors="replace"))
            time.sleep(0.1)
        yield process.pid
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=2 * _GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()  # the tether; its guard ends all that it started
            process.wait(timeout=_GRACE_SECONDS)
        if process.stdin is not None:
            process.stdin.close()
