"""Whether the numbers of a sweep are within limits: its waves, and the machines of its points."""

from collections.abc import Iterator, Sequence

from cli.sweep.config_plan import Plan
from cli.sweep.waves import MOST_WAVES
from services.parser.keywords import Limits
from services.parser.numbers import Number
from shared.errors import Rejected
from shared.points import MOST_CHILDREN

# Batch's least for a container (service model: ResourceRequirement).
_LEAST_MEMORY_MIB = 4


def too_many_waves(plans: Sequence[Plan], left: Sequence[int], had: int) -> Iterator[str]:
    """What is wrong if the waves' numbers may not suffice, should each be as small as may be.

    `left` is how many points of each plan are to be sent, `had` how many waves there were.
    """
    room = MOST_WAVES - had
    # A wave goes out when a quarter of the concurrency is free.
    waves = sum(
        -(-points // max(1, (plan.concurrency or 4 * MOST_CHILDREN) // 4))
        for plan, points in zip(plans, left, strict=True)
    )
    if waves <= room:
        return
    if room < 1:
        yield f"this sweep has had {had:,} jobs, and a sweep has no more: begin another one"
        return
    points = sum(left)
    beside = f" beside the {had:,} that it has had" if had else ""
    yield (
        f"{points:,} points with this concurrency may be {waves:,} jobs, and a sweep has at most "
        f"{MOST_WAVES:,}{beside}: raise the concurrency to {4 * -(-points // room)} or more"
    )


def beyond_limits(plans: Sequence[Plan], most: Limits) -> list[str]:
    """What is wrong if a plan asks for more than the stack lets a run have, as commits hear it."""
    gpus = Number("GPUs are a whole number", 0, most.gpus)
    memory = Number("memory is a whole number of MiB", _LEAST_MEMORY_MIB, most.memory_mib)
    vcpus = Number("vCPUs are a whole number", 1, most.vcpus)
    problems = []
    for plan in plans:
        asked = (
            ("gpus", gpus, plan.gpus),
            ("memory", memory, plan.memory_mib),
            ("vcpus", vcpus, plan.vcpus),
        )
        for key, number, value in asked:
            try:
                number.read(str(number.least if value is None else value), key)
            except Rejected as refused:
                problems.append(f"{key}: {refused}")
    return list(dict.fromkeys(problems))
