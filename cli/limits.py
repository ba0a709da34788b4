"""What a stack lets a run ask for: the limits of its parameters, as the parser has them."""

from cli.deployed import Deployed
from services.parser.keywords import Limits


def limits(deployed: Deployed) -> Limits:
    """The limits; AccountError if the stack was deployed before it had one of them."""
    return Limits(
        gpus=int(deployed.parameter("MaxGpus")),
        memory_mib=int(deployed.parameter("MaxMemoryMiB")),
        vcpus=int(deployed.parameter("MaxVcpus")),
        points=int(deployed.parameter("MaxSweepPoints")),
        failed_percent=int(deployed.parameter("ToleratedFailurePercent")),
    )
