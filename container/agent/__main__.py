"""The agent's command line: a command, JSON on stdin where one is told something, JSON at last."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from container.agent import aws
from container.agent.place import say
from container.agent.refusals import Busy, NotDone

_USAGE = "usage: agent.pyz arm|check|disarm|setup|begin|run|watch|finish REASON"
# The module of each command, and the function in it. A machine that boots has not all of them.
_TOLD = {"arm": "arm.arm", "setup": "setup.setup", "begin": "begin.begin"}
_ASKED = {"check": "arm.check", "disarm": "disarm.disarm"}
_STAYING = {"run": "run.run", "watch": "watch.watch", "finish": "run.finish_for_another"}
_ARGUMENTS = {"finish": 1}


def main(arguments: list[str]) -> int:
    """Do what the command says; 0, or 1 if it cannot be done, 2 the usage, 3 somebody does it."""
    os.umask(0o022)
    aws.add_packages()
    command, *rest = arguments or [""]
    known = {**_TOLD, **_ASKED, **_STAYING}
    if command not in known or len(rest) != _ARGUMENTS.get(command, 0):
        print(_USAGE, file=sys.stderr)
        return 2
    try:
        work = _find(known[command])
        if command in _STAYING:
            # At once, whatever threads hang.
            os._exit(work(*rest))
        answer = work(json.load(sys.stdin)) if command in _TOLD else work()
    except Busy as busy:
        print(json.dumps({"busy": str(busy)}))
        return 3
    except (NotDone, OSError, ValueError, subprocess.SubprocessError) as error:
        say(f"cloud-runner {command}: {error}")
        return 1
    print(json.dumps(answer))
    return 0


def _find(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(".")
    try:
        found: Callable[..., Any] = getattr(
            importlib.import_module(f"{__package__}.{module}"), function
        )
    except ModuleNotFoundError as missing:
        raise NotDone(
            "only a watchdog is on this machine yet: install the whole agent"
        ) from missing
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
