"""Which way imports run: cli, local, tests -> services, container -> shared; never back."""

import ast
import sys

import pytest

from container.build import SHARED
from tests.contracts.sources import PARTS, Module, module, modules

MAY_IMPORT = {
    "cli": {"cli", "container", "local", "services", "shared"},
    "container": {"container", "shared"},
    "local": {"container", "local", "services", "shared"},
    "services": {"services", "shared"},
    "shared": {"shared"},
    "tests": set(PARTS),
}
# Outside `build`, which makes the clients through shared.aws, these alone know boto3.
ADAPTERS = {
    "services.submitter.jobs",
    "shared.aws",
    "shared.best",
    "shared.consumer",
    "shared.machines",
    "shared.run_store",
    "shared.secrets",
    "shared.sweep_results",
}
READ_THE_ENVIRONMENT = {"shared.entry", "shared.settings"}
# What the job's program packs: it meets nothing but the project image's Python, and DVC in its own.
RUN_IN_THE_IMAGES_PYTHON = {
    "container.named": {"dvc"},
    "container.needs": {"dvc"},
    "container.saving": {"dvc", "dvc_data"},
    "container.report_differences": {"dvc"},
    "container.report_drawing": {"vl_convert"},
    "container.s3_copy": {"boto3", "botocore", "s3transfer"},
}
# What a machine of one's own runs, packed alone.
ON_A_MACHINE = [one for one in modules("container") if one.name.startswith("container.agent")]
KNOW_BOTO3_ON_A_MACHINE = {
    "container.agent.aws",
    "container.agent.setup",
    "container.agent.upload",
}
IN_THE_JOB = [
    *(one for one in modules("container") if one not in ON_A_MACHINE),
    *map(module, (name.removesuffix(".__init__") for name in SHARED)),
]


def _parts(one: Module) -> set[str]:
    return {name.partition(".")[0] for name in one.imported_modules()}


@pytest.mark.parametrize("part", PARTS)
def test_imports_run_one_way(part: str) -> None:
    wrong = {one.name: _parts(one) & set(PARTS) - MAY_IMPORT[part] for one in modules(part)}

    assert not {name: found for name, found in wrong.items() if found}


def test_no_service_imports_another() -> None:
    wrong = {
        (one.name, name)
        for one in modules("services")
        for name in one.imported_modules()
        if name.startswith("services.") and name.split(".")[1] != one.service
    }

    assert not wrong


@pytest.mark.parametrize("one", IN_THE_JOB, ids=lambda one: one.name)
def test_the_jobs_program_needs_the_standard_library_only(one: Module) -> None:
    at_hand = {"container", *(module.name for module in IN_THE_JOB)}
    outside = sys.stdlib_module_names | RUN_IN_THE_IMAGES_PYTHON.get(one.name, set())
    foreign = {name for name in one.imported_modules() if name.partition(".")[0] not in outside}

    assert not foreign - at_hand


@pytest.mark.parametrize("one", ON_A_MACHINE, ids=lambda one: one.name)
def test_a_machines_program_needs_itself_and_the_standard_library_only(one: Module) -> None:
    late = {"boto3", "botocore"} if one.name in KNOW_BOTO3_ON_A_MACHINE else set()
    outside = {
        name
        for name in one.imported_modules()
        if name.partition(".")[0] not in sys.stdlib_module_names | late
    }
    at_the_top = {
        name
        for node in one.tree.body
        for name in (Module(one.name, one.path, ast.Module([node], [])).imported_modules())
        if not isinstance(node, ast.FunctionDef | ast.ClassDef)
    }

    assert all(name.startswith("container.agent") for name in outside)
    assert not at_the_top & {"boto3", "botocore"}


def test_adapters_alone_know_boto3() -> None:
    know = {
        one.name
        for one in modules("services", "shared")
        if _parts(one) & {"boto3", "botocore", "aws_xray_sdk"}
    }

    assert know - {"shared.telemetry"} == ADAPTERS


def test_the_environment_is_read_in_two_places() -> None:
    read = {
        one.name
        for one in modules("services", "shared")
        for node in ast.walk(one.tree)
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"})
        or (isinstance(node, ast.alias) and node.name in {"environ", "getenv", "environb"})
    }

    assert read == READ_THE_ENVIRONMENT


def test_imports_are_absolute() -> None:
    relative = {
        one.name
        for one in modules(*PARTS)
        for node in ast.walk(one.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    }

    assert not relative
