"""The machine's word about its run, for the queue that batch events travel on."""

from __future__ import annotations

import json
from typing import Any

from container.agent import aws, clock
from container.agent.records import Order


def report(order: Order, state: str, started_at: float | None, **more: Any) -> None:
    """The event MachineReported, see shared/events.py."""
    if not order.queue_url:
        return
    moments = {"started_at": started_at, "stopped_at": more.pop("stopped_at", None)}
    detail = {
        "run_id": order.run_id,
        "attempt": order.attempt,
        "instance_id": order.instance,
        "state": state,
        "exit_code": None,
        "reason": None,
        "archive": None,
        **more,
        **{name: None if at is None else clock.written(at) for name, at in moments.items()},
    }
    event = {"detail-type": "MachineReported", "source": "cloud-runner", "detail": detail}
    sqs = aws.client("sqs", order.region)
    sqs.send_message(QueueUrl=order.queue_url, MessageBody=json.dumps(event))
