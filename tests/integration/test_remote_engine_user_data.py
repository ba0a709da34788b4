"""The user data of a machine, run for real in a sandbox: its watchdog, and what is without it."""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.remote.options import Action, Wanted
from cli.remote.terms import terms
from cli.remote.user_data import user_data
from container.agent.build import packed_for_boot
from local.machines import processes
from local.machines.sandbox import Sandbox
from tests.integration.waiting import wait_until

HOME = "var/lib/cloud-runner"
# The time of the machine, that to store what there is, and some more.
LATEST = 24 * 3600 + 900 + 900
SOON = 600 + 900
# A time passes when a test says so.
SLEEP = """#!/bin/sh
touch "$CLOUD_RUNNER_ROOT/run/sleeps-$1"
while [ ! -e "$CLOUD_RUNNER_ROOT/run/slept-$1" ]; do /bin/sleep 0.05; done
"""
NO_PYTHON = "#!/bin/sh\nexit 127\n"


def told_terms() -> dict[str, Any]:
    """The terms of a machine with a day to live."""
    wanted = Wanted((Action.CREATE,))
    return terms(wanted, region="eu-west-1", name="gpu-study", left=timedelta(days=1))


class Machine:
    """A machine in a directory, and the time on it."""

    def __init__(self, root: Path) -> None:
        self.sandbox = Sandbox(root, {})
        self.root = self.sandbox.root
        (self.root / "bin").mkdir(exist_ok=True)
        self.sandbox.command("sleep", SLEEP)
        identity = self.root / "var/lib/cloud/data/instance-id"
        identity.parent.mkdir(parents=True)
        identity.write_text("i-0123456789abcdef0\n")

    def passes(self, *seconds: int) -> None:
        """Let so many seconds have passed."""
        (self.root / "run").mkdir(exist_ok=True)
        for one in seconds:
            (self.root / f"run/slept-{one}").touch()

    def boot(self, agent: bytes, own: bytes | None = None) -> None:
        """Start it for the first time."""
        self.sandbox.boot(user_data(agent, told_terms(), wait_seconds=600, own=own))

    def said(self) -> str:
        """What its user data has printed."""
        return (self.root / "var/log/cloud-init-output.log").read_text()

    def arm(self) -> None:
        """Somebody arms it again."""
        stored = (self.root / HOME / "terms.json").read_text()
        program = self.root / HOME / "agent.pyz"
        done = self.sandbox.run(f"python3 {program} arm <<'END'\n{stored}\nEND\n", 300)
        assert done.code == 0, done.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    found = Machine(tmp_path / "machine")
    yield found
    found.sandbox.power_off()


@pytest.fixture(scope="module")
def agent() -> bytes:
    return packed_for_boot()


def test_a_machine_has_a_watchdog_that_knows_which_machine_it_is(
    machine: Machine, agent: bytes
) -> None:
    machine.boot(agent)

    stored = json.loads((machine.root / HOME / "terms.json").read_text())
    assert '"watchdog": true' in machine.said()
    assert (stored["instance"], stored["name"]) == ("i-0123456789abcdef0", "gpu-study")
    assert not machine.sandbox.asked_to_end


def test_what_its_owner_wants_done_is_done_as_well(machine: Machine, agent: bytes) -> None:
    machine.boot(agent, b'#!/bin/sh\necho "own: $(ls "$CLOUD_RUNNER_ROOT/var/lib/cloud-runner")"\n')

    own = machine.said().partition("own: ")[2]
    assert "terms.json" in own


def test_a_machine_without_python_ends_when_nobody_waits_for_it_any_more(
    machine: Machine, agent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.passes(5, 20, 60)
    # Its own `python3` is written when it is booted.
    monkeypatch.setattr("local.machines.sandbox._PYTHON", NO_PYTHON)
    machine.boot(agent)

    assert "no watchdog could be started" in machine.said()
    assert not machine.sandbox.asked_to_end
    machine.passes(SOON)
    wait_until(lambda: machine.sandbox.asked_to_end, "it goes on without a watchdog")


OWN = """Content-Type: multipart/mixed; boundary="=="
MIME-Version: 1.0

--==
Content-Type: text/x-shellscript
Content-Disposition: attachment; filename="00-install.sh"

#!/bin/sh
echo own
--==--
"""


def test_the_watchdog_is_there_before_what_its_owner_wants_done(
    machine: Machine, agent: bytes
) -> None:
    machine.boot(agent, OWN.encode())

    assert machine.said().partition("own\n")[0].startswith('{"watchdog": true')


def test_a_machine_that_was_armed_while_its_boot_could_not_is_left_alone(
    machine: Machine, agent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.passes(5, 20)
    monkeypatch.setattr("local.machines.sandbox._PYTHON", NO_PYTHON)
    boot = threading.Thread(target=machine.boot, args=(agent,))
    boot.start()
    try:
        # The boot waits for the last time, and tries no more.
        wait_until((machine.root / "run/sleeps-60").exists, "it does not try")
        machine.sandbox.command("python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        (machine.root / HOME / "terms.json").write_text(json.dumps(told_terms()))
        machine.arm()
    finally:
        machine.passes(60)
        boot.join()
    machine.passes(SOON, LATEST)
    wait_until(lambda: len(machine.sandbox.processes()) == 1, "the timers go on")

    assert "no watchdog could be started" in machine.said()
    assert not machine.sandbox.asked_to_end


def test_a_machine_whose_arming_came_half_way_ends_when_nobody_waits_for_it_any_more(
    machine: Machine, agent: bytes
) -> None:
    machine.passes(5, 20, 60)
    # The terms are written; what is to keep them cannot be started.
    log = machine.root / HOME / "watch.log"
    log.mkdir(parents=True)
    machine.boot(agent)
    assert (machine.root / HOME / "terms.json").exists()
    machine.passes(SOON)

    wait_until(lambda: machine.sandbox.asked_to_end, "it goes on without a watchdog")


def test_a_hangup_ends_no_timer(machine: Machine, agent: bytes) -> None:
    machine.boot(agent)
    watchdog = int((machine.root / HOME / "watchdog.lock").read_text())
    # The timer ignores it from its first breath on; some that it starts end at any moment.
    wait_until((machine.root / f"run/sleeps-{LATEST}").exists, "there is no timer")
    processes.send(signal.SIGHUP, {*machine.sandbox.processes()} - {watchdog})
    machine.passes(LATEST)

    wait_until(lambda: machine.sandbox.asked_to_end, "it goes on for ever")


def test_a_machine_whose_watchdog_is_dead_ends_some_time_after_its_last_hour(
    machine: Machine, agent: bytes
) -> None:
    machine.boot(agent)
    os.kill(int((machine.root / HOME / "watchdog.lock").read_text()), signal.SIGKILL)
    machine.passes(LATEST)

    wait_until(lambda: machine.sandbox.asked_to_end, "it goes on for ever")


def test_a_machine_that_was_armed_again_has_its_new_last_hour(
    machine: Machine, agent: bytes
) -> None:
    machine.boot(agent)
    machine.arm()
    machine.passes(LATEST)

    # The timer ends, and ends nothing: the watchdog is left.
    wait_until(lambda: len(machine.sandbox.processes()) == 1, "the timer goes on")
    assert not machine.sandbox.asked_to_end
