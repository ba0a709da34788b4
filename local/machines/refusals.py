"""What EC2 refuses: because a test has ordered it, or because EC2 would."""

import re
from typing import Any, Final

from moto.ec2.exceptions import EC2ClientError

from local.machines.troubles import Subject, Troubles

# API reference, "Error codes for the Amazon EC2 API", of those that a server's fault has.
_SERVERS: Final = {
    "InsufficientCapacity": 500,
    "InsufficientInstanceCapacity": 500,
    "InternalError": 500,
    "RequestLimitExceeded": 503,
    "ServiceUnavailable": 503,
    "Unavailable": 503,
}


def status(status: int, body: str | bytes) -> int:
    """The status of an answer; to moto every refusal is the caller's fault.

    >>> status(400, "<Error><Code>InsufficientInstanceCapacity</Code></Error>")
    500
    >>> status(400, "<Error><Code>InvalidAMIID.NotFound</Code></Error>"), status(200, "<Code/>")
    (400, 200)
    """
    text = body if isinstance(body, str) else body.decode()
    code = re.search(r"<Code>([\w.]+)</Code>", text) if status == 400 else None
    return status if code is None else _SERVERS.get(code[1], status)


def refuse(troubles: Troubles, operation: str, subject: Subject) -> None:
    """Raise if an operation is to be refused to somebody."""
    code = troubles.refusal(operation, subject)
    if code is not None:
        raise EC2ClientError(code, f"{operation} is refused: ordered by a test")


def wrong_state(instance: Any, wanted: str) -> EC2ClientError:
    """EC2's refusal of what an instance's state does not allow: that it be `wanted`."""
    message = f"The instance '{instance.id}' is not in a state from which it can be {wanted}."
    return EC2ClientError("IncorrectInstanceState", message)


def one_time(instance: Any) -> EC2ClientError:
    """EC2's refusal to stop what a one-time spot request has brought."""
    message = (
        f"You can't stop the Spot Instance '{instance.id}' because it is associated with a "
        "one-time Spot Instance request. You can only stop Spot Instances associated with "
        "persistent Spot Instance requests."
    )
    return EC2ClientError("UnsupportedOperation", message)
