"""systemd, where a machine has it."""

from __future__ import annotations

import os
import subprocess
import sys

from container.agent.place import rooted

_SECONDS = 60
_ALWAYS = "/etc/systemd/system"
_THIS_BOOT = "/run/systemd/system"


def is_here() -> bool:
    """sd_booted(3)."""
    return rooted(_THIS_BOOT).is_dir()


def start(unit: str, text: str, *, always: bool = False, again: bool = False) -> None:
    """Start a service for this boot, or for this and all later ones; `again` ends a running one.

    It is written as a file, of which an older systemd passes over what it does not know.

    Raises:
        OSError, subprocess.SubprocessError: systemd does not do it.
    """
    rooted(f"{_ALWAYS if always else _THIS_BOOT}/{unit}").write_text(text, encoding="utf-8")
    ask("daemon-reload")
    if always:
        ask("enable", unit)
    ask("restart" if again else "start", unit)


def remove(unit: str) -> None:
    """End a service of all boots, and let there be none.

    Raises:
        OSError, subprocess.SubprocessError: systemd does not do it.
    """
    file = rooted(f"{_ALWAYS}/{unit}")
    if file.exists():
        ask("disable", "--now", unit)
        file.unlink()
        ask("daemon-reload")


def path() -> str:
    """Our PATH as systemd.exec's Environment= wants it: a service's own leads to fewer programs."""
    words = os.environ.get("PATH", os.defpath)
    for special in ("\\", '"', "%"):
        words = words.replace(special, ("%" if special == "%" else "\\") + special)
    return f'"PATH={words}"'


def ask(*words: str, must: bool = True) -> None:
    """Call systemctl.

    Raises:
        OSError, subprocess.SubprocessError: it does not do what it must.
    """
    subprocess.run(  # noqa: S603 - names of ours
        ["systemctl", *words],  # noqa: S607 - the machine's own
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        timeout=_SECONDS,
        check=must,
    )
