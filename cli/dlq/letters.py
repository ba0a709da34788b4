"""A dead letter: what a message of ours is about, and where it was going.

EventBridge adds RULE_ARN, TARGET_ARN and ERROR_CODE to an event that it could not hand over
(EventBridge user guide, "Using dead-letter queues"); a call of a Lambda function has none of them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared.runs import commit_run_id

# What EventBridge and Lambda say about a failed delivery. Other attributes are nobody's concern.
_TOLD = ("RULE_ARN", "TARGET_ARN", "ERROR_CODE", "ERROR_MESSAGE", "ErrorCode", "ErrorMessage")


@dataclass(frozen=True)
class Letter:
    """A message as SQS hands it over; `attributes` and `trace` go along wherever it is sent."""

    id: str
    receipt: str = field(repr=False)
    body: str = field(repr=False)
    sent_at: datetime | None = None
    receives: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)
    trace: str | None = None

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> "Letter":
        """A letter from what ReceiveMessage answers."""
        system = message.get("Attributes", {})
        sent = system.get("SentTimestamp")
        return cls(
            id=message["MessageId"],
            receipt=message["ReceiptHandle"],
            body=message["Body"],
            sent_at=None if sent is None else datetime.fromtimestamp(int(sent) / 1000, UTC),
            receives=int(system.get("ApproximateReceiveCount", 0)),
            attributes=message.get("MessageAttributes", {}),
            trace=system.get("AWSTraceHeader"),
        )

    def attribute(self, name: str) -> str | None:
        """A message attribute's text."""
        text: str | None = self.attributes.get(name, {}).get("StringValue")
        return text

    @property
    def told(self) -> dict[str, str]:
        """What the sender says about the failed delivery."""
        return {name: text for name in _TOLD if (text := self.attribute(name)) is not None}

    def content(self) -> Any:
        """The body's JSON, or its text where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return self.body


@dataclass(frozen=True)
class About:
    """What a letter is about, as far as its body says."""

    event: str | None = None
    run_id: str | None = None
    repository: str | None = None
    branch: str | None = None
    commit: str | None = None


def about(letter: Letter, stack: str) -> About:
    """What a letter is about: an event of ours, or one of Batch's, which has it as parameters.

    `stack` is `Names.stack` of the stack whose dead letter it is: a push does not tell it.
    """
    content = letter.content()
    detail = _part(content, "detail")
    parameters = _part(detail, "parameters")
    workspace, slug = _text(parameters, "workspaceName"), _text(parameters, "repositoryName")
    branch = _text(detail, "branch") or _text(parameters, "branchName")
    commit = _text(detail, "commit") or _text(parameters, "commitHash")
    repository = _part(detail, "repository")
    run_id = _text(detail, "run_id") or _text(parameters, "runId")
    uuid = _text(repository, "uuid")
    if run_id is None and uuid and branch and commit:
        run_id = commit_run_id(stack, uuid, branch, commit)
    return About(
        event=_text(content, "detail-type"),
        run_id=run_id,
        repository=_text(repository, "full_name") or (f"{workspace}/{slug}" if slug else None),
        branch=branch,
        commit=commit,
    )


def _part(content: Any, name: str) -> Mapping[str, Any]:
    part = content.get(name) if isinstance(content, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def _text(content: Any, name: str) -> str | None:
    text = content.get(name) if isinstance(content, Mapping) else None
    return text if isinstance(text, str) and text else None
