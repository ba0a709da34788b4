"""What the parts of a deployed template.yaml are called here: `!Ref`, `!GetAtt` and the like.

The stack is `acme-testing`, with the template's own defaults for everything else.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from tests.contracts import wiring
from tests.samples import GPU_JOB_QUEUE, JOB_QUEUE, REGION

ACCOUNT = "123456789012"
PARAMETERS: Mapping[str, str] = {
    **{name: str(one.get("Default", "")) for name, one in wiring.PARAMETERS.items()},
    "Environment": "testing",
}
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "acme-testing",
}
# What the nested stack of machines tells: container/compute.yaml.
_COMPUTE = {
    "Outputs.JobQueueArn": JOB_QUEUE,
    "Outputs.GpuJobQueueArn": GPU_JOB_QUEUE,
    "Outputs.DataBucket": "acme-testing-data",
}
_IN_TEXT = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")


def ref(logical_id: str) -> str:
    """What `!Ref` gives: a parameter's value, a queue's url, a name, or an ARN."""
    if logical_id in _PSEUDO:
        return _PSEUDO[logical_id]
    if logical_id in PARAMETERS:
        return PARAMETERS[logical_id]
    kind = wiring.RESOURCES[logical_id]["Type"]
    if kind == "AWS::SQS::Queue":
        return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{queue_name(logical_id)}"
    if kind == "AWS::Events::EventBus":
        return text(wiring.properties(logical_id)["Name"])
    if kind == "AWS::SecretsManager::Secret":
        name = text(wiring.properties(logical_id)["Name"])
        return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-AbCdEf"
    return f"acme-testing-{logical_id}"


def get_att(logical_id: str, attribute: str) -> str:
    """What `!GetAtt` gives."""
    if logical_id == "Compute":
        return _COMPUTE[attribute]
    kind = wiring.RESOURCES[logical_id]["Type"]
    if attribute == "Name" and kind == "AWS::Events::EventBus":
        return ref(logical_id)
    if attribute == "QueueName":
        return queue_name(logical_id)
    if attribute == "Arn" and kind == "AWS::SQS::Queue":
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue_name(logical_id)}"
    return f"arn:aws:cloud-runner:{REGION}:{ACCOUNT}:{logical_id}"


def queue_name(logical_id: str) -> str:
    """The name of a queue of the template."""
    return text(wiring.properties(logical_id)["QueueName"])


def condition(name: str) -> bool:
    """Whether a condition of the template holds."""
    return _holds(wiring.TEMPLATE["Conditions"][name])


def value(written: Any) -> Any:
    """A part of the template with every function in it done."""
    if isinstance(written, list):
        return [value(one) for one in written]
    if not isinstance(written, Mapping):
        return written
    if len(written) == 1:
        ((function, argument),) = written.items()
        if function == "Ref":
            return ref(argument)
        if function == "Fn::GetAtt":
            parts = argument.split(".") if isinstance(argument, str) else argument
            return get_att(str(parts[0]), ".".join(map(str, parts[1:])))
        if function == "Fn::Sub":
            return _IN_TEXT.sub(lambda found: _named(found[1]), argument)
        if function == "Fn::If":
            return value(argument[1] if condition(argument[0]) else argument[2])
        if function == "Fn::Join":
            parts = value(argument[1])
            # A list parameter is one text with commas here.
            return argument[0].join(parts) if isinstance(parts, list) else parts
        if function == "Fn::Split":
            return [one for one in value(argument[1]).split(argument[0]) if one]
    return {name: value(one) for name, one in written.items()}


def text(written: Any) -> str:
    """The same where it is one text."""
    return str(value(written))


@cache
def environment(service: str) -> Mapping[str, str]:
    """The environment variables of a service's function."""
    declared = wiring.function_of(service).environment
    return {"AWS_REGION": REGION, **{name: text(one) for name, one in declared.items()}}


def _named(name: str) -> str:
    logical_id, _, attribute = name.partition(".")
    return get_att(logical_id, attribute) if attribute else ref(name)


def _holds(written: Mapping[str, Any]) -> bool:
    ((function, argument),) = written.items()
    if function == "Fn::Not":
        return not _holds(argument[0])
    if function == "Fn::Equals":
        return text(argument[0]) == text(argument[1])
    if function == "Condition":
        return condition(argument)
    message = f"no condition that is known here: {function}"
    raise NotImplementedError(message)
