"""Built functions as the tests run them: in a bare interpreter, against the stub of AWS."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws import credentials
from local.layout import PROJECT, Tools
from tests.contracts.aws_stub import Stub
from tests.contracts.wiring import Function, function_of

TOOLS = Tools()


def sample(name: str) -> dict[str, Any]:
    """A file of events/."""
    read: dict[str, Any] = json.loads((PROJECT / "events" / name).read_text(encoding="utf-8"))
    return read


@dataclass(frozen=True)
class Built:
    """The artifacts of one build."""

    folder: Path

    @property
    def layer(self) -> Path:
        """The layer's folder; its packages are in `python`."""
        return self.folder / "SharedLayer"

    def artifact(self, function: Function) -> Path:
        """A function's folder."""
        return self.folder / function.logical_id


def run_bare(
    built: Built,
    function: Function,
    event: object,
    *,
    layer: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """A built function on an event, with nothing at hand but its artifact and the layer."""
    return subprocess.run(
        [
            *(TOOLS.emulator_python, "-I", "-S", "-B", PROJECT / "tests/contracts/bare.py"),
            *(built.artifact(function), layer or built.layer, function.declared["Handler"]),
        ],
        input=json.dumps(event),
        env={
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_FUNCTION_NAME": function.logical_id,  # it then builds as it loads
            **credentials(),
            **(settings or {}),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def settings_for(function: Function, stub: Stub) -> dict[str, str]:
    """A value for each of the function's variables."""
    known = {
        "BITBUCKET_API_URL": f"{stub.url}/2.0",
        "JOB_QUEUE": sample("samples/RunStateChanged.json")["detail"]["job"]["queue"],
        "KEYWORD_PREFIX": "ACME",
        "LEASE_SECONDS": "330",
        "LOG_LEVEL": "INFO",
        "MAX_GPUS": "8",
        "MAX_MEMORY_MIB": "65536",
        "MAX_VCPUS": "16",
        "ORGANIZATION": "acme",
        "ENVIRONMENT": "development",
        "REQUIRE_SIGNATURE": "true",
        "UNMOVED_SECONDS": "300",
    }
    named = {name: f"{stub.url}/000000000000/{name.lower()}" for name in function.environment}
    return {"AWS_ENDPOINT_URL": stub.url, **named, **known}


def answer_of(built: Built, service: str, stub: Stub, event: object = None) -> dict[str, Any]:
    """What a built function answers to its sample."""
    function = function_of(service)
    event = event or sample(f"{service}.json")
    done = run_bare(built, function, event, settings=settings_for(function, stub))
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
