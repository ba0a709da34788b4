"""Filters that an image sets for git: they find the image's programs, as its stages do."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.integration.job_site import HttpHost, git, served
from tests.integration.test_job_users import SYSTEM, TOKEN, nobodys, project, python, run

# A Python as an environment of conda's has it: with modules that the system's lacks.
PYTHON = '#!/bin/sh\nPYTHONPATH=MODULES exec REAL "$@"\n'
FILTER = (
    "#!/usr/bin/env python3\nimport sys, of_the_image\nprint(of_the_image.WORD, sys.stdin.read())\n"
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter, which pytest's own is not."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def host(folder: Path) -> Iterator[HttpHost]:
    with served(folder / "origin", "x-token-auth", TOKEN) as host:
        yield host


def test_a_filter_is_run_by_the_python_that_the_image_names_first(
    folder: Path, host: HttpHost
) -> None:
    """Also where the job's user may write to that Python's folder."""
    tools = nobodys(folder / "tools")
    modules = folder / "modules"
    modules.mkdir()
    (modules / "of_the_image.py").write_text("WORD = 'filtered'\n")
    programs = {
        "python3": PYTHON.replace("MODULES", str(modules)).replace("REAL", python()),
        "mark": FILTER,
    }
    for name, text in programs.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    settings = folder / "gitconfig"
    settings.write_text('[filter "mark"]\n\tclean = mark\n\tsmudge = cat\n\trequired = true\n')
    site = project(folder, "echo 1 > one.txt\n")
    site.commit({".gitattributes": "one.txt filter=mark\n"})
    git(site.project, "push", "--quiet", "origin", "main")

    job = run(site, os.pathsep.join([str(tools), SYSTEM]), host, GIT_CONFIG_SYSTEM=str(settings))

    assert (job.code, job.result[1:]) == (0, ["main"]), job.log
    assert site.show("main:one.txt") == "filtered 1"
