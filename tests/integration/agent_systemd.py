"""A systemd of a few lines for a machine in a directory: what a service's file says is done.

It knows what systemd.unit, systemd.service and systemd.exec say of the settings that are looked
for here, and no others. `restart` and `stop` are refused by RefuseManualStop=; a shutdown stops all
services but those without default dependencies; a service has systemd's PATH unless it has its own.
"""

import sys

from tests.integration.agent_machine import Machine

_SYSTEMCTL = r"""#!{python}
import os, pathlib, shlex, signal, subprocess, sys, time

root = pathlib.Path(os.environ["CLOUD_RUNNER_ROOT"])
with (root / "systemd.calls").open("a") as calls:
    calls.write(" ".join(["systemctl", *sys.argv[1:]]) + "\n")
word, units = sys.argv[1], [name for name in sys.argv[2:] if name.endswith(".service")]
if (root / f"refuses-{word}").exists():
    sys.exit(f"systemctl {word}: no")


def pid(unit):
    return root / "run" / (unit + ".pid")


def settings(unit):
    (file,) = root.glob("*/systemd/system/" + unit)
    return [line.partition("=")[::2] for line in file.read_text().splitlines() if "=" in line]


def send(unit, number):
    if not pid(unit).exists():
        return
    process = int(pid(unit).read_text())
    try:
        os.kill(process, number)
        while b"\0watch\0" in pathlib.Path(f"/proc/{process}/cmdline").read_bytes():
            time.sleep(0.01)
    except OSError:
        pass
    pid(unit).unlink()


def start(unit):
    told = settings(unit)
    own = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"}
    for name, value in told:
        if name == "Environment":
            own.update(word.replace("%%", "%").split("=", 1) for word in shlex.split(value))
    log = open(root / "var/lib/cloud-runner/service.log", "ab")
    child = subprocess.Popen(
        shlex.split(dict(told)["ExecStart"]), env={**os.environ, **own}, stdin=subprocess.DEVNULL,
        stdout=log, stderr=log, start_new_session=True,
    )
    pid(unit).write_text(str(child.pid))


for unit in units:
    if word in ("stop", "restart") and ("RefuseManualStop", "yes") in settings(unit):
        sys.exit("Operation refused, unit may be requested by dependency only")
    if word in ("stop", "restart") or "--now" in sys.argv:
        send(unit, signal.SIGTERM)
    if word in ("start", "restart"):
        start(unit)
    if word == "kill":
        send(unit, signal.SIGKILL)
if word == "poweroff":
    # What shutdown(8) asks for. Nobody comes back from --force, but here.
    sys.exit(1) if "--force" in sys.argv else None
    for unit in [file.name.removesuffix(".pid") for file in (root / "run").glob("*.service.pid")]:
        if ("DefaultDependencies", "no") not in settings(unit):
            send(unit, signal.SIGTERM)
"""


def give_systemd(machine: Machine) -> None:
    """Let a machine have it."""
    root = machine.sandbox.root
    machine.sandbox.command("systemctl", _SYSTEMCTL.replace("{python}", sys.executable))
    for folder in ("run", "etc"):
        (root / folder / "systemd/system").mkdir(parents=True)


def calls(machine: Machine) -> list[str]:
    """What it was asked for."""
    return (machine.sandbox.root / "systemd.calls").read_text().splitlines()


def unit(machine: Machine, name: str) -> list[str]:
    """The lines of a service's file."""
    (file,) = machine.sandbox.root.glob(f"*/systemd/system/cloud-runner-{name}.service")
    return file.read_text().splitlines()
