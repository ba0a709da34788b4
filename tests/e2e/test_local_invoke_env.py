"""`cloud-runner local env` on a running stack: what it writes is what reaches the stack."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import local_env
from local.artifacts import build
from local.layout import Tools
from tests.contracts.built import Built, run_bare, sample
from tests.contracts.wiring import function_of, functions
from tests.e2e.world import World


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Built:
    """The artifacts that the stack runs, in the place of those for AWS."""
    folder = build(Tools())
    monkeypatch.setattr(local_env, "BUILT", folder / "template.yaml")
    return Built(folder)


def test_the_environment_file_of_a_running_stack_reaches_it(
    world: World, built: Built, tmp_path: Path
) -> None:
    arguments = ["--ready-file", str(world.folder / "ready.json"), "--folder", str(tmp_path)]

    done = CliRunner().invoke(local_env.env, [*arguments, "--host", "127.0.0.1"])

    assert done.exit_code == 0, done.output
    assert (tmp_path / "template.yaml").exists()
    written = json.loads((tmp_path / "env.json").read_text())
    for function in functions():
        assert set(written[function.logical_id]) == set(function.environment)
    reconciler = function_of("reconciler")
    settings = {**written["Parameters"], **written[reconciler.logical_id]}
    ran = run_bare(built, reconciler, sample("reconciler.json"), settings=settings)
    assert ran.returncode == 0, ran.stderr


def test_without_a_running_stack_the_command_says_what_to_start(
    built: Built, tmp_path: Path
) -> None:
    ready = tmp_path / "ready.json"
    ready.write_text(json.dumps({"environment": {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}}))

    done = CliRunner().invoke(local_env.env, ["--ready-file", str(ready)])

    assert done.exit_code == 1
    assert "is cloud-runner local up running?" in done.output


def test_without_a_build_the_command_says_how_to_make_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(local_env, "BUILT", tmp_path / "template.yaml")
    (tmp_path / "ready.json").write_text("{}")

    done = CliRunner().invoke(local_env.env, ["--ready-file", str(tmp_path / "ready.json")])

    assert done.exit_code == 1
    assert "make build" in done.output
