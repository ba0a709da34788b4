"""For which processors an image is made: those of the machines that the stack starts."""

import re

AMD64, ARM64 = "linux/amd64", "linux/arm64"
# A "g" behind the generation is Graviton (EC2 user guide, "Instance type naming conventions").
_GRAVITON = re.compile(r"default_arm64|[a-z]+[0-9]+g.*")


def platform(instance_types: str) -> str:
    """The platform of a compute environment's instance types, given as in the stack's parameter.

    >>> platform("default_arm64"), platform("m7g,c7gn"), platform("c7i,g5"), platform("")
    ('linux/arm64', 'linux/arm64', 'linux/amd64', 'linux/amd64')
    """
    families = [one.strip() for one in instance_types.split(",")]
    return ARM64 if all(_GRAVITON.fullmatch(one) for one in families) else AMD64
