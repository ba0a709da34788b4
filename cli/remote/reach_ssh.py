"""SSH, by OpenSSH's own program: keys, agents and jump hosts are as in its user's configuration.

Only host keys that are known are accepted: those that the machine has printed on its console, else
those that the user's own known_hosts has. The options given here win over any configuration
(ssh_config(5): the first value that is found is used, and the command line is looked at first).
"""

import shlex
import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path

from cli.account import Account
from cli.remote.host_keys import console_keys, known_hosts
from cli.remote.machine import Ec2, MachineFacts
from cli.remote.reach import Answer, Unanswered, Unreachable, see_that_it_lives
from cli.shown import age

_CONNECT_SECONDS = 10
_OPTIONS = (
    "BatchMode=yes",
    f"ConnectTimeout={_CONNECT_SECONDS}",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=4",
    "ForwardAgent=no",
    "ClearAllForwardings=yes",
    "RequestTTY=no",
    "LogLevel=ERROR",
)
# ssh(1): its own failures; a script's end with the script's code, which may be the same.
_SSH_FAILED = 255
# What ssh says of a host key that it does not accept (sshconnect.c); it has no code for it.
_REFUSED_KEY = "Host key verification failed"
_SUDO_SECONDS = 30


class Ssh:
    """The way to a machine as `user`, who may become root without a password."""

    def __init__(self, machine: MachineFacts, user: str, *, ec2: Ec2) -> None:
        self._machine = machine
        self._id = machine.instance_id
        self._user = user
        self._ec2 = ec2
        self._waiting = ec2.waiting
        self._keys: tuple[str, ...] = ()

    @classmethod
    def of(cls, account: Account, machine: MachineFacts, user: str) -> "Ssh":
        """The way to a machine of an account."""
        return cls(machine, user, ec2=Ec2.of(account))

    def ready(self, seconds: float) -> None:
        """Wait until the user can log in and become root.

        Raises:
            Unreachable: at once, if the machine shows another host key than it printed.

        """
        words = "it did not answer"

        def look() -> bool | None:
            nonlocal words
            self._keys = self._keys or console_keys(self._ec2.client, self._id)
            said = self._ssh("true", b"", _SUDO_SECONDS)
            if said is not None and said.code == 0:
                return True
            words = words if said is None else said.last_words
            if self._keys and _REFUSED_KEY in words:
                raise Unreachable(self._impostor())
            if said is not None and said.code != _SSH_FAILED:
                raise Unreachable(self._no_root(words))
            see_that_it_lives(self._ec2, self._id)
            return None

        if self._waiting.until(look, seconds) is None:
            raise Unreachable(self._missing(words, seconds))

    def run(self, script: str, *, given: bytes = b"", seconds: float) -> Answer:
        """What a script came to; `seconds` count from the login on."""
        said = self._ssh(script, given, _CONNECT_SECONDS + seconds)
        if said is None:
            message = f"{self._id} has not answered within {seconds:.0f} s"
            raise Unanswered(message)
        if said.code == _SSH_FAILED:
            message = f"the connection to {self._id} failed: {said.last_words}"
            raise Unanswered(message, seconds)
        return said

    def _ssh(self, script: str, given: bytes, seconds: float) -> Answer | None:
        """What `ssh` came to; None if it was ended since it took too long."""
        with tempfile.TemporaryDirectory(prefix="cloud-runner-") as folder:
            words = ["ssh", *self._options(Path(folder)), "-l", self._user, "--", self._address()]
            sudo = [] if self._user == "root" else ["sudo", "-n"]
            try:
                done = subprocess.run(
                    [*words, shlex.join([*sudo, "sh", "-c", script])],
                    input=given,
                    capture_output=True,
                    timeout=seconds,
                    check=False,
                )
            except FileNotFoundError as error:
                message = "there is no program ssh: install OpenSSH, or leave out --user"
                raise Unreachable(message) from error
            except subprocess.TimeoutExpired:
                return None
        output, errors = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        return Answer(done.returncode, output, errors)

    def _options(self, folder: Path) -> list[str]:
        options = [*_OPTIONS]
        if self._keys:
            # By the machine's id: addresses are used again, by others.
            known = folder / "known_hosts"
            known.write_text(known_hosts(self._id, self._keys))
            options += [
                f"UserKnownHostsFile={known}",
                "GlobalKnownHostsFile=/dev/null",
                f"HostKeyAlias={self._id}",
            ]
        return [word for option in options for word in ("-o", option)]

    def _address(self) -> str:
        address = self._machine.public_address or self._machine.private_address
        if address is None:
            message = f"{self._id} has no address: is it running?"
            raise Unreachable(message)
        return address

    def _impostor(self) -> str:
        return (
            f"whoever answers at {self._address()} has another host key than {self._id} has "
            "printed on its console: nothing was sent there"
        )

    def _no_root(self, words: str) -> str:
        return (
            f"{self._user} can log in to {self._id} but not become root without a password "
            f"(sudo -n): {words}"
        )

    def _missing(self, words: str, seconds: float) -> str:
        message = (
            f"{self._id} cannot be reached as {self._user}@{self._address()}: after "
            f"{age(timedelta(seconds=seconds))} ssh says: {words.rstrip('.')}."
        )
        if _REFUSED_KEY in words:
            message += (
                " It has printed no host keys on its console, and your known_hosts has none for "
                "it: read its keys in another way, and add them to ~/.ssh/known_hosts"
            )
        else:
            message += (
                " Its security group must admit you to port 22, and the user must have your key; "
                "or use Systems Manager: leave out --user"
            )
        return message
