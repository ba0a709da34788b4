"""Who may say what: a machine of one's own speaks for itself, and of nothing else.

A machine's role may put messages on the monitor's queue, and what runs on it is anybody's
experiment. SQS says who sent a message: `<unique id of the role>:<session>`, and the session of a
role that an instance has is the instance's id (IAM user guide, "Policy variables": `aws:userid`).

Whoever else may put messages there may say anything: a service, or a person who gives a dead letter
back, be it in a session of a role.
"""

import re

from shared.events import Envelope, MachineReported

_INSTANCE = re.compile(r"i-[0-9a-f]+")


def may_say(message: Envelope) -> bool:
    """Whether the message's sender may say that.

    >>> report = {"detail-type": "MachineReported", "source": "cloud-runner"}
    >>> mine = Envelope.model_validate(report | {"detail": {"instance_id": "i-0a1"}})
    >>> [may_say(mine.model_copy(update={"sender": f"AROAX:{who}"})) for who in ("i-0a1", "i-0b2")]
    [True, False]
    >>> may_say(mine.model_copy(update={"sender": "AROAX:someone@example.com"}))
    True
    """
    session = (message.sender or "").partition(":")[2]
    if _INSTANCE.fullmatch(session) is None:
        return True
    reports = message.detail_type == MachineReported.detail_type()
    return reports and message.detail.get("instance_id") == session
