"""Packs the agent into one file, in two sizes: the whole of it, and what a boot needs.

    python -m container.agent.build OUT.pyz

User data is at most 16 KB (EC2 user guide, "Run commands when you launch an EC2 instance with user
data input"), and others want room in it too. So a machine boots with a watchdog alone, what is only
for readers of the sources is left out, and all modules are compressed as one. The same sources give
the same bytes with the same zlib.
"""

from __future__ import annotations

import ast
import io
import json
import sys
import tokenize
import zipfile
from pathlib import Path

_PACKAGE = "container.agent"
_FOLDER = Path(__file__).resolve().parent
_NOT_PACKED = ("__init__", "build")
_AT_BOOT = ("__main__", "arm", "watch")
# In the grammar of Pythons that are too old for the rest. It reads everything at the start: the
# file may be replaced by a newer one while it runs.
_START = """import sys
if sys.version_info < (3, 9):
    sys.exit("Python 3.9 or newer is needed on this machine, this is %d.%d" % sys.version_info[:2])
import importlib.util, json, zipfile
sources = json.loads(zipfile.ZipFile(sys.argv[0]).read("sources.json"))
class Packed:
    @classmethod
    def find_spec(cls, name, path, target=None):
        if name in sources:
            return importlib.util.spec_from_loader(name, cls, is_package=not sources[name])
    @staticmethod
    def create_module(spec):
        return None
    @staticmethod
    def exec_module(module):
        exec(compile(sources[module.__name__], module.__name__, "exec"), vars(module))
sys.meta_path.insert(0, Packed)
from container.agent.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
# The earliest time that a zip file can hold.
_TIME = (1980, 1, 1, 0, 0, 0)


def packed() -> bytes:
    """The whole program, for any Python from 3.9 on."""
    return _packed({file.stem for file in _FOLDER.glob("*.py")} - set(_NOT_PACKED))


def packed_for_boot() -> bytes:
    """The program with the commands `arm`, `check` and `watch` alone."""
    wanted: set[str] = set()
    todo = set(_AT_BOOT)
    while todo:
        wanted |= todo
        todo = {other for name in todo for other in _imported(name)} - wanted
    return _packed(wanted)


def _packed(names: set[str]) -> bytes:
    sources = {f"{_PACKAGE}.{name}": bare(_source(name)) for name in sorted(names)}
    # An empty text is a package.
    files = {
        "__main__.py": _START,
        "sources.json": json.dumps({"container": "", _PACKAGE: "", **sources}),
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in files.items():
            member = zipfile.ZipInfo(name, _TIME)
            member.create_system = 3  # Unix, wherever it is built
            member.external_attr = 0o644 << 16
            archive.writestr(member, text, zipfile.ZIP_DEFLATED, 9)
    return target.getvalue()


def _source(name: str) -> str:
    return (_FOLDER / f"{name}.py").read_text("utf-8")


def _imported(name: str) -> set[str]:
    """The modules of the agent that one of them imports at its top."""
    found = set()
    for node in ast.parse(_source(name)).body:
        if isinstance(node, ast.ImportFrom) and node.module == _PACKAGE:
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{_PACKAGE}."):
            found.add(str(node.module).rpartition(".")[2])
    return found


def bare(source: str) -> str:
    r"""A module's text without comments, docstrings and empty lines.

    >>> bare('def f():  # why\n    "What."\n\n    return 1\n')
    'def f():\n    ""\n    return 1\n'
    """
    lines = source.splitlines()
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, documented)]
    docstrings = {node.body[0].lineno for node in nodes if ast.get_docstring(node)}
    within: set[int] = set()
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(source).readline))):
        (row, column), (last, end) = token.start, token.end
        if token.type == tokenize.COMMENT:
            lines[row - 1] = lines[row - 1][:column].rstrip()
        elif token.type == tokenize.STRING and row in docstrings:
            emptied = lines[row - 1][:column] + '""' + lines[last - 1][end:]
            lines[row - 1 : last] = [emptied, *[""] * (last - row)]
        elif token.type == tokenize.STRING:
            within.update(range(row, last))
    return "".join(f"{line}\n" for row, line in enumerate(lines) if line or row in within)


def main(arguments: list[str]) -> int:
    """The command line of `python -m container.agent.build`."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m container.agent.build OUT.pyz", file=sys.stderr)
        return 2
    Path(arguments[0]).write_bytes(packed())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
