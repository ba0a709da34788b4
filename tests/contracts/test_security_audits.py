"""What the programs of `make audit` are told to leave alone: docs/decisions/0026-audits.md."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.audit import code, secrets, tools
from tests.audit.secrets import Finding, Folder, Known
from tests.contracts.sources import modules
from tests.contracts.wiring import PROJECT

# Long enough to be a reason, not a word.
REASON = 20
BANDIT = PROJECT / ".ci/bandit.yaml"
SHIPPED = ("cli", "container", "local", "services", "shared")
# `bandit --help` lists them so, and `ruff rule --all` its own by the same numbers.
_TEST = re.compile(r"^\s+(B\d{3})\s", re.MULTILINE)
_NOSEC = re.compile(r"#\s*nosec\b(.*)")
# A rule as `ruff check --show-settings` names it, and a rule or a group of them in pyproject.toml.
_RULE = re.compile(r"\((S\d{3})\)")
_IS_S = re.compile(r"S\d*|ALL")
# Rules of ruff's that are off in a folder of what is shipped.
OFF = {"cli/**": ("S603", "S607"), "local/**": ("S603", "S607")}
FINDING = Finding("cli/x.py", 3, "AWS Access Key", "0" * 40)
needs_the_programs = pytest.mark.skipif(
    not tools.there(), reason="the programs are not there: make audit installs them"
)


def test_bandits_settings_say_why_a_check_is_left_out() -> None:
    text = BANDIT.read_text(encoding="utf-8")

    assert set(yaml.safe_load(text)) == {"tests"}
    assert re.search(r"^# B404: .{40,}$", text, re.MULTILINE)


@needs_the_programs
def test_ruff_and_bandit_together_make_every_check_of_bandits() -> None:
    listed = set(_TEST.findall(tools.ask("bandit", "--help").stdout))
    by_bandit = set(yaml.safe_load(BANDIT.read_text(encoding="utf-8"))["tests"])

    assert by_bandit == listed - {f"B{one[1:]}" for one in _made_by_ruff()} - {"B404"}


def _made_by_ruff() -> set[str]:
    """The S rules that are on, by what ruff itself has read from pyproject.toml."""
    told = subprocess.run(
        [PROJECT / ".venv/bin/ruff", "check", "--show-settings", "services/webhook/app.py"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    _, _, rules = told.stdout.partition("\nlinter.rules.enabled = [")
    return set(_RULE.findall(rules.partition("\n]")[0]))


def test_a_rule_of_ruffs_that_is_off_for_what_is_shipped_says_why() -> None:
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    lint = declared["tool"]["ruff"]["lint"]
    both = {**lint["per-file-ignores"], **lint.get("extend-per-file-ignores", {})}
    off = {
        (files, rule)
        for files, rules in both.items()
        if not files.startswith("tests/")
        for rule in rules
        if _IS_S.fullmatch(rule)
    }

    assert off == {(files, rule) for files, rules in OFF.items() for rule in rules}
    # Nobody else makes these; what they are for is held by tests of our own.
    record = (PROJECT / "docs/decisions/0026-audits.md").read_text(encoding="utf-8")
    for files, rule in off:
        assert rule in record, rule
        assert f"`{files.partition('/')[0]}`" in record, files


def test_every_exception_from_bandit_names_its_check_and_its_reason() -> None:
    lines = [line for one in modules(*SHIPPED) for line in one.path.read_text("utf-8").splitlines()]
    found = [match[1] for line in lines if (match := _NOSEC.search(line))]

    assert found
    for exception in found:
        assert re.fullmatch(r" B\d{3} # .{15,}", exception), exception


@needs_the_programs
def test_bandit_finds_what_turns_the_direction_of_writing(tmp_path: Path) -> None:
    (tmp_path / "turned.py").write_text("access = 'user\u202e'  # check\n", encoding="utf-8")
    done = tools.ask("bandit", "-q", "-c", BANDIT, "-r", tmp_path)

    assert done.returncode == 1
    assert "B613" in done.stdout


@needs_the_programs
def test_bandit_finds_nothing_in_what_is_shipped() -> None:
    assert code.findings() == []


def test_whatever_is_called_no_secret_has_a_reason() -> None:
    known = Known.read()
    reasons = [*known.values, *(one.reason for one in known.folders), *known.lines.values()]

    assert all(len(reason) >= REASON or reason == "prose" for reason in reasons)
    assert all(known.files.values())


def test_a_text_is_no_secret_by_itself_and_not_by_its_place() -> None:
    known = Known({}, (), {}, {"made up": frozenset({"s3cret"})})
    same = Finding("cli/y.py", 1, "Secret Keyword", next(iter(known.sha1s)))

    assert secrets.unknown([FINDING, same], known) == [FINDING]
    assert secrets.not_needed([FINDING], known) == ["s3cret"]
    assert secrets.not_needed([same], known) == []


@needs_the_programs
def test_a_key_that_comes_into_the_repository_is_found_wherever_it_is(tmp_path: Path) -> None:
    # In two parts, or this file would be a finding.
    key = "AKIA" + "Z7VQ2M4KX3TPNW6J"
    known = Known({}, (Folder("tests", ("KeywordDetector",), "made up"),), {}, {})
    for file in ("cli/a.py", "tests/b.py", "notes/c.txt"):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).write_text(f'name = "{key}"\npassword = "swordfish!"\n')
    for words in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *words], cwd=tmp_path, timeout=300, check=True)

    found = [(one.file, one.kind) for one in secrets.findings(known, tmp_path)]
    assert [file for file, kind in found if kind == "AWS Access Key"] == [
        "cli/a.py",
        "notes/c.txt",
        "tests/b.py",
    ]
    assert [file for file, kind in found if kind == "Secret Keyword"] == ["cli/a.py", "notes/c.txt"]
