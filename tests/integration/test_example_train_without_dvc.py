"""examples/train-without-dvc: the script runs, the sweep's files are read, the image is sound."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from cli.images.proposal import dockerfile
from cli.sweep.config import Plan, read
from cli.sweep.strategies import open_strategy
from tests.contracts.markdown import fences

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/train-without-dvc"
README = (EXAMPLE / "README.md").read_text(encoding="utf-8")
DOCKERFILE = (EXAMPLE / "Dockerfile").read_text(encoding="utf-8")
SECONDS = 300


def python(script: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a script of the example; what it printed."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / script), *arguments],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    python("make_data.py", str(folder))
    return folder


def train(data: Path, output: Path, *arguments: str) -> dict[str, float]:
    places = {"ACME_INPUT_DIR": str(data), "ACME_OUTPUT_DIR": str(output)}
    python("train.py", *arguments, environment=places)
    metrics: dict[str, float] = json.loads((output / "metrics.json").read_text(encoding="utf-8"))
    return metrics


def plan() -> Plan:
    (found,) = read([f"@{EXAMPLE / 'sweep.yaml'}", f"@{EXAMPLE / 'space.yaml'}"], [])
    return found


def test_the_script_writes_a_model_and_the_metric_that_the_sweep_looks_for(
    data: Path, tmp_path: Path
) -> None:
    metrics = train(data, tmp_path, "--trees", "5")
    model = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))

    assert len(model["trees"]) == 5
    assert plan().objective in metrics
    assert 1 < metrics["rmse"] < 5


def test_the_script_gives_the_same_for_the_same_seed_and_else_another(
    data: Path, tmp_path: Path
) -> None:
    first, second, other = (
        train(data, tmp_path / name, "--trees", "5", "--seed", seed)
        for name, seed in (("first", "1"), ("second", "1"), ("other", "2"))
    )

    assert first == second != other
    assert (tmp_path / "first/model.json").read_bytes() == (
        tmp_path / "second/model.json"
    ).read_bytes()


def test_the_best_parameters_are_neither_the_smallest_nor_the_largest(
    data: Path, tmp_path: Path
) -> None:
    """Else a sweep over them would show nothing."""
    low, middle, high = (
        train(data, tmp_path / f"{depth}", "--learning-rate", rate, "--depth", depth)["rmse"]
        for rate, depth in (("0.03", "1"), ("0.1", "4"), ("0.5", "6"))
    )

    assert middle < min(low, high) / 1.3


def test_every_point_of_the_sweep_is_a_call_that_the_script_takes(
    data: Path, tmp_path: Path
) -> None:
    strategy = open_strategy(plan())
    points = strategy.ask(100)
    options = [f"--{name}={value}" for name, value in points[-1].items()]

    assert len(points) == strategy.size == 20
    assert train(data, tmp_path, *options, "--trees=2")["rmse"] > 1


def test_the_sweep_calls_the_script_and_tells_a_smaller_error_from_a_larger_one() -> None:
    found = plan()

    assert found.command == "python3 train.py"
    assert found.direction == "minimize"
    assert found.input_uri is not None
    assert found.input_uri in README


def test_the_image_starts_where_the_proposed_one_does() -> None:
    proposed = dockerfile(ROOT)
    lock = (ROOT / "container/requirements.txt").read_text(encoding="utf-8")
    (boto3,) = re.findall(r"boto3==[\d.]+", DOCKERFILE)

    for instruction in ("ARG BASE=", "USER ", "WORKDIR ", "ENV "):
        (line,) = re.findall(rf"^{instruction}.*", proposed, re.MULTILINE)
        assert line in DOCKERFILE.splitlines()
    assert f"\n{boto3} " in lock


def test_the_readme_shows_the_files_as_they_are() -> None:
    shown = "\n".join(fences(README, "yaml"))

    for name in ("sweep.yaml", "space.yaml"):
        assert (EXAMPLE / name).read_text(encoding="utf-8") in shown
