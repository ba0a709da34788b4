"""The watchdog's process: how it is started, replaced and removed, for this boot and later ones.

Where systemd runs, it is a service that is started again whenever it ends. Elsewhere it is a
process of its own, and cloud-init starts it at later boots (scripts/per-boot, see cloud-init's
"Scripts Per Boot").
"""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from container.agent import processes, systemd
from container.agent.locks import Lock
from container.agent.place import home, program, rooted, say
from container.agent.refusals import NotDone

_UNIT = "cloud-runner-watch.service"
_PER_BOOT = "/var/lib/cloud/scripts/per-boot/cloud-runner-watch"
_START_SECONDS = 30
_END_SECONDS = 2
_POLL_SECONDS = 0.02
# Without systemd.service's default dependencies it is not stopped when a shutdown begins: it is
# there to see that the shutdown comes to its end.
_SERVICE = """[Unit]
Description=Cloud Runner: ends this machine
StartLimitIntervalSec=0
DefaultDependencies=no
After=sysinit.target
[Service]
Environment={path}
ExecStart={python} {program} watch
Restart=always
RestartSec=1
KillMode=process
TimeoutStopSec=5
OOMPolicy=continue
OOMScoreAdjust=-1000
[Install]
WantedBy=multi-user.target
"""
_SCRIPT = """#!/bin/sh
setsid {python} {program} watch < /dev/null > /dev/null 2>> {log} &
"""


def renew() -> None:
    """Let a new one, which knows the new terms, take the place of the one that lives, if any.

    That one lives for as long as it is not certain that another can be started.

    Raises:
        NotDone, OSError, subprocess.SubprocessError: there may be none, or the old one.
    """
    lock = Lock("watchdog")
    old = lock.holder()
    try:
        _start(again=True)
        if not systemd.is_here():
            _end(old)
    except BaseException:
        keep()
        raise
    if not lock.wait_for_holder(_START_SECONDS, other_than=old):
        keep()
        raise NotDone(f"the watchdog does not start: {tail(home() / 'watch.log')}")


def keep() -> None:
    """Start it again if there is none."""
    try:
        if Lock("watchdog").holder() is None:
            _start()
    except (OSError, subprocess.SubprocessError) as error:
        say(f"starting the watchdog: {error}")


def remove() -> None:
    """End it, for later boots as well.

    Raises:
        NotDone, OSError, subprocess.SubprocessError: it may still live.
    """
    rooted(_PER_BOOT).unlink(missing_ok=True)
    if systemd.is_here():
        systemd.remove(_UNIT)
    lock = Lock("watchdog")
    _end(lock.holder())
    if lock.holder() is not None:
        raise NotDone("the watchdog does not end")


def detach(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a process that does not depend on ours."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - this program
            command,
            cwd=home(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=output,
            start_new_session=True,
        )


def tail(log: Path) -> str:
    """The end of a file, for a message."""
    try:
        return log.read_text(encoding="utf-8", errors="replace")[-500:].strip()
    except OSError as error:
        return str(error)


def _start(*, again: bool = False) -> None:
    words = {"python": sys.executable, "program": program()}
    if systemd.is_here():
        text = _SERVICE.format(**words, path=systemd.path())
        systemd.start(_UNIT, text, always=True, again=again)
        return
    log = home() / "watch.log"
    script = rooted(_PER_BOOT)
    script.parent.mkdir(parents=True, exist_ok=True)
    quoted = {name: shlex.quote(word) for name, word in words.items()}
    script.write_text(_SCRIPT.format(**quoted, log=shlex.quote(str(log))), encoding="utf-8")
    script.chmod(0o755)
    detach([sys.executable, program(), "watch"], log)


def _end(old: int | None) -> None:
    """End one process: another one may wait for its lock."""
    lock = Lock("watchdog")
    for number in (signal.SIGTERM, signal.SIGKILL):
        until = time.monotonic() + _END_SECONDS
        while old and lock.holder() == old and time.monotonic() < until:
            processes.send(number, [old])
            time.sleep(_POLL_SECONDS)
