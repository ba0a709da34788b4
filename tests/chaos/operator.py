"""What a person does when the storm is over, by the command line that a person has."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local import aws
from local.layout import PROJECT

_SECONDS = 600


class CommandFailed(Exception):
    """A command of the command line ended with an error; the text is what it said."""


@dataclass(frozen=True)
class Operator:
    """Somebody at the command line of an embedded stack; what it says is kept in `log`."""

    state_dir: Path
    log: Path

    def dead_letters(self) -> Mapping[str, int]:
        """How many letters each dead-letter queue holds, of those that hold any."""
        listed = json.loads(self._run("dlq", "list", "--json"))
        held = {one["name"]: one["messages"] + one["in_flight"] for one in listed}
        return {name: letters for name, letters in held.items() if letters}

    def redrive(self, queue: str) -> None:
        """Send all letters of a queue back; drop those that go nowhere, as the schedule's ticks."""
        drop = ["--drop"] if queue == "undelivered" else []
        self._run("dlq", "redrive", queue, "--yes", *drop)

    def replay(self) -> None:
        """Ask for the runs of all heads that no webhook told of."""
        self._run("push", "replay", "--all", "--since", "1d")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "cli",
                *arguments,
                "--local",
                "--state-dir",
                str(self.state_dir),
            ],
            cwd=PROJECT,
            env={k: v for k, v in aws.clean_environment().items() if k[:13] != "CLOUD_RUNNER_"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ cloud-runner {' '.join(arguments)}\n{done.stdout}{done.stderr}\n")
        if done.returncode != 0:
            raise CommandFailed(f"cloud-runner {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout
