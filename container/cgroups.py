"""What the job's control groups allow it and tell of it (cgroups(7)), in version 2 and in 1.

A container usually sees its own group as the whole tree. Where it sees more, the limits of the
groups around it count as well.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_GROUPS = Path("/sys/fs/cgroup")
_PROC = Path("/proc")


def cpus(groups: Path = _GROUPS, proc: Path = _PROC) -> float:
    """How many CPUs this process may use; a fraction where its time is limited."""
    quotas = [quota(text) for text in _texts(groups, proc, "", "cpu.max")]
    times = zip(
        _texts(groups, proc, "cpu", "cpu.cfs_quota_us"),
        _texts(groups, proc, "cpu", "cpu.cfs_period_us"),
    )
    quotas += [quota(f"{time} {period}") for time, period in times]
    allowed = float(len(os.sched_getaffinity(0)))
    return min([allowed, *(number for number in quotas if number is not None)])


def memory_bytes(groups: Path = _GROUPS, proc: Path = _PROC) -> int | None:
    """How much memory this process may use, the machine's if nothing limits it; None if unknown."""
    limits = [
        *_texts(groups, proc, "", "memory.max"),
        *_texts(groups, proc, "memory", "memory.limit_in_bytes"),
    ]
    known = [int(text) for text in limits if text.strip().isdigit()]
    total = re.search(r"^MemTotal:\s*([0-9]+) kB", _text(proc / "meminfo") or "", re.MULTILINE)
    if total:
        known.append(int(total[1]) * 1024)
    return min(known, default=None)


def oom_kills(groups: Path = _GROUPS, proc: Path = _PROC) -> int | None:
    """How many processes of this container were killed for want of memory; None if unknown."""
    counts = (
        *_texts(groups, proc, "", "memory.events"),
        *_texts(groups, proc, "memory", "memory.oom_control"),
    )
    found = (re.search(r"^oom_kill ([0-9]+)$", text, re.MULTILINE) for text in counts)
    return next((int(count[1]) for count in found if count), None)


def quota(text: str) -> float | None:
    """The CPUs that a limit stands for, its time and its period in microseconds; None for none.

    >>> quota("150000 100000"), quota("max 100000"), quota("-1 100000")
    (1.5, None, None)
    """
    found = re.fullmatch(r"\s*([0-9]+)\s+([1-9][0-9]*)\s*", text)
    return int(found[1]) / int(found[2]) if found else None


def own_groups(text: str) -> dict[str, str]:
    r"""The path of this process's group for each controller, "" standing for version 2.

    >>> own_groups("4:cpu,cpuacct:/docker/4f2a\n0::/ecs/a:b\n")
    {'cpu': '/docker/4f2a', 'cpuacct': '/docker/4f2a', '': '/ecs/a:b'}
    """
    lines = [line.split(":", 2) for line in text.splitlines() if line.count(":") >= 2]
    return {name: path for _, names, path in lines for name in names.split(",")}


def _texts(groups: Path, proc: Path, controller: str, name: str) -> Iterator[str]:
    """What a file says in this process's group and in those around it, from the inside out."""
    own = own_groups(_text(proc / "self" / "cgroup") or "")
    path = PurePosixPath(own.get(controller, "/"))
    for folder in (path, *path.parents):
        text = _text(groups / controller / str(folder).lstrip("/") / name)
        if text is not None:
            yield text


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
