"""Ending the machine: asking the system to shut down, and what is left if it does not.

EC2 makes of it what the instance was launched with (InstanceInitiatedShutdownBehavior). Only
programs and files of the machine's own system folders are used, wherever PATH leads.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

from container.agent.place import rooted, say

_FOLDERS = ("/usr/local/sbin", "/sbin", "/usr/sbin", "/bin", "/usr/bin")
_ASK = ("shutdown", "-h", "now")
# Without asking any service: systemctl(1) --force twice, and what came before systemd.
_HARDER = (
    _ASK,
    ("systemctl", "poweroff", "--force", "--force"),
    ("poweroff", "-f"),
    ("halt", "-f", "-p"),
)
_SECONDS = 30


def shut_down() -> None:
    """Ask the system to shut down; it says so if that does not work."""
    for refusal in _refusals((_ASK,)):
        say(refusal)


def force() -> None:
    """Try all there is; whoever comes back from this is still alive."""
    try:
        for refusal in _refusals(_HARDER):
            say(refusal)
    finally:
        # Also where there is no memory to ask anybody else.
        _ask_the_kernel()


def _refusals(commands: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    path = os.pathsep.join(str(rooted(folder)) for folder in _FOLDERS)
    for command in commands:
        program = shutil.which(command[0], path=path)
        if program is None:
            yield f"{command[0]}: not found"
            continue
        try:
            done = subprocess.run(  # noqa: S603 - a program of the system, with arguments of ours
                [program, *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            yield f"{' '.join(command)}: {error}"
            continue
        if done.returncode:
            told = done.stderr.decode(errors="replace").strip()
            yield f"{' '.join(command)}: exit code {done.returncode}: {told}"


def _ask_the_kernel() -> None:
    """Linux, Documentation/admin-guide/sysrq: sync, remount read-only, power off."""
    for letter in (b"s", b"u", b"o"):
        try:
            # Not created where it is not: this is no ordinary file.
            descriptor = os.open(rooted("/proc/sysrq-trigger"), os.O_WRONLY)
        except OSError:
            return  # no such kernel, or not ours to ask
        try:
            os.write(descriptor, letter)
        except OSError as error:
            say(f"sysrq {letter.decode()}: {error}")
        finally:
            os.close(descriptor)
