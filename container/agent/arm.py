"""Setting the terms on which a machine lives, and seeing how it is."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from typing import Any

from container.agent import clock, place, records, watchdog
from container.agent.locks import Lock
from container.agent.place import home, rooted
from container.agent.records import Terms, parse

LOCKS = ("agent", "watchdog", "begin", "setup")
_STEP_SECONDS = 60


def arm(told: Any) -> dict[str, Any]:
    """Set terms that count from now, and let a new watchdog keep them.

    Raises:
        NotDone, OSError, ValueError: the machine would not end by itself.
    """
    place.settle()
    for name in LOCKS:
        Lock(name).prepare()
    terms = parse(Terms, told).armed()
    records.keep(terms)
    watchdog.renew()
    return {"watchdog": True, "ends_at": clock.written(terms.ends_at, "seconds")}


def check() -> dict[str, Any]:
    """What there is on this machine."""
    state = records.state()
    try:
        ends_at: str | None = clock.written(records.terms().ends_at, "seconds")
    except (OSError, ValueError):
        ends_at = None
    return {
        "watchdog": Lock("watchdog").holder() is not None,
        "ends_at": ends_at,
        "python": ".".join(map(str, sys.version_info[:3])),
        "boto3": importlib.util.find_spec("boto3") is not None,
        "docker": works("docker", "info"),
        "git": works("git", "--version"),
        "busy": state.run_id if state and is_busy() else None,
        # Of what `setup` has cloned; in whatever folder that is, it is nobody else's.
        "commit": _output("git", "--git-dir", str(home() / "work/clone/.git"), "rev-parse", "HEAD"),
        "free_bytes": shutil.disk_usage(home() if home().exists() else rooted("/")).free,
    }


def is_busy() -> bool:
    """Whether there is an experiment, or one after which the machine is about to end."""
    state = records.state()
    if Lock("agent").holder() is not None:
        return True
    if state is None:
        return False
    return not state.is_past


def works(*command: str) -> bool:
    """Whether a program is there and answers."""
    return _output(*command) is not None


def _output(*command: str) -> str | None:
    """What a program says; None if it does not do what it should."""
    try:
        done = subprocess.run(  # noqa: S603 - names of ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_STEP_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip()
