"""The job's program as one file."""

import ast
import sys
import zipfile
from pathlib import Path

import pytest

from container.build import build, main


@pytest.fixture
def program(tmp_path: Path) -> Path:
    target = tmp_path / "job.pyz"
    build(target)
    return target


def test_the_same_sources_give_the_same_bytes(program: Path, tmp_path: Path) -> None:
    build(tmp_path / "again.pyz")

    assert (tmp_path / "again.pyz").read_bytes() == program.read_bytes()


def test_it_holds_the_package_and_the_arguments_and_nothing_else(program: Path) -> None:
    with zipfile.ZipFile(program) as archive:
        names = archive.namelist()

    others = [name for name in names if not name.startswith("container/")]
    assert others == [
        "__main__.py",
        "shared/__init__.py",
        "shared/arguments.py",
        "shared/exits.py",
        "shared/hydra.py",
        "shared/markdown.py",
        "shared/params.py",
        "shared/points.py",
        "shared/sweeps.py",
    ]
    assert "container/__main__.py" in names


def test_it_imports_the_standard_library_and_itself_alone(program: Path) -> None:
    own = {"container", "shared"}
    with zipfile.ZipFile(program) as archive:
        trees = {name: ast.parse(archive.read(name)) for name in archive.namelist()}
    imported = {
        (name, module.partition(".")[0])
        for name, tree in trees.items()
        for node in ast.walk(tree)
        for module in modules(node)
    }

    foreign = {(name, top) for name, top in imported if top not in sys.stdlib_module_names | own}
    # These run apart, in the Python of the image.
    assert foreign == {
        ("container/needs.py", "dvc"),
        ("container/named.py", "dvc"),
        ("container/saving.py", "dvc"),
        ("container/saving.py", "dvc_data"),
        ("container/report_differences.py", "dvc"),
        ("container/report_drawing.py", "vl_convert"),
        ("container/s3_copy.py", "boto3"),
        ("container/s3_copy.py", "botocore"),
        ("container/s3_copy.py", "s3transfer"),
    }


def modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--help"]])
def test_another_command_line_gets_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "usage: python -m container.build OUT.pyz" in capsys.readouterr().err
