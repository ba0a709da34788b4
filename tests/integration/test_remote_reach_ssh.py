"""Machines reached by SSH: a stand-in for OpenSSH's program, as strict as it is told to be."""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cli.remote.reach import Unanswered, Unreachable
from cli.remote.reach_ssh import Ssh
from tests.fakes import Clock
from tests.integration.remote_reach_world import MACHINE_ID, Ec2Client, a_machine, ec2_of
from tests.samples import NOW, minutes

# The host shows the key in `host_key`; the user's own known_hosts is `users_known_hosts`. It runs
# the command as a login shell would, and becomes it.
_SSH = """\
#!{python}
import json, os, pathlib, sys
here = pathlib.Path({folder!r})
words = sys.argv[1:]
options = {{}}
user = None
while words and words[0] != "--":
    option, value = words[0], words[1]
    words = words[2:]
    if option == "-l":
        user = value
    else:
        assert option == "-o", option
        name, _, text = value.partition("=")
        options.setdefault(name, text)
_, host, command = words
with (here / "calls").open("a") as calls:
    calls.write(json.dumps([user, host, command, options]) + "\\n")
assert options["BatchMode"] == "yes" and options["StrictHostKeyChecking"] == "yes"
assert "ConnectTimeout" in options
if (here / "down").exists():
    print("ssh: connect to host machine.example.com port 22: Connection refused", file=sys.stderr)
    sys.exit(255)
known = pathlib.Path(options.get("UserKnownHostsFile", here / "users_known_hosts"))
alias = options.get("HostKeyAlias", host)
if f"{{alias}} {{(here / 'host_key').read_text()}}" not in known.read_text().splitlines():
    print("Host key verification failed.", file=sys.stderr)
    sys.exit(255)
os.chdir(here)
os.execvp("sh", ["sh", "-c", "exec " + command])
"""
_SUDO = """\
#!/bin/sh
[ "$1" = -n ] || exit 9
if [ -e "{folder}/no-sudo" ]; then echo 'sudo: a password is required' >&2; exit 1; fi
shift
AS_ROOT=yes exec "$@"
"""


def _key(filling: bytes) -> str:
    blob = b"\0\0\0\x0bssh-ed25519" + filling * 32
    return f"ssh-ed25519 {base64.b64encode(blob).decode()}"


OWN, OTHER = _key(b"\1"), _key(b"\2")
CONSOLE = f"""\
-----BEGIN SSH HOST KEY KEYS-----
{OWN} root@machine
-----END SSH HOST KEY KEYS-----
"""


class Host:
    """What the stand-in talks to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.show(OWN)
        self.users_know("")

    def show(self, key: str) -> None:
        """The host key that it has."""
        (self.folder / "host_key").write_text(key)

    def users_know(self, lines: str) -> None:
        """The user's own known_hosts."""
        (self.folder / "users_known_hosts").write_text(lines)

    def set(self, name: str, *, on: bool = True) -> None:
        """`down`: it refuses connections. `no-sudo`: its user needs a password."""
        path = self.folder / name
        path.touch() if on else path.unlink()

    @property
    def calls(self) -> list[Any]:
        """What `ssh` was called with: user, host, command, options."""
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("ssh", _SSH), ("sudo", _SUDO)):
        program = programs / name
        program.write_text(text.format(python=sys.executable, folder=str(tmp_path)))
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return Host(tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ec2() -> Ec2Client:
    return Ec2Client(console=CONSOLE)


@pytest.fixture
def way(host: Host, ec2: Ec2Client, clock: Clock) -> Ssh:
    return Ssh(a_machine(), "ubuntu", ec2=ec2_of(ec2, clock))


def test_a_script_runs_as_root_with_its_input(way: Ssh, host: Host) -> None:
    way.ready(60)
    script = """\nread line; echo "got $line, $AS_ROOT"; echo 'oh "no"' >&2\nexit 7\n"""
    answer = way.run(script, given=b"what's {{this}}\n", seconds=30)

    assert answer.code == 7
    assert answer.stdout == "got what's {{this}}, yes\n"
    assert answer.last_words == 'oh "no"'


def test_the_printed_keys_are_the_only_ones_that_are_known(way: Ssh, host: Host) -> None:
    host.users_know(f"machine.example.com {OTHER}\n")
    way.ready(60)
    user, name, _, options = host.calls[-1]

    assert (user, name) == ("ubuntu", "machine.example.com")
    assert options["HostKeyAlias"] == MACHINE_ID
    assert options["GlobalKnownHostsFile"] == "/dev/null"
    assert options["ForwardAgent"] == "no"
    assert not Path(options["UserKnownHostsFile"]).exists()


def test_another_key_than_the_printed_one_is_never_accepted(
    way: Ssh, host: Host, clock: Clock
) -> None:
    host.show(OTHER)
    host.users_know(f"machine.example.com {OTHER}\n")

    with pytest.raises(Unreachable, match="another host key than"):
        way.ready(600)

    assert clock.now == NOW


def test_without_printed_keys_the_users_own_known_hosts_are_enough(
    way: Ssh, host: Host, ec2: Ec2Client
) -> None:
    ec2.console, ec2.latest = "", False
    host.users_know(f"machine.example.com {OWN}\n")
    way.ready(60)

    assert "UserKnownHostsFile" not in host.calls[-1][3]
    assert way.run("echo done", seconds=30).stdout == "done\n"


def test_a_host_that_nobody_knows_is_refused_with_what_to_do(way: Ssh, ec2: Ec2Client) -> None:
    ec2.console = ""

    with pytest.raises(Unreachable, match=r"no host keys on its console.*add them to") as raised:
        way.ready(60)

    assert "after 1 min ssh says: Host key verification failed. It has" in raised.value.message


def test_keys_that_are_printed_late_are_waited_for(host: Host, clock: Clock) -> None:
    ec2 = Ec2Client()

    def print_them() -> None:
        ec2.console = CONSOLE if clock.now > NOW + minutes(1) else ""

    way = Ssh(a_machine(), "ubuntu", ec2=ec2_of(ec2, clock, print_them))
    way.ready(600)

    assert NOW + minutes(1) < clock.now < NOW + minutes(2)


def test_a_machine_that_does_not_listen_yet_is_waited_for(host: Host, clock: Clock) -> None:
    host.set("down")
    ec2 = ec2_of(Ec2Client(console=CONSOLE), clock, lambda: host.set("down", on=False))
    Ssh(a_machine(), "ubuntu", ec2=ec2).ready(600)

    assert len(host.calls) == 2


def test_a_machine_that_never_listens_is_told_with_sshs_own_words(way: Ssh, host: Host) -> None:
    host.set("down")

    with pytest.raises(Unreachable, match=r"after 1 min ssh says: .*Connection refused.*port 22"):
        way.ready(60)


def test_a_user_who_cannot_become_root_is_told_so_at_once(
    way: Ssh, host: Host, clock: Clock
) -> None:
    host.set("no-sudo")

    with pytest.raises(Unreachable, match=r"root without a password.*password is required"):
        way.ready(600)

    assert clock.now == NOW


def test_root_needs_no_sudo(host: Host, clock: Clock) -> None:
    host.set("no-sudo")
    way = Ssh(a_machine(), "root", ec2=ec2_of(Ec2Client(console=CONSOLE), clock))
    way.ready(60)

    assert way.run("echo done", seconds=30).stdout == "done\n"


def test_a_connection_that_breaks_leaves_it_open_whether_the_script_ran(
    way: Ssh, host: Host
) -> None:
    way.ready(60)
    host.set("down")

    with pytest.raises(Unanswered, match="Connection refused") as raised:
        way.run("true", seconds=30)

    assert raised.value.settles_in_seconds == 30


def test_a_script_that_takes_too_long_is_given_up(
    way: Ssh, monkeypatch: pytest.MonkeyPatch
) -> None:
    way.ready(60)
    monkeypatch.setattr("cli.remote.reach_ssh._CONNECT_SECONDS", 0)
    began = time.monotonic()

    with pytest.raises(Unanswered, match="has not answered"):
        way.run("exec sleep 300", seconds=0.5)

    assert time.monotonic() - began < 150


def test_a_name_that_looks_like_an_option_stays_a_name(host: Host, clock: Clock) -> None:
    ec2 = ec2_of(Ec2Client(console=CONSOLE), clock)
    way = Ssh(a_machine(public_address="-oProxyCommand=x"), "-v", ec2=ec2)
    way.ready(60)

    assert host.calls[-1][:2] == ["-v", "-oProxyCommand=x"]


def test_a_private_address_does_where_there_is_no_public_one(host: Host, clock: Clock) -> None:
    ec2 = ec2_of(Ec2Client(console=CONSOLE), clock)
    Ssh(a_machine(public_address=None, private_address="10.0.0.5"), "root", ec2=ec2).ready(60)

    assert host.calls[-1][1] == "10.0.0.5"


def test_a_machine_without_an_address_is_told(host: Host, clock: Clock) -> None:
    ec2 = ec2_of(Ec2Client(console=CONSOLE), clock)

    with pytest.raises(Unreachable, match="has no address"):
        Ssh(a_machine(public_address=None), "root", ec2=ec2).ready(60)


def test_where_there_is_no_ssh_that_is_said(
    way: Ssh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))

    with pytest.raises(Unreachable, match="no program ssh"):
        way.ready(60)


@pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no OpenSSH here")
def test_openssh_itself_reads_the_options_as_they_are_meant(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = tmp_path / "config"
    configuration.write_text("Host *\n  StrictHostKeyChecking no\n  ForwardAgent yes\n")
    calls: list[list[str]] = []

    def resolve(words: list[str], **_how: Any) -> subprocess.CompletedProcess[bytes]:
        calls.append(words)
        return subprocess.CompletedProcess(words, 0, b"", b"")

    with monkeypatch.context() as patch:
        patch.setattr("cli.remote.reach_ssh.subprocess.run", resolve)
        Ssh(a_machine(), "ubuntu", ec2=ec2_of(Ec2Client(console=CONSOLE), clock)).ready(60)
    options = calls[0][1:-1]
    done = subprocess.run(
        ["ssh", "-G", "-F", str(configuration), *options],
        capture_output=True,
        check=True,
        text=True,
    )
    read = dict(line.partition(" ")[::2] for line in done.stdout.splitlines())

    assert read["hostname"] == "machine.example.com"
    assert (read["user"], read["hostkeyalias"]) == ("ubuntu", MACHINE_ID)
    assert (read["batchmode"], read["stricthostkeychecking"]) == ("yes", "true")
    assert (read["forwardagent"], read["updatehostkeys"]) == ("no", "false")
    assert (read["globalknownhostsfile"], read["connecttimeout"]) == ("/dev/null", "10")
