"""The experiment as a container: what docker is asked for, and what of the machine is in it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from container.agent import processes
from container.agent.place import home, rooted
from container.agent.records import Order

# Where the job's program is in a container, as on AWS Batch: container/project.yaml.
_PROGRAM = "/opt/cloud-runner/job.pyz"
_SECONDS = 10


def command(
    order: Order,
    directory: Path,
    variables: list[str],
    places: list[tuple[Path, str]],
    gpus: list[str],
) -> list[str]:
    """The experiment as a container; its variables by name alone, since anybody sees arguments.

    It has the machine's network: the role's credentials come from an address that a network of its
    own reaches only on machines that allow one more hop. With a secret it is its container's first
    process itself: docker's own would hold the secret in /proc/1/environ, where everything in the
    container can read it.
    """
    work = home() / "work"
    # The image's user may be any.
    subprocess.run(["chmod", "-R", "a+rwX", str(work)], check=False)  # noqa: S603, S607 - a folder of ours
    mounts = [f"{work}:{work}", *(f"{place}:{path}" for place, path in places)]
    if (home() / "job.pyz").exists():
        mounts.append(f"{home() / 'job.pyz'}:{_PROGRAM}:ro")
    return [
        *("docker", "run", "--rm", "--name", processes.container(order.run_id)),
        *(() if order.secret else ("--init",)),
        *("--network", "host", "--log-driver", "none", "--workdir", str(directory)),
        *gpus,
        *(word for mount in mounts for word in ("--volume", mount)),
        *(word for name in dict.fromkeys(variables) for word in ("--env", name)),
        str(order.docker),
        *order.argv,
    ]


def places(results_paths: list[str]) -> list[tuple[Path, str]]:
    """What of the machine a container needs beside its work for absolute results, and where.

    Docker makes a folder of what is not there: for what is to be a file it gets the folder of it.
    """
    found = {}
    for path in filter(os.path.isabs, results_paths):
        folder = os.path.dirname(path)  # noqa: PTH120 - a path in the container
        is_file = not rooted(path).exists() and bool(Path(path).suffix)
        wanted = folder if is_file and folder != "/" else path
        found[wanted] = rooted(wanted)
    return [(place, path) for path, place in found.items()]


def make(places: Iterable[Path]) -> list[Path]:
    """Make the folders that are not there, for any user; the deepest of those made first."""
    made: list[Path] = []
    for place in places:
        absent = [one for one in (place, *place.parents) if not one.exists()]
        if absent:
            place.mkdir(parents=True)
            made = absent + made
            place.chmod(0o777)  # the image's user may be any
    return made


def gpus() -> tuple[list[str], str | None]:
    """The options for the machine's GPUs; why none are given though it has some.

    Docker refuses to start a container with GPUs where NVIDIA's toolkit is missing. It finds the
    toolkit by its hook, or as a runtime that it was configured with.
    """
    if shutil.which("nvidia-smi") is None:
        return [], None
    if shutil.which("nvidia-container-runtime-hook") or "nvidia" in _runtimes():
        return ["--gpus", "all"], None
    return [], "no GPUs in the container: docker lacks the NVIDIA Container Toolkit"


def _runtimes() -> str:
    """What docker can run containers with; nothing if it does not say."""
    asked = ["docker", "info", "--format", "{{json .Runtimes}}"]
    try:
        done = subprocess.run(  # noqa: S603 - the machine's own
            asked,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
