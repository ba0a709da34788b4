"""A machine in a directory does what one of EC2 with cloud-init does."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.machines.sandbox import Sandbox
from tests.integration.waiting import wait_until

MIME = b"""Content-Type: multipart/mixed; boundary="=="
MIME-Version: 1.0

--==
Content-Type: text/cloud-config

#cloud-config
{}
--==
Content-Type: text/x-shellscript

#!/bin/sh
echo first
--==
Content-Type: text/x-shellscript; charset="us-ascii"
Content-Transfer-Encoding: base64

IyEvYmluL3NoCmVjaG8gc2Vjb25kCg==
--==--
"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path / "machine", {"COLOUR": "blue"})
    yield sandbox
    sandbox.power_off()


def said(sandbox: Sandbox) -> str:
    log = sandbox.root / "var/log/cloud-init-output.log"
    return log.read_text() if log.exists() else ""


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_user_data_runs_at_the_first_boot_alone(sandbox: Sandbox, pack: type[bytes]) -> None:
    sandbox.boot(pack(b'#!/bin/sh\necho "$COLOUR at $CLOUD_RUNNER_ROOT"\n'))
    sandbox.power_off()
    sandbox.start()

    assert said(sandbox) == f"blue at {sandbox.root}\n"


def test_each_script_of_a_message_runs_in_order(sandbox: Sandbox) -> None:
    sandbox.boot(gzip.compress(MIME))

    assert said(sandbox) == "first\nsecond\n"


def test_scripts_that_have_names_run_in_the_order_of_those(sandbox: Sandbox) -> None:
    named = MIME.replace(b"x-shellscript\n", b'x-shellscript; name="x/last!"\n').replace(
        b"\nContent-Transfer-Encoding",
        b'\nContent-Disposition: attachment; filename="(0"\nContent-Transfer-Encoding',
    )
    sandbox.boot(named)

    assert said(sandbox) == "second\nfirst\n"


@pytest.mark.parametrize("data", [b"echo no shebang", b"\x1f\x8bno gzip"])
def test_user_data_that_cloud_init_would_not_know_is_an_error(
    sandbox: Sandbox, data: bytes
) -> None:
    with pytest.raises(ValueError, match="user data"):
        sandbox.boot(data)


def test_a_script_whose_interpreter_is_not_there_leaves_the_machine_running(
    sandbox: Sandbox,
) -> None:
    sandbox.boot(b"#!/no/such/shell\n")

    assert said(sandbox) == "part-001: No such file or directory\n"
    assert sandbox.run("true", 120).code == 0


def test_each_boot_has_another_id_and_runs_what_is_for_each(sandbox: Sandbox) -> None:
    each = "var/lib/cloud/scripts/per-boot/mine"
    sandbox.boot(
        f'#!/bin/sh\nprintf "#!/bin/sh\\necho again\\n" > "$CLOUD_RUNNER_ROOT/{each}"\n'
        f'chmod +x "$CLOUD_RUNNER_ROOT/{each}"\n'.encode()
    )
    boot_id = sandbox.root / "proc/sys/kernel/random/boot_id"
    first = boot_id.read_text()
    sandbox.start()

    assert boot_id.read_text() != first
    assert said(sandbox) == "again\n"


def test_a_script_tells_its_end_and_what_it_said(sandbox: Sandbox) -> None:
    sandbox.boot(b"")
    done = sandbox.run("echo out; echo err >&2; exit 3", 120)

    assert (done.code, done.stdout, done.stderr) == (3, b"out\n", b"err\n")


def test_a_script_that_takes_too_long_is_killed(sandbox: Sandbox) -> None:
    sandbox.boot(b"")
    done = sandbox.run("echo begun; sleep 1000", 5)

    assert (done.code, done.stdout) == (124, b"begun\n")
    wait_until(lambda: not sandbox.processes(), "it goes on")


def test_what_a_script_leaves_in_the_background_lives_until_the_power_is_off(
    sandbox: Sandbox,
) -> None:
    sandbox.boot(b"")
    done = sandbox.run("setsid env -i sleep 1000 & sleep 1000 & echo done", 120)
    alive = sandbox.processes()
    sandbox.power_off()

    assert done.stdout == b"done\n"
    assert alive
    assert not sandbox.processes()


def test_an_orderly_end_gives_time_to_whoever_needs_it(sandbox: Sandbox) -> None:
    sandbox.boot(b"")
    trap = "trap 'sleep 0.3; echo saved > $HOME/saved; exit' TERM"
    sandbox.run(f"({trap}; sleep 1000 & echo > $HOME/ready; wait) &", 120)
    wait_until((sandbox.root / "root/ready").exists, "it does not begin")
    sandbox.power_off(grace_seconds=120)

    assert (sandbox.root / "root/saved").read_text() == "saved\n"
    assert not sandbox.processes()


@pytest.mark.parametrize("call", ["shutdown -h now", "shutdown -h +0", "poweroff -f", "halt -p"])
def test_a_call_of_shutdown_is_seen(sandbox: Sandbox, call: str) -> None:
    sandbox.boot(b"")
    before = sandbox.asked_to_end
    done = sandbox.run(call, 120)

    assert (before, done.code, sandbox.asked_to_end) == (False, 0, True)
    assert sandbox.shutdown_calls == [call]


def test_a_shutdown_that_is_for_later_comes_later_unless_it_is_cancelled(sandbox: Sandbox) -> None:
    sandbox.boot(b"")
    sandbox.run("shutdown -h +1", 120)
    waiting = sandbox.processes()
    sandbox.run("shutdown -c", 120)
    wait_until(lambda: not set(waiting) & set(sandbox.processes()), "it still waits")

    assert waiting
    assert not sandbox.asked_to_end


def test_it_has_no_systemd(sandbox: Sandbox) -> None:
    sandbox.boot(b"")

    assert sandbox.run("systemctl poweroff || systemd-run true", 120).code == 1
    assert not sandbox.asked_to_end


def test_another_machines_processes_are_not_its_own(sandbox: Sandbox, tmp_path: Path) -> None:
    other = Sandbox(tmp_path / "machine-2", {})
    sandbox.boot(b"")
    other.boot(b"")
    try:
        other.run("sleep 1000 &", 120)
        sandbox.power_off()

        assert other.processes()
    finally:
        other.power_off()
