"""Giving a machine back to its owner: nothing of ours ends it any more."""

from __future__ import annotations

from typing import Any

from container.agent import arm, records, watchdog
from container.agent.locks import Lock
from container.agent.place import home
from container.agent.refusals import Busy, NotDone

_LOCK_SECONDS = 30


def disarm() -> dict[str, Any]:
    """Remove the watchdog and its terms; what is not there is removed already.

    Raises:
        Busy: there is an experiment, or one after which the machine is about to end.
        NotDone, OSError, subprocess.SubprocessError: the watchdog may still live.
    """
    if home().exists():
        if not Lock("begin").take(_LOCK_SECONDS):
            raise NotDone("an experiment is being begun")
        if arm.is_busy():
            state = records.state()
            raise Busy(state.run_id if state else "")
        watchdog.remove()
        (home() / "terms.json").unlink(missing_ok=True)
    return {"watchdog": False}
