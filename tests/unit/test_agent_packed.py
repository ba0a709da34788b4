"""The agent as one file, which has to fit into an instance's user data."""

import ast
import base64
import gzip
import io
import json
import sys
import zipfile
from pathlib import Path

import pytest

from container.agent import build
from container.agent.build import bare, main, packed, packed_for_boot

SOURCES = sorted(Path(build.__file__).parent.glob("*.py"))
# EC2 takes 16,384 bytes; what else is in them needs room, and so may a launch specification's own.
AT_MOST = 11_500


def sources(program: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(program)) as archive:
        assert archive.namelist() == ["__main__.py", "sources.json"]
        found: dict[str, str] = json.loads(archive.read("sources.json"))
    return found


def test_what_a_boot_needs_leaves_room_in_user_data() -> None:
    encoded = base64.encodebytes(packed_for_boot()).decode()
    script = f"#!/bin/sh\nbase64 -d > agent.pyz << 'AGENT'\n{encoded}AGENT\n"

    assert len(gzip.compress(script.encode(), mtime=0)) < AT_MOST


def test_the_whole_of_it_is_small_enough_for_a_command() -> None:
    """Of Systems Manager, whose commands are lines of text (reach_ssm)."""
    assert len(base64.b64encode(packed())) < 32_000


def test_the_same_sources_give_the_same_bytes() -> None:
    assert packed() == packed()
    assert packed_for_boot() == packed_for_boot()


def test_a_boot_has_the_watchdog_and_nothing_that_it_does_not_need() -> None:
    at_boot, whole = set(sources(packed_for_boot())), set(sources(packed()))
    later = {"archive", "begin", "disarm", "experiment", "finish", "log", "run", "setup"}

    assert {f"container.agent.{name}" for name in later} <= whole - at_boot
    assert {path.stem for path in SOURCES} - {"__init__", "build"} == {
        name.rpartition(".")[2] for name in whole if name.startswith("container.agent.")
    }


def test_it_imports_the_standard_library_and_itself_and_boto3_alone() -> None:
    trees = [ast.parse(text) for text in sources(packed()).values()]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imported = {
        alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    tops = {name.partition(".")[0] for name in imported}

    assert tops - set(sys.stdlib_module_names) == {"boto3", "botocore", "container"}
    packed_names = set(sources(packed()))
    assert {name for name in imported if name.startswith("container")} <= packed_names


class _Undocumented(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            node.value = ast.Constant("")
        return node


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_nothing_but_what_is_for_readers_is_left_out(path: Path) -> None:
    source = path.read_text()
    thin = bare(source)

    assert ast.dump(ast.parse(thin)) == ast.dump(_Undocumented().visit(ast.parse(source)))
    assert len(thin) < len(source)


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--help"]])
def test_another_command_line_gets_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "usage: python -m container.agent.build OUT.pyz" in capsys.readouterr().err
