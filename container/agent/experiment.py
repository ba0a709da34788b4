"""The experiment as a process: what it is started with, and its output."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from container.agent import aws, docker, processes
from container.agent.bounded import TookTooLong, bounded
from container.agent.place import home, rooted
from container.agent.records import Order

_OURS = "/var/lib/cloud-runner/"
_READ_BYTES = 64 * 1024
_DRAIN_SECONDS = 0.5
_END_SECONDS = 10


def directory(order: Order) -> Path:
    """Where the experiment begins."""
    work = home() / "work"
    return work / "clone" if order.cwd == "clone" else work


def results_folder(order: Order) -> Path:
    """What the results' relative paths are relative to; a project's job has a clone of its own."""
    return job_folder() / "project" if order.cwd == "project" else directory(order)


def job_folder() -> Path:
    """Where a project's job works."""
    return home() / "work" / "job"


def results(order: Order) -> list[tuple[str, Path]]:
    """The results' names in the archive, and their files or folders."""
    found = []
    for path in order.results_paths:
        parts = [part for part in Path(path).parts if part not in ("/", "..")]
        where = rooted(path) if path.startswith("/") else results_folder(order) / path
        found.append(("/".join(parts) or "results", where))
    return found


def missing(order: Order) -> list[str]:
    """The results' paths, as they were asked for, where there is nothing."""
    named = zip(order.results_paths, results(order))
    return [path for path, (_, where) in named if not os.path.exists(where)]  # noqa: PTH110 - Path's own raises


def secret(order: Order) -> dict[str, str]:
    """The variable that the order wants from Secrets Manager.

    Raises:
        Exception: whatever boto3 raises.
    """
    if not order.secret:
        return {}
    client = aws.client("secretsmanager", order.region)
    told = client.get_secret_value(SecretId=order.secret["arn"])
    return {order.secret["variable"]: told["SecretString"]}


class Experiment:
    """A running one. It is a process group and a session of its own; `code` is None till it ends.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(
        self, order: Order, secret: Mapping[str, str], take: Callable[[bytes], None]
    ) -> None:
        self._order = order
        given = {**order.environment, **secret}
        if order.cwd == "project":
            given["CLOUD_RUNNER_DIRECTORY"] = str(job_folder())
        region = {"AWS_REGION": order.region, "AWS_DEFAULT_REGION": order.region}
        mark = {processes.MARK: order.run_id, "PYTHONUNBUFFERED": "1"}
        environment = {"HOME": str(Path.home()), **os.environ, **region, **mark, **given}
        argv = [*map(_rooted, order.argv)]
        self._take = take
        self._made: list[Path] = []
        if order.docker:
            processes.end_container(order.run_id)
            places = docker.places(order.results_paths)
            self._made = docker.make(place for place, _ in places)
            gpus, why_none = docker.gpus()
            if why_none:
                take(f"cloud-runner: {why_none}\n".encode())
            names = [*region, *mark, *given]
            argv = docker.command(order, directory(order), names, places, gpus)
        directory(order).mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(  # noqa: S603 - what the user wants to run, without a shell
            argv,
            cwd=directory(order),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def code(self) -> int | None:
        """Its exit code, 128 + n after signal n."""
        code = self._process.poll()
        return code if code is None or code >= 0 else 128 - code

    def stop(self) -> None:
        """Ask it to end, all of it."""
        with suppress(OSError):  # it may have ended
            os.killpg(self._process.pid, signal.SIGTERM)

    def end(self) -> None:
        """End whatever is left of it, and take the last of its output."""
        self._reader.join(_DRAIN_SECONDS)
        processes.end(self._order.run_id, self._process.pid)
        if self._order.docker:
            processes.end_container(self._order.run_id)
        with suppress(subprocess.TimeoutExpired):  # a disk that hangs holds even the killed
            self._process.wait(_END_SECONDS)
        self._reader.join(_END_SECONDS)
        for place in self._made:
            with suppress(OSError):  # it is not empty: there are results
                place.rmdir()
        # Told here as well, so that log and stream have it. A machine may have no more threads.
        with suppress(TookTooLong, RuntimeError):
            if absent := bounded(lambda: missing(self._order), _END_SECONDS):
                self._take(f"cloud-runner: no such results: {', '.join(absent)}\n".encode())

    def _read(self) -> None:
        if self._process.stdout is None:
            return
        with self._process.stdout as output:
            while data := os.read(output.fileno(), _READ_BYTES):
                self._take(data)


def _rooted(word: str) -> str:
    return str(rooted(word)) if word.startswith(_OURS) else word
