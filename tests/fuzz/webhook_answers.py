"""What an answer of the webhook may be, by what was delivered."""

import json
import re
from typing import Any

from shared.events import CommitPushed
from tests.samples import payload

REPOSITORY = "brydzewski/foo"
PUSH = payload("bitbucket_cloud/push/drone_branch_push.json")
REPOSITORY_UUID = PUSH["repository"]["uuid"]
ANSWERS = {202, 204, 400, 401, 413}


def moved(body: bytes) -> list[tuple[str, str, str]]:
    """The branches that a push has moved, as Python's own reader of JSON sees them."""
    document = json.loads(body)
    found = []
    for change in document["push"]["changes"]:
        new, old = change["new"], change.get("old")
        before = (old or {}).get("target")
        if new is None or new["type"] != "branch":
            continue
        if before is None or before["hash"] != new["target"]["hash"]:
            target = new["target"]
            message = target.get("message") or ""
            found.append((_whole(new["name"]), _whole(target["hash"]), _whole(message)))
    return found


def _whole(text: str) -> str:
    """The text as the webhook reads it: half a character is U+FFFD."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def check(body: bytes, status: int, stored: list[dict[str, Any]]) -> None:
    """See that an answer is true: 202 means that all is stored, anything else that nothing is."""
    assert status in ANSWERS
    if status != 202:
        assert stored == []
        return
    wanted = moved(body)
    assert len(stored) == len(wanted) > 0
    for envelope, (branch, commit, message) in zip(stored, wanted, strict=True):
        event = CommitPushed.model_validate(envelope["detail"])
        assert (event.branch, event.commit) == (branch, commit)
        assert message.startswith(event.message)
        lost = message.removeprefix(event.message)
        assert not lost or event.message.endswith("\n") or not event.message
        assert event.keywords_cut or "\n:ACME_" not in f"\n{lost}"
