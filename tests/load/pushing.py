"""Commits that the stand-in knows, and webhooks that tell of them as Bitbucket would."""

import hashlib
import json
import subprocess
import uuid
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.layout import PROJECT
from services.webhook.signature import sign
from tests.e2e.trivial import TRIVIAL
from tests.e2e.world import PATIENCE_SECONDS, World, until
from tests.load.embedded import Loaded

BRANCH = "main"
ASKS = "A commit that asks for a run\n\n:ACME_RUN: true\n"
_AUTHOR = "Someone <someone@example.com> 1763722800 +0000"


@dataclass(frozen=True)
class Webhook:
    """A delivery, signed: what it says, and the headers that Bitbucket puts beside it."""

    body: bytes
    headers: dict[str, str]


class NotTakenError(Exception):
    """The push that brings the commits was not taken: there is nothing to load with."""


def commits(world: World, count: int) -> list[str]:
    """New commits on a new branch; their push is over, and asked for no run."""
    name = f"load-{uuid.uuid4().hex[:8]}"
    folder = Path(world.folder, name)
    clone = world.clone(TRIVIAL, folder)
    subprocess.run(
        ["git", "fast-import", "--quiet"],
        cwd=folder,
        input=_history(name, count),
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    hashes = clone.git("rev-list", name).splitlines()
    clone.git("push", "--quiet", "origin", name)
    if not until(lambda: world.delivered(TRIVIAL, hashes[0])):
        message = f"the push of {name} was not taken: {world.bitbucket.deliveries(TRIVIAL)}"
        raise NotTakenError(message)
    return hashes


def _history(branch: str, count: int) -> bytes:
    """What `git fast-import` makes a branch of empty commits of."""
    told = []
    for number in range(count):
        message = f"Commit {number} of {branch}\n"
        told.append(f"commit refs/heads/{branch}\ncommitter {_AUTHOR}\n")
        told.append(f"data {len(message)}\n{message}\n")
    return "".join(told).encode()


def one_push(stack: Loaded, commit: str, message: str = ASKS) -> Webhook:
    """The webhook of a push of one commit: 7 KB, as Bitbucket's are."""
    sample = _sample(stack)
    (change,) = sample["push"]["changes"]
    _point(change, BRANCH, commit, message)
    return _signed(stack, sample)


def many_branches(stack: Loaded, branches: Sequence[tuple[str, str]]) -> Webhook:
    """The webhook of one push of branches, each a name and a head, every head asking for a run.

    What no consumer of webhooks needs is left out (links, the list of commits): 500 branches are
    less than the 1 MiB that the webhook reads.
    """
    sample = _sample(stack)
    (change,) = sample["push"]["changes"]
    for left_out in ("links", "commits"):
        del change[left_out]
    for ref in (change["old"], change["new"]):
        for left_out in ("links", "merge_strategies"):
            del ref[left_out]
        for left_out in ("links", "parents", "rendered", "properties"):
            del ref["target"][left_out]
    changes = []
    for name, commit in branches:
        one = deepcopy(change)
        _point(one, name, commit, ASKS)
        changes.append(one)
    sample["push"]["changes"] = changes
    return _signed(stack, sample)


def _sample(stack: Loaded) -> Any:
    """The body of the sample of Bitbucket's webhook, of our repository."""
    event = json.loads((PROJECT / "events/webhook.json").read_text(encoding="utf-8"))
    body = json.loads(event["body"])
    body["repository"] |= {"uuid": stack.repository_uuid, "full_name": TRIVIAL}
    return body


def _point(change: Any, branch: str, commit: str, message: str) -> None:
    change["old"]["name"] = change["new"]["name"] = branch
    # Where the branch was before: somewhere else, which is all that the webhook asks.
    change["old"]["target"]["hash"] = hashlib.sha1(commit.encode()).hexdigest()
    change["new"]["target"] |= {"hash": commit, "message": message}


def _signed(stack: Loaded, sample: Any) -> Webhook:
    body = json.dumps(sample).encode()
    return Webhook(
        body,
        {
            "Content-Type": "application/json",
            "User-Agent": "Bitbucket-Webhooks/2.0",
            "X-Attempt-Number": "1",
            "X-Event-Key": "repo:push",
            "X-Hook-UUID": stack.hook_uuid,
            "X-Request-UUID": str(uuid.uuid4()),
            "X-Hub-Signature": sign(body, stack.secret),
        },
    )
