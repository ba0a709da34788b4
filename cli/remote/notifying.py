"""The notification that a machine cannot send itself: that nobody knows whether it has ended.

It looks as those do that the machine sends (container/agent): JSON, posted to the address that
--notify names, over HTTPS alone but to this machine.
"""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import click
import urllib3

from cli.project.http import Http, NotAnsweredError, Sends
from cli.remote.machine import MachineFacts
from cli.remote.options_values import HERE
from shared.runs import Run

# As the machine's own: five tries, which take less than two minutes if all of them time out.
_TIMEOUT = urllib3.Timeout(total=10)
_PAUSES = (4.0, 8.0, 16.0, 32.0)


@dataclass(frozen=True)
class Notifier:
    """Posts to the address `url`; to None it posts nothing."""

    url: str | None
    sends: Sends | None = None
    sleep: Callable[[float], None] = time.sleep

    def not_terminated(
        self, machine: MachineFacts, why: str, now: datetime, run: Run | None = None
    ) -> bool:
        """Say that a machine may still be running; whether it was said, or nobody wants to hear it.

        That it could not be said is printed, and nothing more: the command that ends says the same.
        """
        if self.url is None:
            return True
        said = {
            "name": _name(machine, run),
            "instance": machine.instance_id,
            "status": "not terminated",
            "minutes": _minutes(machine, now, run),
            "run_id": None if run is None else run.run_id,
            "exit_code": None if run is None else run.exit_code,
            "archive": None if run is None or run.machine is None else run.machine.archive,
            "reason": why,
        }
        failure = self._post(self.url, json.dumps(said).encode())
        if failure is None:
            return True
        click.echo(f"note: the notification was not taken: {failure}", err=True)
        return False

    def _post(self, url: str, body: bytes) -> str | None:
        """Why nobody has taken it; None if somebody has."""
        if not _is_safe(url):
            return "--notify takes an https:// address"
        failure = None
        for failure in self._tries(url, body):
            if failure is None:
                break
        return failure

    def _tries(self, url: str, body: bytes) -> Iterator[str | None]:
        sends = self.sends or Http(_TIMEOUT)
        headers = {"Content-Type": "application/json"}
        for pause in (*_PAUSES, None):
            try:
                answer = sends("POST", url, headers, body)
            except NotAnsweredError:
                # Without its text, which has the path: that may be what makes the address a secret.
                yield f"{urlsplit(url).hostname} does not answer"
            else:
                taken = 200 <= answer.status < 300
                yield None if taken else f"{urlsplit(url).hostname} answered {answer.status}"
            if pause is not None:
                self.sleep(pause)


def _name(machine: MachineFacts, run: Run | None) -> str:
    """The archive's, as far as it is known by now; else what people call the machine."""
    stored = None if run is None else run.machine
    if stored is not None and stored.archive is not None:
        return stored.archive.rpartition("/")[2].removesuffix(".tar.gz")
    return (stored and stored.name) or machine.name or machine.instance_id


def _minutes(machine: MachineFacts, now: datetime, run: Run | None) -> int:
    """Those of the experiment, rounded up; where none has run, those since the machine's start."""
    began, ended = machine.launched_at, now
    if run is not None and run.started_at is not None:
        began, ended = run.started_at, run.stopped_at or now
    return max(0, math.ceil((ended - began).total_seconds() / 60))


def _is_safe(url: str) -> bool:
    """Whether what is posted there cannot be read on the way.

    >>> _is_safe("https://hooks.example.com/x"), _is_safe("http://127.0.0.1:8000/")
    (True, True)
    >>> _is_safe("http://hooks.example.com/x")
    False
    """
    address = urlsplit(url)
    return address.scheme == "https" or (address.scheme == "http" and address.hostname in HERE)
