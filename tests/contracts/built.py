"""Built functions as the tests run them: in a bare interpreter, against the stub of AWS."""

import json
import os
import re
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
_ADDRESS = re.compile(r"http://host\.docker\.internal:\d+")


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
        timeout=300,
        check=False,
    )


def settings_for(function: Function, stub: Stub) -> dict[str, str]:
    """What events/env.json gives the function, with every address led to the stub."""
    told = sample("env.json")
    variables: dict[str, str] = {**told["Parameters"], **told[function.logical_id]}
    return {name: _ADDRESS.sub(stub.url, value) for name, value in variables.items()}


def answer_of(built: Built, service: str, stub: Stub, event: object = None) -> dict[str, Any]:
    """What a built function answers to its sample."""
    function = function_of(service)
    event = event or sample(f"{service}.json")
    done = run_bare(built, function, event, settings=settings_for(function, stub))
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
