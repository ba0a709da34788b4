"""What `sam build` makes of the template: valid, for arm64, each thing where it belongs."""

import struct
import subprocess
from pathlib import Path

import pytest

from local.aws import clean_environment
from local.layout import PROJECT
from tests.contracts.aws_calls import clients_made
from tests.contracts.built import TOOLS, Built, run_bare, sample
from tests.contracts.wiring import function_of, functions

AARCH64 = 0xB7  # e_machine of ELF: elf.h, EM_AARCH64
SERVICES = sorted(function.service for function in functions())


def test_sam_finds_nothing_to_say_about_the_template() -> None:
    done = subprocess.run(
        [TOOLS.sam, "validate", "--lint"],
        cwd=PROJECT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_build_for_aws_is_for_arm64(built_for_aws: Built) -> None:
    libraries = list(built_for_aws.layer.rglob("*.so"))

    assert libraries
    for library in libraries:
        with library.open("rb") as binary:
            header = binary.read(20)
        assert struct.unpack_from("<H", header, 18)[0] == AARCH64, library.name


@pytest.mark.parametrize("build_name", ["built", "built_for_aws"])
def test_the_layer_holds_packages_and_a_function_itself_only(
    build_name: str, request: pytest.FixtureRequest
) -> None:
    made: Built = request.getfixturevalue(build_name)
    in_layer = {path.name for path in (made.layer / "python").iterdir()}

    assert {path.name for path in made.layer.iterdir()} == {"python"}
    assert {"shared", "boto3", "pydantic", "structlog", "aws_xray_sdk"} <= in_layer
    assert not in_layer & {"services", "container", "local", "cli", "tests", "bin"}
    for function in functions():
        source = PROJECT / "services" / function.service
        wanted = {"services/__init__.py"} | {
            f"services/{function.service}/{file.name}" for file in source.glob("*.py")
        }
        artifact = made.artifact(function)
        files = {str(f.relative_to(artifact)) for f in artifact.rglob("*") if f.is_file()}
        # Whoever runs an artifact where it lies leaves bytecode behind.
        assert {file for file in files if "__pycache__" not in file} == wanted


def test_the_layer_holds_botocores_models_of_the_services_that_are_called(
    built_for_aws: Built,
) -> None:
    models = (built_for_aws.layer / "python/botocore/data").iterdir()

    assert {model.name for model in models if model.is_dir()} == clients_made()


@pytest.mark.parametrize("service", SERVICES)
def test_a_function_does_not_load_without_the_layer(
    service: str, built: Built, tmp_path: Path
) -> None:
    done = run_bare(built, function_of(service), {}, layer=tmp_path)

    assert done.returncode != 0
    assert "ModuleNotFoundError" in done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_function_without_its_settings_fails_as_it_loads(service: str, built: Built) -> None:
    done = run_bare(built, function_of(service), sample(f"{service}.json"))

    assert done.returncode == 1
    assert f"reading the settings of services.{service}.app" in done.stderr
