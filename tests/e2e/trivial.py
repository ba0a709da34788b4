"""The second repository of the stack: its jobs are trivial commands."""

from collections.abc import Sequence

from tests.e2e.world import NAMES, World

_SLUG = "trivial.jobs"
TRIVIAL = f"acme/{_SLUG}"


def trivial_job(world: World, command: Sequence[str], *, slug: str = _SLUG, tries: int = 2) -> None:
    """Let jobs of the trivial repository, or of another, run `command` from now on.

    `tries` is how often Batch begins one whose machine is lost.
    """
    world.client("batch").register_job_definition(
        jobDefinitionName=NAMES.job_definition(slug),
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
            "attempts": tries,
            "evaluateOnExit": [
                {"onStatusReason": "Host EC2*", "action": "RETRY"},
                {"onReason": "*", "action": "EXIT"},
            ],
        },
        timeout={"attemptDurationSeconds": 600},
    )
