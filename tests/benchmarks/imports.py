"""What a cold start loads, against boto3 and one client; each time in a fresh, bare process."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from local.artifacts import build
from local.aws import credentials
from local.layout import Tools
from tests.benchmarks.tables import against, milliseconds, show
from tests.contracts.wiring import Function, functions

GOAL = 1.3
ROUNDS = 11
_TIMEOUT_SECONDS = 60
# CPU and wall seconds of what the arguments say, with nothing on the path but the folders given.
_PROGRAM = """
import json, sys, time
sys.path[:0] = json.loads(sys.argv[1])
cpu, wall = time.process_time(), time.perf_counter()
exec(sys.argv[2])
print(json.dumps([time.process_time() - cpu, time.perf_counter() - wall]))
"""
_BASE = "import boto3; boto3.client('sqs', region_name='eu-west-1')"
_PACKAGES = f"import pydantic, structlog; pydantic.BaseModel; {_BASE}"
_COLD_START = "AWS_LAMBDA_FUNCTION_NAME"

Sample = tuple[float, float]


def section() -> None:
    """Print the table."""
    tools = Tools()
    with TemporaryDirectory() as folder:
        # A copy: another build may replace the artifacts meanwhile.
        built = Path(shutil.copytree(build(tools), Path(folder, "built")))
        programs = {
            "import boto3, one client": (_BASE, _environment({})),
            "  and pydantic, structlog": (_PACKAGES, _environment({})),
        }
        for function in functions():
            settings = _settings(function)
            program = f"import {function.declared['Handler'].rpartition('.')[0]}"
            programs[f"{function.service}: import"] = (program, _environment(settings))
            cold = _environment({**settings, _COLD_START: function.logical_id})
            programs[f"{function.service}: import, build"] = (program, cold)
        paths = [str(built / function.logical_id) for function in functions()]
        samples = _measure(tools, programs, paths, str(built / "SharedLayer/python"))
    _show(samples)


def _settings(function: Function) -> Mapping[str, str]:
    """A value for each variable that a function has: "1" is a text, a number and true."""
    return {**dict.fromkeys(function.environment, "1"), "LOG_LEVEL": "INFO"}


def _environment(settings: Mapping[str, str]) -> Mapping[str, str]:
    return {"PATH": os.environ["PATH"], **credentials(), **settings}


def _measure(
    tools: Tools,
    programs: Mapping[str, tuple[str, Mapping[str, str]]],
    artifacts: list[str],
    layer: str,
) -> dict[str, list[Sample]]:
    samples: dict[str, list[Sample]] = {name: [] for name in programs}
    for number in range(ROUNDS + 1):
        for name, (program, environment) in programs.items():
            path = [folder for folder in artifacts if _holds(folder, program)]
            done = subprocess.run(
                [
                    *(tools.emulator_python, "-I", "-S", "-c", _PROGRAM),
                    *(json.dumps([*path, layer]), program),
                ],
                env=environment,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_SECONDS,
                check=True,
            )
            if number:  # the first round compiles what is not compiled yet
                cpu, wall = json.loads(done.stdout)
                samples[name].append((cpu, wall))
    return samples


def _holds(folder: str, program: str) -> bool:
    module = program.removeprefix("import ").replace(".", "/")
    return Path(folder, f"{module}.py").exists()


def _show(samples: Mapping[str, list[Sample]]) -> None:
    base_cpu, base_wall = (
        median(column) for column in zip(*next(iter(samples.values())), strict=True)
    )
    rows = []
    for name, some in samples.items():
        cpu, wall = (median(column) for column in zip(*some, strict=True))
        ratio, mark = against(cpu / base_cpu, GOAL)
        judged = mark if ":" in name else ""
        rows.append(
            (name, milliseconds(cpu), milliseconds(wall), ratio, judged, f"{wall / base_wall:.2f}")
        )
    show(
        f"Import time of the built functions (goal: at most {GOAL} of boto3 and one client)",
        ("", "CPU ms", "wall ms", "CPU ratio", "goal", "wall ratio"),
        rows,
        f"medians of {ROUNDS} fresh processes each, in turns, on the emulator's bare interpreter",
        "build: the settings are read and all clients made, as at a cold start",
    )
