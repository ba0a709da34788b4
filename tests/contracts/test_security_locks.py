"""Packages come by their hashes alone, wherever they are installed."""

import re
from pathlib import Path

import pytest

from tests.audit.packages import locks, pins
from tests.contracts.wiring import PROJECT

# Where our own programs install something. Examples and what `image` proposes are a project's own.
INSTALLERS = (
    "Makefile",
    "build.mk",
    "shared/Makefile",
    "services/Makefile",
    "container/Dockerfile",
)
_INSTALLS = re.compile(r"\b(?:pip|uv pip|UV\)? pip) (?:install|sync)\b.*")
_HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")
# Ours, of which there is no wheel and no hash: it brings nothing along.
OURS = ("--no-deps", "--no-build-isolation", "--editable .")
each_lock = pytest.mark.parametrize(
    "lock", locks(), ids=lambda path: str(path.relative_to(PROJECT))
)


def _commands(file: str) -> list[str]:
    """The commands of a file that install packages, each on one line."""
    text = (PROJECT / file).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [found[0] for line in lines if (found := _INSTALLS.search(line))]


@each_lock
def test_every_package_of_a_lock_is_one_version_with_its_hashes(lock: Path) -> None:
    blocks = re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8"))
    packages = [block for block in blocks if not block.startswith("#")]

    assert len(packages) == len(pins("\n".join(packages)))
    for package in packages:
        rest = [line for line in package.splitlines()[1:] if not line.lstrip().startswith("#")]
        assert rest, package
        assert all(map(_HASH.fullmatch, rest)), package


@each_lock
def test_a_lock_names_no_place_where_packages_come_from(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")

    assert "://" not in text
    assert not re.search(r"^-{1,2}[a-z]", text, re.MULTILINE)
    assert " @ " not in text


def test_every_list_of_wanted_packages_has_its_lock_and_the_other_way_round() -> None:
    wanted = {*(PROJECT / "requirements").glob("*.in"), *(PROJECT / "container").glob("*.in")}
    by_pyproject = {PROJECT / "requirements/dev.txt", PROJECT / "shared/requirements.txt"}

    assert {path.with_suffix(".txt") for path in wanted} | by_pyproject == set(locks())


def test_whatever_is_installed_must_have_the_hash_of_its_lock() -> None:
    found = {(file, command) for file in INSTALLERS for command in _commands(file)}

    assert {file for file, _ in found} >= {"Makefile", "container/Dockerfile", "shared/Makefile"}
    for file, command in found:
        ours = all(option in command for option in OURS)
        assert ours or "--require-hashes" in command, f"{file}: {command}"


def test_only_what_is_listed_here_installs_packages() -> None:
    ignored = {".venv", ".tools", ".aws-sam", ".cloud-runner", "examples", "local", ".git"}
    makes = [
        str(path.relative_to(PROJECT))
        for pattern in ("*.mk", "Makefile", "Dockerfile*")
        for path in PROJECT.rglob(pattern)
        if not ignored & set(path.relative_to(PROJECT).parts)
    ]

    assert {file for file in makes if _commands(file)} <= set(INSTALLERS)
