"""The program is one file for every Python from 3.9 on, with nothing beside it but DVC."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from container.build import build
from tests.integration.job_site import JOB_ENVIRONMENT, Site

VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
STAGES = """
stages:
  one:
    cmd: cp params.yaml one.txt && echo '{"m":2}' > m.json
    params: [n]
    outs: [one.txt]
    metrics:
    - m.json: {cache: false}
"""


def python(version: str) -> str:
    """A Python of this version on this machine, bare; the test is skipped if it has none."""
    on_path = shutil.which(f"python{version}")
    of_pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    candidates = [on_path] if on_path else []
    candidates += map(str, of_pyenv.glob(f"{version}.*/bin/python"))
    for candidate in candidates:
        # One of pyenv's shims is there for versions that are not in use, and fails.
        told = subprocess.run(
            [candidate, "--version"], capture_output=True, text=True, timeout=120, check=False
        )
        if told.stdout.startswith(f"Python {version}."):
            return candidate
    pytest.skip(f"this machine has no Python {version}")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_job_runs_on_python(version: str, tmp_path: Path) -> None:
    interpreter = python(version)
    site = Site.with_project(tmp_path, {"dvc.yaml": STAGES, "params.yaml": "n: 1\n"})
    # DVC has its own Python, as with pipx or uv: ours has nothing installed.
    only = tmp_path / "bin"
    only.mkdir()
    (only / "dvc").symlink_to(JOB_ENVIRONMENT / "bin" / "dvc")
    bare = site.with_environment(PATH=f"{only}:{Path(shutil.which('git') or '').parent}")

    job = bare.run("-S n=2", experiment=True, python=interpreter)

    assert job.code == 0, job.log
    assert "cannot be told beforehand" not in job.log  # it has found DVC's own Python
    assert site.show(f"{job.result[1]}:params.yaml") == "n: 2"
    assert job.said("| m | ") or job.said("m.json")


@pytest.mark.parametrize("version", VERSIONS)
def test_its_tables_and_arguments_hold_on_python(version: str, tmp_path: Path) -> None:
    """The doctests of the program, as that Python runs them."""
    interpreter = python(version)
    program = tmp_path / "job.pyz"
    build(program)
    script = """
import doctest, importlib, sys, zipfile
sys.path.insert(0, sys.argv[1])
names = [n[:-3].replace("/", ".") for n in zipfile.ZipFile(sys.argv[1]).namelist() if "/" in n]
modules = [importlib.import_module(n) for n in names if not n.endswith("__")]
tried = sum(doctest.testmod(module, optionflags=doctest.ELLIPSIS).attempted for module in modules)
failed = sum(doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed for module in modules)
print(tried, failed)
"""
    done = subprocess.run(
        [interpreter, "-W", "error", "-c", script, program],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    tried, failed = map(int, done.stdout.splitlines()[-1].split())
    assert tried > 50
    assert failed == 0, done.stdout
