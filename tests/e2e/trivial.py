"""The second repository of the stack: its jobs are trivial commands."""

from collections.abc import Sequence

from tests.e2e.world import NAMES, World

TRIVIAL = "acme/trivial.jobs"


def trivial_job(world: World, command: Sequence[str]) -> None:
    """Let jobs of the trivial repository run `command` from now on."""
    world.client("batch").register_job_definition(
        jobDefinitionName=NAMES.job_definition("trivial.jobs"),
        type="container",
        containerProperties={
            "image": "none",
            "command": list(command),
            "resourceRequirements": [
                {"type": "VCPU", "value": "1"},
                {"type": "MEMORY", "value": "128"},
            ],
        },
        retryStrategy={
            "attempts": 2,
            "evaluateOnExit": [
                {"onStatusReason": "Host EC2*", "action": "RETRY"},
                {"onReason": "*", "action": "EXIT"},
            ],
        },
        timeout={"attemptDurationSeconds": 600},
    )
