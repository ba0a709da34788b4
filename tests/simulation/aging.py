"""Messages in flight while the stack is deployed: their senders were of another version.

A field is only ever added with a default (shared/events.py). So an older sender did not write what
now has its default, and a newer one writes fields that nobody here knows.
"""

import json
from typing import Any

from shared.events import SOURCE, Event
from tests.simulation.models.sqs import Sqs
from tests.simulation.pollers import sources

_KINDS = {kind.detail_type(): kind for kind in Event.__subclasses__()}
_NEW_FIELD = {"added_in_a_newer_release": {"nobody": ["knows", 1, None]}}


def age_messages(sqs: Sqs, *, newer: bool) -> int:
    """Rewrite every message of ours that waits, or was given up; how many that were."""
    changed = 0
    for source in sources():
        for message in (*sqs.waiting(source.url), *sqs.dead(source.url)):
            aged = aged_body(message.body, newer=newer)
            changed += aged != message.body
            message.body = aged
    return changed


def aged_body(body: str, *, newer: bool) -> str:
    """The message as a sender of another version writes it; what is not ours stays as it is."""
    envelope: dict[str, Any] = json.loads(body)
    kind = _KINDS.get(envelope.get("detail-type", ""))
    if envelope.get("source") != SOURCE or kind is None:
        return body
    if newer:
        envelope |= {"detail": envelope["detail"] | _NEW_FIELD, "version": "1"}
    else:
        envelope["detail"] = json.loads(
            kind.model_validate(envelope["detail"]).model_dump_json(
                by_alias=True, exclude_none=True, exclude_defaults=True
            )
        )
    return json.dumps(envelope)
