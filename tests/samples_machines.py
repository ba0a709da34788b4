"""Values that tests of machines begin with: a run that has one, its reports, EC2's words of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.events import Asked, Machine, MachineReported
from shared.machines import MachineDetail
from shared.runs import Run
from tests.samples import NOW, RUN_ID, a_run, minutes

INSTANCE = "i-0a1b2c3d4e5f60718"
ANOTHER = "i-0ffffffffffffffff"
ENDS_AT = NOW + minutes(24 * 60)


def a_machine(**changes: Any) -> Machine:
    """The machine of `a_machines_run`: created, to be terminated a day after `NOW`."""
    machine = Machine(
        instance_id=INSTANCE,
        instance_type="g5.xlarge",
        market="spot",
        ends_at=ENDS_AT,
        log_stream=f"remote/{RUN_ID}",
    )
    return machine.model_copy(update=changes)


def a_machines_run(**changes: Any) -> Run:
    """A run with a machine of its own, that was asked for at `NOW`."""
    asked = Asked(module="train", arguments="--epochs 3")
    return a_run(**{"asked": asked, "machine": a_machine(), **changes})


def a_report(state: str, **fields: Any) -> MachineReported:
    """The machine's word on `a_machines_run`."""
    return MachineReported.model_validate(
        {"run_id": RUN_ID, "instance_id": INSTANCE, "state": state, **fields}
    )


def an_instance(
    state: str,
    why: tuple[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    launched_at: datetime = NOW,
) -> MachineDetail:
    """What EC2 says of the machine: its state, the reason's code and message, its tags."""
    reason = {"StateReason": {"Code": why[0], "Message": why[1]}} if why else {}
    return MachineDetail.model_validate(
        {
            "InstanceId": INSTANCE,
            "LaunchTime": launched_at,
            "State": {"Code": 16, "Name": state},
            "Tags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()],
            **reason,
        }
    )
