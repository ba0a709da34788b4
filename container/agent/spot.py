"""Whether EC2 is about to take the machine away, as its metadata service tells two minutes before.

EC2 user guide, "Spot Instance interruption notices": `spot/instance-action` is 404 until then.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

from container.agent import metadata


def watch(seconds: float, tell: Callable[[str], None]) -> None:
    """Ask every so many seconds in a thread of its own, and tell an interruption, once."""
    if not metadata.is_off():
        threading.Thread(target=_watch, args=(seconds, tell), daemon=True).start()


def _watch(seconds: float, tell: Callable[[str], None]) -> None:
    service, pause = metadata.Metadata(), threading.Event()
    while (told := _reason(service.get("spot/instance-action"))) is None:
        pause.wait(seconds)
    tell(told)


def _reason(notice: str | None) -> str | None:
    r"""Words for a notice.

    >>> _reason('{"action": "terminate", "time": "2026-11-21T18:02:00Z"}')
    'spot interruption: the machine is taken away (terminate at 2026-11-21T18:02:00Z)'
    """
    try:
        told = json.loads(notice or "")
        when = f"{told['action']} at {told['time']}"
    except (ValueError, LookupError, TypeError):
        return None
    return f"spot interruption: the machine is taken away ({when})"
