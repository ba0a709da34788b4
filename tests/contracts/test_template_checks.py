"""What the templates' linters are told to leave alone, and why: docs/decisions/0016-checkov.md."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contracts.wiring import PROJECT

TEMPLATES = [PROJECT / "template.yaml", *sorted((PROJECT / "container").glob("*.yaml"))]
SETTINGS = PROJECT / ".ci/checkov.yaml"
CHECKOV = PROJECT / ".tools/checkov/bin/checkov"
# Long enough to be a reason, not a word.
REASON = 25
_AT_A_RESOURCE = re.compile(r"# checkov:skip=(\S+?)(?::\s*(.*))?$", re.MULTILINE)
_FOR_ALL = re.compile(r"^  - (CKV\w+)(?: # (.*))?$", re.MULTILINE)
_QUEUES = {
    "Plain": {},
    "NotEncrypted": {"SqsManagedSseEnabled": False},
    "ByItself": {"SqsManagedSseEnabled": True},
    "ByKey": {"KmsMasterKeyId": "alias/ours"},
}
each_template = pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)


@dataclass(frozen=True)
class Looked:
    """What checkov found without a single skip: pairs of a check and a resource, by file."""

    failed: frozenset[tuple[str, str, str]]
    files: frozenset[str]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _settings() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(_text(SETTINGS))
    return read


def _for_all() -> set[str]:
    return set(_settings()["skip-check"])


def _skips(template: Path) -> Iterator[tuple[str, str]]:
    """The checks that a template skips, each with the resource that it is skipped at."""
    resource = ""
    for line in _text(template).splitlines():
        if name := re.fullmatch(r"  (\w+):\s*(?:#.*)?", line):
            resource = name[1]
        for skip in _AT_A_RESOURCE.finditer(line):
            yield skip[1], resource


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Looked:
    """The templates with their skips made void, and queues of each kind."""
    if not CHECKOV.exists():
        pytest.skip("checkov is not there: make lint sets it up")
    folder = tmp_path_factory.mktemp("templates")
    for template in TEMPLATES:
        (folder / template.name).write_text(_text(template).replace("checkov:skip=", "void: "))
    queues = {
        name: {"Type": "AWS::SQS::Queue", "Properties": properties or {"DelaySeconds": 0}}
        for name, properties in _QUEUES.items()
    }
    (folder / "queues.yaml").write_text(yaml.safe_dump({"Resources": queues}))
    done = subprocess.run(
        [
            *(CHECKOV, "--directory", folder, "--framework", "cloudformation", "--output", "json"),
            *("--skip-download", "--external-checks-dir", PROJECT / ".ci/checkov"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    found = json.loads(done.stdout)["results"]
    checked = [*found["failed_checks"], *found["passed_checks"]]
    return Looked(
        frozenset(
            (Path(one["file_path"]).name, one["check_id"], one["resource"].rpartition(".")[2])
            for one in found["failed_checks"]
        ),
        frozenset(Path(one["file_path"]).name for one in checked),
    )


@each_template
def test_a_check_that_a_resource_skips_has_its_reason(template: Path) -> None:
    for check, reason in _AT_A_RESOURCE.findall(_text(template)):
        assert len(reason) >= REASON, f"{check} is skipped without a reason"
    assert _text(template).count("checkov:skip") == len(_AT_A_RESOURCE.findall(_text(template)))


@each_template
def test_a_rule_of_cfn_lint_that_is_ignored_has_its_reason(template: Path) -> None:
    """In Metadata, of a template or a resource: `cfn-lint: config: ignore_checks: [ID] # why`."""
    for line in _text(template).splitlines():
        if "ignore_checks" in line:
            assert len(line.partition("#")[2].strip()) >= REASON, line.strip()


def test_a_check_that_is_skipped_for_all_has_its_reason() -> None:
    reasons = dict(_FOR_ALL.findall(_text(SETTINGS)))

    assert set(reasons) == _for_all()
    assert all(len(reason) >= REASON for reason in reasons.values())


def test_checkov_runs_without_the_network_and_on_every_template() -> None:
    recipe = _text(PROJECT / "Makefile")

    assert _settings()["skip-download"] is True
    assert ".tools/checkov/bin/checkov --config-file .ci/checkov.yaml --file $(TEMPLATES)" in recipe
    assert "TEMPLATES := template.yaml $(wildcard container/*.yaml)\n" in recipe


def test_nothing_else_tells_the_linters_what_to_leave_alone() -> None:
    elsewhere = (".checkov.yaml", ".checkov.yml", ".cfnlintrc", ".cfnlintrc.yaml", ".cfnlintrc.yml")

    assert not [name for name in elsewhere if (PROJECT / name).exists()]
    assert set(_settings()) == {
        *("framework", "compact", "quiet", "skip-download", "external-checks-dir", "skip-check")
    }


def test_checkov_finds_what_is_skipped_and_nothing_more(looked: Looked) -> None:
    ours = {one for one in looked.failed if one[0] != "queues.yaml"}
    at_a_resource = {
        (template.name, check, resource)
        for template in TEMPLATES
        for check, resource in _skips(template)
    }

    assert {path.name for path in TEMPLATES} <= looked.files
    assert {check for _, check, _ in ours} >= _for_all(), "a check that nothing fails is skipped"
    assert {one for one in ours if one[1] not in _for_all()} == at_a_resource


def test_our_check_knows_how_a_queue_is_encrypted(looked: Looked) -> None:
    failed = {
        name
        for file, check, name in looked.failed
        if (file, check) == ("queues.yaml", "CKV2_CLOUD_RUNNER_1")
    }

    assert failed == {"Plain", "NotEncrypted"}
