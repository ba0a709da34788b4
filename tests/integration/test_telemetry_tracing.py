"""X-Ray: the run's id on a subsegment where a daemon listens, nothing at all where none does."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from shared.settings import Settings
from shared.telemetry import bind_run, configure, log, record

configure("parser", Settings.from_environment())
with record("m1"):
    bind_run("r1")
    log.info("run read")
print("aws_xray_sdk" in sys.modules)
"""


def run(**environment: str) -> list[str]:
    """What the program writes, line by line."""
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "AWS_REGION": "eu-west-1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.splitlines()


def test_with_a_daemon_the_subsegment_of_a_record_carries_the_runs_id() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(60)
        port = daemon.getsockname()[1]

        line, imported = run(
            AWS_XRAY_DAEMON_ADDRESS=f"127.0.0.1:{port}",
            LAMBDA_TASK_ROOT="/var/task",
            _X_AMZN_TRACE_ID="Root=1-5759e988-bd862e3fe1be46a994272793;"
            "Parent=53995c3f42cd8ad8;Sampled=1",
        )
        sent: dict[str, Any] = json.loads(daemon.recv(65_536).split(b"\n", 1)[1])

    assert json.loads(line)["run_id"] == "r1"
    assert imported == "True"
    assert sent["type"] == "subsegment"
    assert sent["trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert sent["annotations"] == {"run_id": "r1"}


def test_without_a_daemon_the_sdk_is_not_even_imported() -> None:
    line, imported = run()

    assert json.loads(line)["run_id"] == "r1"
    assert imported == "False"
