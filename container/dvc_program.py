"""The program `dvc` of the image: where it is, and how it and modules of ours in it are started."""

from __future__ import annotations

import pkgutil
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from container import interpreter
from container.exits import Exit, JobFailed
from container.processes import Children, Ended


def words() -> list[str]:
    """The words that start it.

    Raises:
        JobFailed: the image has none.
    """
    on_path = shutil.which("dvc")
    if on_path:
        return [on_path]
    beside = Path(sys.executable).with_name("dvc")
    if beside.exists():
        return [str(beside)]
    raise JobFailed(
        Exit.NO_DVC, "the image has no DVC: add `pip install dvc[s3]` to its Dockerfile"
    )


class Program:
    """The image's DVC, at work in a clone."""

    def __init__(self, children: Children, directory: Path, environment: Mapping[str, str]) -> None:
        self._children = children
        self._directory = directory
        self._environment = environment

    def run(self, *arguments: str, finish: bool = False, read: bool = False) -> Ended:
        """Run a command of DVC's in the clone; `finish` and `read` as in `Children.run`."""
        return self._children.run(
            [*words(), *arguments],
            directory=self._directory,
            environment=self._environment,
            finish=finish,
            read=read,
        )

    def run_ours(
        self, module: str, *arguments: str, finish: bool = False, read: bool = False
    ) -> Ended | None:
        """Run one of our modules in its own Python, beside the clone; None where there is none."""
        python = interpreter.with_dvc()
        if python is None:
            return None
        source = pkgutil.get_data("container", f"{module}.py") or b""
        # From outside the project, whose own modules would stand before the libraries.
        return self._children.run(
            [python, "-c", source.decode(), *arguments],
            directory=self._directory.parent,
            environment=self._environment,
            finish=finish,
            read=read,
        )
