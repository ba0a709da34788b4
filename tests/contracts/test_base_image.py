"""The base image: pinned, not root, nothing before the program; hadolint checks the craft."""

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.contracts.wiring import PROJECT

FOLDER = PROJECT / "container"
TEXT = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
LOCKS = [FOLDER / "requirements.txt", PROJECT / "requirements/bootstrap.txt"]
PROGRAM = "/opt/cloud-runner/job.pyz"


@dataclass(frozen=True)
class Instruction:
    """One instruction, its continued lines joined."""

    name: str
    rest: str


def _instructions(text: str) -> list[Instruction]:
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", lines)
    return [
        Instruction(*re.split(r"\s+", line, maxsplit=1)) for line in joined.splitlines() if line
    ]


def _stages() -> list[list[Instruction]]:
    stages: list[list[Instruction]] = []
    for instruction in _instructions(TEXT):
        if instruction.name == "FROM":
            stages.append([])
        if stages:
            stages[-1].append(instruction)
    return stages


FINAL = _stages()[-1]


def _last(name: str) -> str:
    return [instruction.rest for instruction in FINAL if instruction.name == name][-1]


def _runs() -> list[str]:
    return [one.rest for stage in _stages() for one in stage if one.name == "RUN"]


def _pins(lock: Path) -> dict[str, str]:
    """The packages of a lock; the lines that belong to each."""
    entries = re.split(r"\n(?=\w)", lock.read_text(encoding="utf-8"))
    return {entry.partition("==")[0]: entry for entry in entries if not entry.startswith("#")}


def test_the_job_is_not_root_and_has_fixed_numbers() -> None:
    user = _last("USER")

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    for number, program in zip(user.split(":"), ("--uid", "--gid"), strict=True):
        assert any(f"{program} {number}" in run for run in _runs())


def test_the_base_has_a_full_version() -> None:
    (base,) = (one.rest for one in _instructions(TEXT) if one.rest.startswith("BASE="))

    assert re.fullmatch(r"BASE=python:3\.\d+\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", base)
    assert {stage[0].rest.split()[0] for stage in _stages()} == {"${BASE}"}


def test_packages_are_installed_by_hash() -> None:
    installing = [run for run in _runs() if "pip install" in run]

    assert len(installing) == len(LOCKS)
    for run in installing:
        assert "--require-hashes" in run
        assert "--only-binary :all:" in run
    # What is built from source is built with a package of the lock, not with whatever is newest.
    (built,) = (run for run in installing if "--no-binary" in run)
    assert "--build-constraints requirements.txt" in built
    assert "setuptools" in _pins(FOLDER / "requirements.txt")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.parent.name)
def test_every_pin_of_a_lock_has_hashes(lock: Path) -> None:
    assert _pins(lock)
    for name, entry in _pins(lock).items():
        assert re.match(r"[\w.\[\],-]+==\S+ .*\\\n +--hash=sha256:[0-9a-f]{64}", entry), name


def test_the_image_has_what_the_program_uses_where_it_is() -> None:
    assert {"dvc", "dvc-s3", "boto3", "vl-convert-python", "pyyaml"} <= set(
        _pins(FOLDER / "requirements.txt")
    )


@pytest.mark.parametrize("file", [FOLDER / "Dockerfile", *LOCKS], ids=lambda file: file.name)
def test_no_file_of_the_image_names_an_address(file: Path) -> None:
    assert not re.search(r"\w://|--(extra-)?index|--find-links", file.read_text(encoding="utf-8"))


def test_every_rule_that_the_linter_shall_ignore_has_its_reason() -> None:
    ignored = [line for line in TEXT.splitlines() if "hadolint" in line]

    assert not list(PROJECT.glob(".hadolint.y*ml"))
    for line in ignored:
        assert re.fullmatch(r"# hadolint ignore=(DL|SC)\d{4} # \w.{20,}", line), line


def test_a_failing_part_of_a_pipe_fails_the_build() -> None:
    for stage in _stages():
        names = [instruction.name for instruction in stage]
        shell = json.loads(stage[names.index("SHELL")].rest)

        assert names.index("SHELL") < names.index("RUN")
        assert {"-euo", "pipefail"} <= set(shell)


def test_the_last_run_is_the_jobs_user_trying_what_the_image_has() -> None:
    names = [instruction.name for instruction in FINAL]
    proof = _last("RUN")

    last_run = max(index for index, name in enumerate(names) if name == "RUN")
    assert "USER" in names[:last_run]
    assert "USER" not in names[last_run:]
    assert "COPY" not in names[last_run:]
    for part in ("git --version", "git lfs", "dvc --version", "boto3", "vl_convert", PROGRAM):
        assert part in proof


def test_nothing_stands_before_the_program() -> None:
    """Whatever did would hold the secret in an environment that stages can read."""
    assert json.loads(_last("ENTRYPOINT")) == []
    assert json.loads(_last("CMD")) == ["python3", PROGRAM]


def test_the_build_gets_what_it_copies_and_nothing_that_is_not_the_programs() -> None:
    ignore = (FOLDER / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    patterns = [line for line in ignore.splitlines() if not line.startswith("#")]
    sent = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    copied = [
        instruction.rest.split()[0]
        for stage in _stages()
        for instruction in stage
        if instruction.name == "COPY" and "--from" not in instruction.rest
    ]

    assert patterns[0] == "*"
    assert all((PROJECT / one).exists() for one in sent)
    for source in copied:
        assert any(source == one or fnmatch(source, f"{one}/*") for one in sent), source
    for folder in {one.split("/")[0] for one in sent}:
        assert folder in {"container", "shared", "requirements"}
