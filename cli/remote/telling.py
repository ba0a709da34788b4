"""A machine as programs read it."""

from typing import Any

from cli.remote.machine import MachineFacts
from shared.events import timestamp


def as_json(machine: MachineFacts) -> dict[str, Any]:
    """A machine's facts; what is not known is null. Its names are those of `remote list --json`."""
    return {
        "instance_id": machine.instance_id,
        "name": machine.name,
        "instance_type": machine.instance_type,
        "market": machine.market,
        "state": machine.state,
        "origin": machine.origin,
        "asked_by": machine.asked_by,
        "launched_at": timestamp(machine.launched_at),
        "ends_at": None if machine.ends_at is None else timestamp(machine.ends_at),
        "afterwards": machine.afterwards,
        "run_id": machine.run_id,
        "zone": machine.zone,
        "public_address": machine.public_address,
        "private_address": machine.private_address,
    }
