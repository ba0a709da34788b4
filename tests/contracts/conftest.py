"""The functions, built once for all contract tests."""

import subprocess

import pytest

from local.artifacts import build
from local.aws import clean_environment
from local.layout import PROJECT
from tests.contracts.built import TOOLS, Built


@pytest.fixture(scope="session")
def built() -> Built:
    """Built for the emulator's interpreter, which is bare."""
    return Built(build(TOOLS))


@pytest.fixture(scope="session")
def built_for_aws(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Built for Lambda, as `make build` does."""
    folder = tmp_path_factory.mktemp("sam-build")
    done = subprocess.run(
        [TOOLS.sam, "build", "--build-dir", folder / "build"],
        cwd=PROJECT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Built(folder / "build")
