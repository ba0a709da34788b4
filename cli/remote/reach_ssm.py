"""Systems Manager: a machine's agent fetches a script, runs it as root, and hands its output back.

What a command is given stays in the account's command history, its output as well. Limits (API
reference, GetCommandInvocation): the first 24,000 characters of stdout, 8,000 of stderr.
"""

import math
from datetime import datetime, timedelta
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from cli.account import Account
from cli.asking import AccountError, asking
from cli.remote.machine import Ec2, MachineFacts
from cli.remote.reach import Answer, Unanswered, Unreachable, see_that_it_lives
from cli.remote.wrapping import wrapped
from cli.shown import age
from shared.aws import calling, throttled
from shared.errors import Unavailable

_DOCUMENT = "AWS-RunShellScript"
# A command that is not fetched by then will not run (API reference, SendCommand: 30 at least).
_DELIVERY_SECONDS = 60
# An invocation's answer comes some seconds after its end.
_LATE_SECONDS = 30
_OVER = frozenset({"Success", "Failed", "Cancelled", "TimedOut"})
# Of what has ended so, the machine has seen nothing (user guide, "Understanding command statuses").
_NEVER_RAN = {
    "DeliveryTimedOut": "it did not fetch it in time",
    "Undeliverable": "it is gone, or does not answer",
    "AccessDenied": "the identity may not send it",
    "InvalidPlatform": "it is no Linux",
}
_TRIES = 5


class SystemsManager:
    """The way to a machine by Run Command.

    `sends` is a client that tries once: SendCommand has no token by which a second try would be
    known as one, so what is unclear is said to be.
    """

    def __init__(self, machine: MachineFacts, *, ssm: Any, sends: Any, ec2: Ec2) -> None:
        self._machine = machine
        self._id = machine.instance_id
        self._ssm = ssm
        self._sends = sends
        self._ec2 = ec2
        self._waiting = ec2.waiting

    @classmethod
    def of(cls, account: Account, machine: MachineFacts) -> "SystemsManager":
        """The way to a machine of an account."""
        ssm, here = account.client("ssm"), account.local_stack
        once = account.session.client(
            "ssm",
            region_name=account.region,
            config=Config(connect_timeout=10, read_timeout=60, retries={"total_max_attempts": 1}),
            **({} if here is None else {"endpoint_url": here.endpoint("ssm")}),
        )
        return cls(machine, ssm=ssm, sends=once, ec2=Ec2.of(account))

    def ready(self, seconds: float) -> None:
        """Wait until the machine's agent has called Systems Manager since the machine's start."""
        known: dict[str, Any] | None = None

        def look() -> bool | None:
            nonlocal known
            known = self._known()
            if known is not None and known["PingStatus"] == "Online" and self._pinged(known):
                return True
            see_that_it_lives(self._ec2, self._id)
            return None

        if self._waiting.until(look, seconds) is None:
            raise Unreachable(self._missing(known, seconds))

    def run(self, script: str, *, given: bytes = b"", seconds: float) -> Answer:
        """What a script came to; `seconds` count from its start on the machine."""
        command = self._send(wrapped(script, given), seconds)

        def look() -> dict[str, Any] | None:
            told = self._told(command)
            return told if told is not None and told["Status"] in _OVER else None

        settles = _DELIVERY_SECONDS + seconds
        try:
            told = self._waiting.until(look, settles + _LATE_SECONDS)
        except AccountError as error:  # as with credentials that have run out meanwhile
            raise Unanswered(error.message, settles) from error
        if told is None:
            message = f"{self._id} has not answered within {seconds:.0f} s: command {command}"
            raise Unanswered(message)
        return self._answer(told, command)

    def _known(self) -> dict[str, Any] | None:
        doing = f"asking Systems Manager for {self._id}"
        with asking(doing), calling(doing):
            found = self._ssm.describe_instance_information(
                Filters=[{"Key": "InstanceIds", "Values": [self._id]}]
            )["InstanceInformationList"]
        return found[0] if found else None

    def _pinged(self, known: dict[str, Any]) -> bool:
        """Whether it was heard of since its start; before, it may be the boot before it."""
        ping: datetime | None = known.get("LastPingDateTime")
        return ping is None or ping >= self._machine.launched_at

    def _missing(self, known: dict[str, Any] | None, seconds: float) -> str:
        said = "does not know it" if known is None else f"says {known['PingStatus']} of it"
        return (
            f"{self._id} cannot be reached: after {age(timedelta(seconds=seconds))} Systems "
            f"Manager {said}. It needs the SSM Agent in its image, an instance profile with the "
            "rights of AmazonSSMManagedInstanceCore (the stack has one: its output "
            "MachineProfileName), and a way to the region's endpoints ssm, ssmmessages and "
            "ec2messages. Or log in by SSH: --user"
        )

    def _send(self, commands: str, seconds: float) -> str:
        for _ in range(_TRIES):
            command = self._send_once(commands, seconds)
            if command is not None:
                return command
            self._waiting.sleep(self._waiting.between_seconds)
        message = f"Systems Manager takes no commands for {self._id} at the moment: try again"
        raise Unreachable(message)

    def _send_once(self, commands: str, seconds: float) -> str | None:
        """The command's id; None where it was surely not taken, for now."""
        doing = f"sending a command to {self._id}"
        try:
            with asking(doing), calling(doing):
                try:
                    sent = self._sends.send_command(
                        InstanceIds=[self._id],
                        DocumentName=_DOCUMENT,
                        Comment="cloud-runner remote",
                        TimeoutSeconds=_DELIVERY_SECONDS,
                        Parameters={
                            "commands": [commands],
                            "executionTimeout": [str(math.ceil(seconds))],
                        },
                    )
                except ClientError as error:
                    if throttled(error):
                        return None
                    if error.response["Error"]["Code"] == "InvalidInstanceId":
                        message = f"{doing}: Systems Manager does not know it, or not any more"
                        raise Unreachable(message) from error
                    raise
        except Unavailable as error:
            message = f"{error}: it may have been sent all the same"
            raise Unanswered(message, _DELIVERY_SECONDS + seconds) from error
        command: str = sent["Command"]["CommandId"]
        return command

    def _told(self, command: str) -> dict[str, Any] | None:
        """What is known of the command; None while nothing is: it was sent a moment ago."""
        doing = f"asking what a command on {self._id} came to"
        with asking(doing), calling(doing):
            try:
                told: dict[str, Any] = self._ssm.get_command_invocation(
                    CommandId=command, InstanceId=self._id
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == "InvocationDoesNotExist":
                    return None
                raise
        return told

    def _answer(self, told: dict[str, Any], command: str) -> Answer:
        details = told.get("StatusDetails", told["Status"]).replace(" ", "")
        if details in _NEVER_RAN:
            message = f"{self._id} got no command: {_NEVER_RAN[details]}: command {command}"
            raise Unreachable(message)
        code: int = told.get("ResponseCode", -1)
        if told["Status"] not in ("Success", "Failed") or code < 0:
            message = f"{self._id} carried out no command to its end: {details}: command {command}"
            raise Unanswered(message)
        output, errors = told.get("StandardOutputContent"), told.get("StandardErrorContent")
        return Answer(code, output or "", errors or "")
