"""Where systemd runs, watchdog and supervisor are services of it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from container.agent import begin, systemd, watchdog
from tests.integration.agent_machine import (
    AFTER_MY_END,
    FINISH_SECONDS,
    TIMES,
    Account,
    Machine,
    Notified,
    machine_in,
)
from tests.integration.agent_systemd import calls, give_systemd, unit


@pytest.fixture
def machine(tmp_path: Path, account: Account, notified: Notified) -> Iterator[Machine]:
    """A machine that is armed, on which systemd runs."""
    with machine_in(tmp_path, account, notified) as machine:
        give_systemd(machine)
        machine.ask("arm", machine.terms())
        yield machine


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_reads_the_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", r'/bin:/50%off:/a b:/back\slash:/a"quote')
    python, log, path = sys.executable, tmp_path / "log", systemd.path()
    watch = watchdog._SERVICE.format(python=python, program="agent.pyz", path=path)
    run = begin._SERVICE.format(command=f"{python} agent.pyz run", seconds=960, log=log, path=path)
    for name, text in (("watch", watch), ("run", run)):
        (tmp_path / f"cloud-runner-{name}.service").write_text(text)
    monkeypatch.undo()
    done = subprocess.run(
        ["systemd-analyze", "verify", *tmp_path.glob("*.service")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_watchdog_and_supervisor_are_services(machine: Machine) -> None:
    machine.begin("echo done")
    told = machine.notice()

    assert told["status"] == "completed"
    assert {"Restart=always", "WantedBy=multi-user.target"} <= set(unit(machine, "watch"))
    assert f"TimeoutStopSec={FINISH_SECONDS + TIMES['stop']}" in unit(machine, "run")
    assert calls(machine)[:5] == [
        "systemctl daemon-reload",
        "systemctl enable cloud-runner-watch.service",
        "systemctl restart cloud-runner-watch.service",
        "systemctl daemon-reload",
        "systemctl start cloud-runner-run.service",
    ]


def test_memory_that_runs_out_ends_the_experiment_alone(machine: Machine) -> None:
    """What systemd does else with a service of which a process was killed for it: it stops it."""
    machine.begin(f"{AFTER_MY_END.format(asks='kill -TERM $PPID')} kill -KILL $$")
    told = machine.notice()

    assert "OOMPolicy=continue" in unit(machine, "watch")
    assert "OOMPolicy=continue" in unit(machine, "run")
    assert told["exit_code"] == 137
    assert "shut down" not in str(told["reason"])


def test_nobody_who_starts_services_again_for_newer_libraries_stops_an_experiment(
    machine: Machine,
) -> None:
    machine.begin("touch there; while [ ! -e go ]; do sleep 0.05; done")
    machine.wait((machine.home / "work/there").exists, "it does not begin")
    refused = machine.sandbox.run("systemctl restart cloud-runner-run.service", 120)
    (machine.home / "work/go").touch()

    assert refused.code == 1
    assert machine.notice()["status"] == "completed"


def test_an_experiment_finds_the_programs_that_the_command_found(machine: Machine) -> None:
    snap = machine.sandbox.root / "snap/50%/bin"
    snap.mkdir(parents=True)
    program = snap / "docker-of-snap"
    program.write_text("#!/bin/sh\necho found > out\n")
    program.chmod(0o755)
    machine.begin("docker-of-snap", before=f'PATH="$PATH:{snap}"', results_paths=["out"])

    assert machine.notice()["exit_code"] == 0


@pytest.mark.parametrize("refused", ["daemon-reload", "enable", "restart"])
def test_a_watchdog_that_cannot_be_replaced_stays(machine: Machine, refused: str) -> None:
    first = machine.watchdog()
    (machine.sandbox.root / f"refuses-{refused}").touch()
    done = machine.call("arm", machine.terms())

    assert done.code == 1
    assert machine.ask("check")["watchdog"]
    assert machine.watchdog() == first


def test_the_watchdog_outlives_the_begin_of_a_shutdown_that_does_not_end(machine: Machine) -> None:
    machine.sandbox.command("shutdown", "#!/bin/sh\nexec systemctl poweroff\n")
    machine.ask("arm", machine.terms(times={"shutdown": 0.5}))
    machine.begin("true")
    machine.wait(lambda: machine.notified.of("not terminated"), "it does not tell")

    assert machine.notified.received[0]["status"] == "completed"


def test_a_machine_that_is_given_back_has_nothing_of_it_left(machine: Machine) -> None:
    answer = machine.ask("disarm")
    again = machine.ask("disarm")

    assert answer == again == {"watchdog": False}
    assert not machine.ask("check")["watchdog"]
    assert not list(machine.sandbox.root.glob("*/systemd/system/*"))
    assert "systemctl disable --now cloud-runner-watch.service" in calls(machine)
    assert not machine.sandbox.processes()
