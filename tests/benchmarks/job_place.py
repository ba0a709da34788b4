"""Where a measured job runs: the example project on a Bitbucket of its own, used by nobody before.

Nothing is left of another run: no clone, no cache of DVC's, no run cache on the remote.
"""

import json
import resource
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from local.bitbucket.client import Client
from local.bitbucket.server import Server
from local.example import create
from tests.integration.job_site import Site, git

REPOSITORY = "team/parts"
_TOKEN = "sample-token"
_LIMIT_SECONDS = 120


class JobFailedError(Exception):
    """What was to be measured did not end well."""


@dataclass(frozen=True)
class Place:
    """The project, its DVC remote, and the address of its repository with credentials."""

    site: Site
    git_url: str

    @property
    def root(self) -> Path:
        """The folder of everything."""
        return self.site.root


@dataclass(frozen=True)
class Spent:
    """Seconds by the name of what took them: of the clock, and of CPU."""

    wall: Mapping[str, float]
    cpu: Mapping[str, float]


@contextmanager
def example() -> Iterator[Place]:
    """The example project as it stands: its stages have work to do."""
    with TemporaryDirectory(prefix="bench-job-") as folder:
        site = Site(Path(folder))
        create(site.project, str(site.data))
        state = site.root / "bitbucket"
        state.mkdir()
        with Server(state, _TOKEN) as server, Client(server.port, _TOKEN) as client:
            client.create_repository(REPOSITORY)
            git_url = client.git_url(REPOSITORY)
            git(site.project, "push", "--quiet", git_url, "main")
            environment = {
                "BITBUCKET_API_URL": f"{client.url}/2.0",
                "BITBUCKET_AUTH": json.dumps({"kind": "access_token", "token": _TOKEN}),
            }
            yield Place(Site(site.root, client.url, environment), git_url)


def cpu() -> float:
    """CPU seconds of all processes that have ended so far, and of those below them."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def wait(process: "subprocess.Popen[bytes]") -> int:
    """The exit code, as soon as there is one: with a timeout of its own, Popen asks in turns."""
    timer = threading.Timer(_LIMIT_SECONDS, process.kill)
    timer.start()
    try:
        return process.wait()
    finally:
        timer.cancel()
        process.kill()  # does nothing to one that has ended


def start(
    words: Sequence[str], directory: Path, environment: Mapping[str, str], said: Path
) -> "subprocess.Popen[bytes]":
    """Start a command; what it says goes to a file, and its errors to one beside that."""
    with said.open("wb") as output, _errors(said).open("wb") as errors:
        return subprocess.Popen(
            words,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )


def must(process: "subprocess.Popen[bytes]", said: Path) -> None:
    """Wait for a process that should end well.

    Raises:
        JobFailedError: it did not; with the end of what it said.
    """
    if code := wait(process):
        files = [file for file in (said, _errors(said)) if file.exists()]
        ends = [file.read_text(encoding="utf-8", errors="replace")[-2000:] for file in files]
        message = "\n".join([f"{said.name}: exit code {code}", *ends])
        raise JobFailedError(message)


def _errors(said: Path) -> Path:
    return said.with_name(f"{said.name}.errors")
