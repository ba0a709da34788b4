"""Names of Batch's resources: ARNs, ids, log streams, and reading references to them."""

import uuid
from dataclasses import dataclass

# A log stream begins with the definition's name, cut: batch user guide, "Using the awslogs log
# driver". Names are at most 128 characters, so nothing is ever cut today.
_STREAM_PREFIX_LENGTH = 200


@dataclass(frozen=True)
class Account:
    """The account and region that all of the endpoint's resources are in."""

    id: str
    region: str

    def batch(self, kind: str, name: str) -> str:
        """The ARN of a Batch resource: `job`, `job-queue`, `job-definition`..."""
        return f"arn:aws:batch:{self.region}:{self.id}:{kind}/{name}"

    def ecs(self, kind: str, name: str) -> str:
        """The ARN of an ECS resource: `task`, `cluster`, `container-instance`."""
        return f"arn:aws:ecs:{self.region}:{self.id}:{kind}/{name}"


def new_job_id() -> str:
    """A job's id: a UUID in its usual writing."""
    return str(uuid.uuid4())


def new_task_id() -> str:
    """The id of an ECS task or container instance: 32 hexadecimal digits."""
    return uuid.uuid4().hex


def new_instance_id() -> str:
    """The id of an EC2 instance: `i-` and 17 hexadecimal digits."""
    return f"i-{uuid.uuid4().hex[:17]}"


def name_in(reference: str) -> str:
    """The name in an ARN, or the reference itself where it is a name.

    >>> name_in("arn:aws:batch:eu-west-1:123456789012:job-definition/train:3")
    'train:3'
    >>> name_in("train:3")
    'train:3'
    """
    return reference.rpartition("/")[2] if reference.startswith("arn:") else reference


def log_stream(job_definition_arn: str, task_id: str) -> str:
    """The CloudWatch log stream of a try.

    >>> log_stream("arn:aws:batch:eu-west-1:123456789012:job-definition/train:3", "0a1b")
    'train/default/0a1b'
    """
    name = name_in(job_definition_arn).partition(":")[0]
    return f"{name[:_STREAM_PREFIX_LENGTH]}/default/{task_id}"
