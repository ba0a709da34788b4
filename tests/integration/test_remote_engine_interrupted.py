"""Signals to a `remote create` that runs as a process of its own: no machine is left by any."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

Command = subprocess.Popen[str]


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    """The process; it is ended with the test."""
    program = [sys.executable, "-m", "tests.integration.interrupted_remote", str(tmp_path)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(program, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    with process:
        try:
            yield process
        finally:
            process.kill()


def _comes_to(command: Command, stage: str) -> None:
    assert command.stdout is not None
    said = command.stdout.readline().strip()
    assert said == stage, command.communicate()


def _machines(output: str) -> list[str]:
    states: list[str] = json.loads(output.splitlines()[-1])
    return states


@pytest.mark.parametrize(
    ("first", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_second_signal_does_not_keep_the_machine_from_being_ended(
    command: Command, first: signal.Signals, code: int, second: signal.Signals
) -> None:
    _comes_to(command, "reached")
    command.send_signal(first)
    _comes_to(command, "terminating")
    for _ in range(3):
        command.send_signal(second)
    output, said = command.communicate("go on\n", timeout=300)

    assert _machines(output) == ["terminated"]
    assert command.returncode == code, said
    assert "is terminated" in said
