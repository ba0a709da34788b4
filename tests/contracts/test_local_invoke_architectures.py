"""The layer for both of Lambda's architectures, made on whatever this machine is; and its size."""

import struct
import subprocess
from pathlib import Path

import pytest

from local.aws import clean_environment
from tests.contracts.wiring import PARAMETERS, PROJECT, properties

# e_machine of ELF: elf.h, EM_AARCH64 and EM_X86_64.
MACHINES = {"arm64": 0xB7, "x86_64": 0x3E}
# Unpacked at every cold start; Lambda itself takes 250 MB with the function.
MOST_MEGABYTES = 40


def _make_layer(folder: Path, architecture: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--silent", "--makefile", "shared/Makefile", "build-SharedLayer"],
        cwd=PROJECT,
        env={
            **clean_environment(),
            "ARTIFACTS_DIR": str(folder),
            "LAMBDA_ARCHITECTURE": architecture,
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module", params=sorted(MACHINES))
def layer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """An architecture, and the layer that was built for it."""
    folder = tmp_path_factory.mktemp(request.param)
    done = _make_layer(folder, request.param)
    assert done.returncode == 0, done.stderr
    return request.param, folder


def test_every_library_of_a_layer_is_for_its_architecture(layer: tuple[str, Path]) -> None:
    architecture, folder = layer
    libraries = list(folder.rglob("*.so*"))

    assert libraries
    for library in libraries:
        with library.open("rb") as binary:
            header = binary.read(20)
        assert header[:4] == b"\x7fELF", library.name
        assert struct.unpack_from("<H", header, 18)[0] == MACHINES[architecture], library.name


def test_a_layer_holds_its_code_in_less_than_40_mb(layer: tuple[str, Path]) -> None:
    _, folder = layer
    found = [file for file in folder.rglob("*") if file.is_file()]

    assert (folder / "python/shared/events.py") in found
    assert sum(file.stat().st_size for file in found) < MOST_MEGABYTES * 1_000_000


def test_an_architecture_that_lambda_has_not_is_refused(tmp_path: Path) -> None:
    done = _make_layer(tmp_path, "riscv64")

    assert done.returncode != 0
    assert "write arm64 or x86_64" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_template_takes_both_architectures_for_functions_and_layer() -> None:
    assert PARAMETERS["Architecture"]["AllowedValues"] == sorted(MACHINES)
    assert properties("SharedLayer")["CompatibleArchitectures"] == [{"Ref": "Architecture"}]
