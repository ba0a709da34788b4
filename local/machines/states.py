"""The states of an instance, as EC2 names and numbers them, and why it came into one.

Codes: EC2 API reference, InstanceState; reasons: user guide, "Troubleshoot instance termination".
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from moto.core.utils import utcnow
from moto.ec2.models.instances import StateReason

State = Literal["pending", "running", "shutting-down", "terminated", "stopping", "stopped"]
Last = Literal["terminated", "stopped"]

_CODES: Final[dict[State, int]] = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}
_BEFORE: Final[dict[Last, State]] = {"terminated": "shutting-down", "stopped": "stopping"}


@dataclass(frozen=True)
class Ending:
    """What a machine is to become, and why: EC2's code of the reason, and its words."""

    last: Last
    code: str
    words: str


def by_user(last: Last) -> Ending:
    """Somebody has called TerminateInstances or StopInstances."""
    return Ending(last, "Client.UserInitiatedShutdown", "User initiated shutdown")


def by_itself(last: Last) -> Ending:
    """The machine has shut itself down."""
    return Ending(last, "Client.InstanceInitiatedShutdown", "Instance initiated shutdown")


SPOT_INTERRUPTION: Final = Ending(
    "terminated", "Server.SpotInstanceTermination", "Spot instance termination"
)


def enter(instance: Any, state: State) -> None:
    """Let one of moto's instances be in a state."""
    instance.instance_state.name = state
    instance.instance_state.code = _CODES[state]
    instance.state_reason = None


def begin_to_end(instance: Any, ending: Ending) -> None:
    """Let it be on its way to an end."""
    enter(instance, _BEFORE[ending.last])
    instance.state_reason = _reason(ending)


def end(instance: Any, ending: Ending) -> None:
    """Let it be stopped, or terminated with what goes with it: its volumes and its address."""
    if ending.last == "terminated":
        instance.terminate()
    else:
        instance.stop()
    instance.state_reason = _reason(ending)  # moto knows one only


def start_again(instance: Any) -> None:
    """Let a stopped one be pending; EC2's LaunchTime is that of the latest start."""
    instance.start()
    instance.launch_time = utcnow()
    enter(instance, "pending")


def _reason(ending: Ending) -> StateReason:
    return StateReason(f"{ending.code}: {ending.words}", ending.code)
