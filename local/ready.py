"""The ready file: how programs of this machine find a running stack, and what says it runs.

It lies in the stack's state directory while the stack is ready, for its owner alone, since it holds
secrets of the stand-in. A stack that was killed leaves it behind, so its reader asks the stack.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import urllib3

from local.aws import Endpoints
from local.layout import StackError, StateDir

_SECONDS = 5


def ready_file(state: StateDir) -> Path:
    """Where the ready file of a state directory is."""
    return state.root / "ready.json"


def write(told: Mapping[str, object], path: Path) -> None:
    """Write what a stack tells of itself to `path`, whole or not at all, for its owner alone."""
    draft = path.with_name(path.name + ".draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def endpoints(state: StateDir) -> Endpoints:
    """Where the stack that runs in a state directory has its services.

    Raises:
        StackError: none runs there.

    """
    path = ready_file(state)
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = Endpoints(
            aws=told["aws_endpoint_url"],
            batch=told["batch_endpoint_url"],
            cloudformation=told["cloudformation_endpoint_url"],
            machines=told["machines_endpoint_url"],
        )
    except FileNotFoundError:
        message = (
            f"no stack runs in {state.root}: cloud-runner local up, and wait until it is ready"
        )
        raise StackError(message) from None
    except (KeyError, TypeError, ValueError) as error:
        message = f"{path} is no ready file of this version: end the stack and start it again"
        raise StackError(message) from error
    if not _answers(found):
        message = (
            f"the stack of {state.root} does not answer; it was killed, perhaps: "
            "cloud-runner local up"
        )
        raise StackError(message)
    return found


def _answers(found: Endpoints) -> bool:
    """Whether the embedded AWS is there: MiniStack's own page of its health."""
    url = f"{found.aws}/_ministack/health"
    try:
        answer = urllib3.request("GET", url, timeout=_SECONDS, retries=False)
    except urllib3.exceptions.HTTPError:
        return False
    return answer.status == 200
