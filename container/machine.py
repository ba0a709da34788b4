"""The machine that the job runs on, in words: what it is, and what of it the job may use.

Whatever cannot be learned is left out, silently: a laptop is a machine too.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from urllib.parse import quote

from container import cgroups, instance
from container.instance import Instance

_GPU_SECONDS = 5
_GIB = 1024**3


def describe(environment: Mapping[str, str]) -> str:
    """One line, such as `g5.xlarge (spot) in eu-west-1, 4 CPUs, 16 GiB of memory, 1 x NVIDIA A10G`.

    Takes a second where there is no instance metadata, some more where a GPU's driver is stuck.
    """
    return in_words(
        instance.look_up(environment), cgroups.cpus(), cgroups.memory_bytes(), _gpu_names()
    )


def in_words(found: Instance | None, cpus: float, memory_bytes: int | None, gpu_names: str) -> str:
    r"""What was learned, as a line; `gpu_names` has a line for each GPU.

    >>> in_words(Instance("g5.12xlarge", "spot", "eu-west-1"), 3.5, 16 << 30, "A10G\nA10G\n")
    'g5.12xlarge (spot) in eu-west-1, 3.5 CPUs, 16 GiB of memory, 2 x A10G'
    >>> in_words(None, 1, None, "")
    '1 CPU'
    """
    parts = [] if found is None else [str(found)]
    parts.append(f"{round(cpus, 1):g} CPU" + ("" if cpus == 1 else "s"))
    if memory_bytes is not None:
        parts.append(f"{round(memory_bytes / _GIB, 1):g} GiB of memory")
    names = Counter(filter(None, map(str.strip, gpu_names.splitlines())))
    parts += [f"{number} x {name}" for name, number in names.items()]
    return ", ".join(parts)


def console_address(environment: Mapping[str, str]) -> str:
    """The job's page in the Batch console, as its build status links it; "" where there is none.

    >>> console_address({"AWS_BATCH_JOB_ID": "4f-2a:7", "AWS_REGION": "eu-west-1"})
    'https://eu-west-1.console.aws.amazon.com/batch/home?region=eu-west-1#jobs/ec2/detail/4f-2a%3A7'
    """
    job = quote(environment.get("AWS_BATCH_JOB_ID", ""), safe="")
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
    if not job or not region:
        return ""
    console = f"https://{region}.console.aws.amazon.com/batch/home"
    return f"{console}?region={region}#jobs/ec2/detail/{job}"


def _gpu_names() -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603 - a program of the image, with arguments of ours
            [program, "--query-gpu=name", "--format=csv,noheader"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_GPU_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    # Without a driver it says so where the names would be, and ends with another code.
    return "" if done.returncode else done.stdout.decode(errors="replace")
