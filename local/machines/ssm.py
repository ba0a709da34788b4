"""Systems Manager: Run Command, and which machines it knows."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from local.machines.commands import Command, Commands, Invocation
from local.machines.errors import Refused
from local.machines.fleet import Fleet
from local.machines.machine import Machine

Document = Mapping[str, Any]

_DOCUMENT: Final = "AWS-RunShellScript"
_EXECUTION_SECONDS: Final = "3600"
# At least so many characters has a comment too much (API reference, SendCommand).
_COMMENT_CHARACTERS: Final = 100


class SystemsManager:
    """Each operation a method from a request to an answer."""

    def __init__(self, fleet: Fleet, commands: Commands) -> None:
        self._fleet = fleet
        self._commands = commands
        self._operations = {
            "SendCommand": self._send_command,
            "GetCommandInvocation": self._get_command_invocation,
            "ListCommandInvocations": self._list_command_invocations,
            "CancelCommand": self._cancel_command,
            "DescribeInstanceInformation": self._describe_instance_information,
        }

    def knows(self, operation: str) -> bool:
        """Whether an operation is one of these."""
        return operation in self._operations

    def answer(self, operation: str, asked: Document) -> Document:
        """The answer to a request; raises Refused."""
        return self._operations[operation](asked)

    def _send_command(self, asked: Document) -> Document:
        if asked.get("DocumentName") != _DOCUMENT:
            raise Refused("InvalidDocument", f"the embedded stack knows {_DOCUMENT} only")
        if len(asked.get("Comment", "")) > _COMMENT_CHARACTERS:
            raise Refused("ValidationException", "the comment is longer than 100 characters")
        given = asked.get("Parameters", {})
        if not given.get("commands"):
            raise Refused("InvalidParameters", "commands: there are none")
        machines = [self._reachable(one) for one in asked.get("InstanceIds", [])]
        if not machines:
            raise Refused("InvalidInstanceId", "InstanceIds: the embedded stack needs them")
        (seconds,) = given.get("executionTimeout", [_EXECUTION_SECONDS])
        script = "\n".join(given["commands"])
        if folder := given.get("workingDirectory", [""])[0]:
            script = f"cd {folder} || exit\n{script}"
        command = self._commands.send(machines, script, float(seconds), asked.get("Comment", ""))
        return {"Command": _command(command, asked)}

    def _get_command_invocation(self, asked: Document) -> Document:
        found = self._commands.find(asked["CommandId"], asked["InstanceId"])
        if found is None:
            raise Refused("InvocationDoesNotExist", "")
        return _invocation(found) | {
            "StandardOutputContent": found.stdout,
            "StandardErrorContent": found.stderr,
        }

    def _list_command_invocations(self, asked: Document) -> Document:
        found = self._commands.of(asked.get("CommandId", ""))
        return {"CommandInvocations": [_invocation(one) for one in found]}

    def _cancel_command(self, asked: Document) -> Document:
        self._commands.cancel(asked["CommandId"])
        return {}

    def _describe_instance_information(self, asked: Document) -> Document:
        wanted = _wanted(asked)
        return {
            "InstanceInformationList": [
                _information(machine)
                for machine in self._fleet
                if machine.reachable and (wanted is None or machine.instance.id in wanted)
            ]
        }

    def _reachable(self, instance_id: str) -> Machine:
        machine = self._fleet.find(instance_id)
        if machine is None or not machine.reachable:
            message = f"Instances [[{instance_id}]] not in a valid state for account"
            raise Refused("InvalidInstanceId", message)
        return machine


def _wanted(asked: Document) -> set[str] | None:
    """The instances that filters, of the new kind or the old, name; None: all."""
    for key, name, values in (
        ("Filters", "Key", "Values"),
        ("InstanceInformationFilterList", "key", "valueSet"),
    ):
        for one in asked.get(key, []):
            if one[name] != "InstanceIds":
                raise Refused("InvalidFilterKey", f"{one[name]} is no filter that is known here")
            return set(one[values])
    return None


def _information(machine: Machine) -> Document:
    instance = machine.instance
    return {
        "InstanceId": instance.id,
        "PingStatus": "Online",
        "LastPingDateTime": datetime.now(UTC).timestamp(),
        "AgentVersion": "3.3.3050.0",
        "IsLatestVersion": True,
        "PlatformType": "Linux",
        "PlatformName": "Amazon Linux",
        "PlatformVersion": "2023",
        "ResourceType": "EC2Instance",
        "IPAddress": instance.private_ip_address,
        "ComputerName": instance.private_dns_name,
    }


def _command(command: Command, asked: Document) -> Document:
    return {
        "CommandId": command.command_id,
        "DocumentName": _DOCUMENT,
        "Comment": command.comment,
        "Parameters": asked["Parameters"],
        "InstanceIds": list(command.instance_ids),
        "RequestedDateTime": command.asked_at.timestamp(),
        "Status": "Pending",
        "StatusDetails": "Pending",
    }


def _invocation(found: Invocation) -> dict[str, Any]:
    """What the two operations that tell of one have in common."""
    times = {"ExecutionStartDateTime": found.started_at, "ExecutionEndDateTime": found.ended_at}
    return {
        "CommandId": found.command.command_id,
        "InstanceId": found.instance_id,
        "Comment": found.command.comment,
        "DocumentName": _DOCUMENT,
        "PluginName": "aws:runShellScript",
        "ResponseCode": found.code,
        **{name: moment.isoformat() if moment else "" for name, moment in times.items()},
        "Status": found.status,
        "StatusDetails": "Execution Timed Out" if found.status == "TimedOut" else found.status,
    }
