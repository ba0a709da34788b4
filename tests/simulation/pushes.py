"""What Bitbucket sends of a push, and what its commits ask for, written down beside the product.

The expectations stand here as plain values: they are not read from the messages by the parser's
own code, nor are they found again by its run ids.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from container.job import Job
from container.result import message as result_message
from container.settings import Settings as JobSettings
from services.webhook.signature import sign
from shared.events import Repository
from tests.samples import payload

# A capture; whatever is not replaced below stays in it, unread.
_CAPTURED = "bitbucket_cloud/push/woodpecker_branch_push.json"
PREFIX = "ACME"
PUSHER = "{c5a0d676-fd27-4bd4-ac69-a7540d7b495b}"


@dataclass(frozen=True)
class Wanted:
    """What a commit asks for.

    `rejected`: in words that cannot be read; `refused`: in more words than a job can be told.
    """

    rejected: bool = False
    refused: bool = False
    arguments: str | None = None
    experiment: bool = False
    gpus: int | None = None
    memory_mib: int | None = None
    vcpus: int | None = None
    points: int | None = None
    # How often a point is tried again, and how many per cent may fail; None: as the stack has it.
    retries: int = 0
    tolerated: int | None = None


@dataclass(frozen=True)
class Commit:
    """A commit, and what it asks for; None: nothing."""

    hash: str
    message: str
    wanted: Wanted | None


@dataclass(frozen=True)
class Hook:
    """A webhook as Bitbucket has it."""

    uuid: str
    secret: str
    repository: Repository


# Batch takes 8,192 characters of overrides.
_LONG = "train " + "x" * 8000
# Messages as people write them, each with what it asks for.
MESSAGES: Mapping[str, tuple[str, Wanted | None]] = {
    "plain": (":ACME_RUN: train", Wanted(arguments="train")),
    "no arguments": ("Better features\n\n:ACME_RUN:\n", Wanted()),
    "experiment": (
        "Try it\n\n:ACME_RUN: -S lr=0.1\n:ACME_RUN_EXP:",
        Wanted(arguments="-S lr=0.1", experiment=True),
    ),
    "resources": (
        "A\r\n\r\n:ACME_RUN: train\r\n:ACME_GPUS: 2\r\n:ACME_VCPUS: 4\r\n:ACME_MEMORY: 16384\r\n",
        Wanted(arguments="train", gpus=2, memory_mib=16384, vcpus=4),
    ),
    "unknown keyword": (":ACME_RUNN: train", Wanted(rejected=True)),
    "too much": (":ACME_RUN: train\n:ACME_GPUS: 900", Wanted(rejected=True)),
    "twice": (":ACME_RUN: train\n:ACME_RUN: evaluate", Wanted(rejected=True)),
    "too long": (f":ACME_RUN: {_LONG}", Wanted(refused=True, arguments=_LONG)),
    "nothing": ("Correct a typo", None),
    "prose": ("We could use :ACME_RUN: here\n\n  :ACME_RUN: indented", None),
}
_LISTED = ":ACME_RUN: train\n:ACME_SWEEP: lr=0.1,0.01"
# With an objective or without: of two points, of four or of eight.
SWEEPS = (
    (_LISTED, Wanted(arguments="train", experiment=True, points=2)),
    (
        f"{_LISTED} depth=2,3\n:ACME_OBJECTIVE: max accuracy",
        Wanted(arguments="train", experiment=True, points=4),
    ),
    (
        f"{_LISTED} depth=2,3\n:ACME_OBJECTIVE: min log_loss",
        Wanted(arguments="train", experiment=True, points=4),
    ),
    (
        f"{_LISTED} depth=2,3,4,5\n:ACME_OBJECTIVE: max accuracy",
        Wanted(arguments="train", experiment=True, points=8),
    ),
)


def result_of(parameters: Mapping[str, str], keywords: str = "") -> str:
    """The message of the commit that a job pushes, by the job's own code.

    `parameters` are the Batch job's. With `keywords` somebody has kept the text of the commit that
    asked for the run, as a rebase or an amendment does: the trailers say all the same what it is.
    """
    job = Job(
        parameters.get("workspaceName", ""),
        parameters.get("repositoryName", ""),
        parameters.get("branchName", ""),
        parameters.get("commitHash", ""),
        parameters["runId"],
        parameters["attempt"],
    )
    said = result_message(job, JobSettings.read({f"{PREFIX}_RUN_ARGS": "train"}))
    return f"{keywords}\n\n{said}" if keywords else said


@dataclass(frozen=True)
class Push:
    """One push: the heads that moved, and what else a push may do."""

    repository: Repository
    heads: tuple[tuple[str, Commit], ...]
    # A tag, or a branch that is deleted, besides: neither asks for anything.
    tag: Commit | None = None
    deleted: str | None = None
    unmoved: tuple[str, Commit] | None = None

    def body(self) -> bytes:
        """The payload of `repo:push`, as Bitbucket writes it."""
        changes = [_change("branch", name, head, "f" * 40) for name, head in self.heads]
        if self.tag is not None:
            changes.append(_change("tag", "v1.0", self.tag, None))
        if self.deleted is not None:
            old = {"type": "branch", "name": self.deleted, "target": {"hash": "e" * 40}}
            changes.append({"new": None, "old": old, "closed": True})
        if self.unmoved is not None:
            name, head = self.unmoved
            changes.append(_change("branch", name, head, head.hash))
        said = _captured()
        told = {
            "full_name": self.repository.full_name,
            "uuid": self.repository.uuid,
            "name": "Any Name: it is for display",
        }
        return json.dumps(
            said | {"repository": said["repository"] | told, "push": {"changes": changes}}
        ).encode()


@cache
def _captured() -> dict[str, Any]:
    captured: dict[str, Any] = payload(_CAPTURED)
    return captured


def _change(kind: str, name: str, head: Commit, old: str | None) -> dict[str, Any]:
    target = {"type": "commit", "hash": head.hash, "message": head.message}
    return {
        "new": {"type": kind, "name": name, "target": target},
        "old": None if old is None else {"type": kind, "name": name, "target": {"hash": old}},
        "created": old is None,
        "forced": False,
        "closed": False,
    }


@dataclass(frozen=True)
class Delivery:
    """A request to the webhook: who says it comes from where, and what."""

    hook_uuid: str
    body: bytes
    signature: str | None
    event_key: str = "repo:push"
    request_uuid: str = "none"
    extra: Mapping[str, str] = field(default_factory=dict)

    def event(self, attempt: int = 1, *, encoded: bool = False) -> dict[str, Any]:
        """The HTTP API's event (payload format 2.0); `encoded`: the body in base64.

        What is no text comes in base64 anyway.
        """
        headers = {
            "content-type": "application/json",
            "user-agent": "Bitbucket-Webhooks/2.0",
            "x-attempt-number": str(attempt),
            "x-event-key": self.event_key,
            "x-hook-uuid": self.hook_uuid,
            "x-request-uuid": self.request_uuid,
            **({} if self.signature is None else {"x-hub-signature": self.signature}),
            **self.extra,
        }
        encoded = encoded or not self.body.isascii()
        text = base64.b64encode(self.body).decode() if encoded else self.body.decode()
        return {
            "version": "2.0",
            "routeKey": "POST /bitbucket-webhook",
            "rawPath": "/bitbucket-webhook",
            "headers": headers,
            "requestContext": {"http": {"method": "POST", "path": "/bitbucket-webhook"}},
            "body": text,
            "isBase64Encoded": encoded,
        }


def signed(hook: Hook, push: Push, request_uuid: str) -> Delivery:
    """The delivery of a push by its webhook."""
    body = push.body()
    return Delivery(hook.uuid, body, sign(body, hook.secret), request_uuid=request_uuid)


def forgeries(hook: Hook, other: Hook, push: Push, request_uuid: str) -> Mapping[str, Delivery]:
    """Deliveries of `push` by people who may not speak for its repository, by what is wrong.

    `other` is a webhook that is authorised, for another repository.
    """
    genuine = signed(hook, push, request_uuid)
    owner = Repository(uuid=other.repository.uuid, full_name=push.repository.full_name)
    borrowed = replace(push, repository=owner)
    altered = replace(push, heads=tuple((f"{name}-altered", head) for name, head in push.heads))
    return {
        "no signature": replace(genuine, signature=None),
        "empty signature": replace(genuine, signature=""),
        "wrong secret": replace(genuine, signature=sign(genuine.body, "guessed")),
        "secret as signature": replace(genuine, signature=hook.uuid),
        "truncated signature": replace(genuine, signature=(genuine.signature or "")[:-8]),
        "altered body": replace(genuine, body=altered.body()),
        "unknown webhook": replace(genuine, hook_uuid="00000000-0000-0000-0000-000000000000"),
        "webhook of another repository": signed(other, push, request_uuid),
        "uuid of another repository": signed(hook, borrowed, request_uuid),
        "signature of another webhook": replace(
            genuine, signature=sign(genuine.body, other.secret)
        ),
    }
