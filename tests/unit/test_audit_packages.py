"""An audit of packages that did not take place is told from a clean one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.audit.__main__ import FOUND, NOT_AUDITED, Outcome, main
from tests.audit.packages import Pin, Verdict, audited, lines, locks, pins, read

# What pip-audit 2.10 prints where PyPI's API cannot be reached; it ends with 0.
NOBODY = "Dependency not found on PyPI and could not be audited"
BAD = {"id": "PYSEC-1", "fix_versions": ["2.0"], "aliases": [], "description": "…"}
MANY = [(f"package-{number:03}", "1.0") for number in range(100)]


@dataclass
class PipAudit:
    """pip-audit, and what the service behind it knows."""

    vulnerable: Mapping[str, str] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    reached: bool = True
    files: list[list[Pin]] = field(default_factory=list)

    def __call__(self, file: Path) -> str:
        asked = [(name, version) for name, _, version in map(_parted, file.read_text().split())]
        self.files.append(asked)
        return json.dumps({"dependencies": [self._about(*pin) for pin in asked], "fixes": []})

    def _about(self, name: str, version: str) -> dict[str, object]:
        if name in self.unknown or not self.reached:
            return {"name": name, "skip_reason": f"{NOBODY}: {name} ({version})"}
        found = [BAD] if self.vulnerable.get(name) == version else []
        return {"name": name, "version": version, "vulns": found}


def _parted(line: str) -> tuple[str, str, str]:
    return line.partition("==")


def told(verdict: Verdict) -> str:
    pins_of_it = {*MANY, *verdict.vulnerable, *verdict.skipped}
    return "\n".join(lines(verdict, dict.fromkeys(pins_of_it, ("dev.txt",))))


def test_a_clean_audit_says_how_many_packages_it_has_looked_at() -> None:
    verdict = audited(MANY, PipAudit())

    assert told(verdict) == "packages: 100 looked at, no known vulnerability"


def test_where_nobody_answers_that_is_said_and_nobody_is_asked_for_all() -> None:
    service = PipAudit(reached=False)
    verdict = audited(MANY, service)

    assert "packages: NOT AUDITED: 100 of 100, such as package-000 1.0" in told(verdict)
    assert "no known vulnerability" not in told(verdict)
    assert NOBODY in told(verdict)
    assert sum(map(len, service.files)) == 3


def test_a_package_that_the_service_does_not_know_is_no_clean_one() -> None:
    verdict = audited(MANY, PipAudit(unknown=frozenset({"package-007"})))

    assert (verdict.looked_at, list(verdict.skipped)) == (99, [("package-007", "1.0")])
    assert "99 looked at, no known vulnerability; NOT AUDITED: 1 of 100" in told(verdict)


def test_a_vulnerable_version_is_named_with_its_locks_and_what_mends_it() -> None:
    two = [("a", "1.0"), ("a", "2.0"), ("b", "1.0")]
    service = PipAudit(vulnerable={"a": "1.0"})
    verdict = audited(two, service)

    assert "a 1.0 (dev.txt): PYSEC-1, fixed in 2.0" in told(verdict)
    assert "1 known vulnerabilities" in told(verdict)
    assert verdict.looked_at == 3
    # pip-audit refuses a file with two versions of one package.
    assert all(len({name for name, _ in file}) == len(file) for file in service.files)


@pytest.mark.parametrize("answer", ["", "Traceback", "[]", '{"dependencies": []}'])
def test_an_answer_that_is_none_leaves_every_package_out(answer: str) -> None:
    verdict = read({"a": ("a", "1")}, answer)

    assert (verdict.looked_at, list(verdict.skipped)) == (0, [("a", "1")])


def test_every_lock_is_audited_with_what_is_for_other_systems() -> None:
    found = {lock: pins(lock.read_text(encoding="utf-8")) for lock in locks()}
    (dev,) = [pinned for lock, pinned in found.items() if lock.name == "dev.txt"]

    assert "colorama" in {name for name, _ in dev}  # for Windows
    assert all(found.values())
    assert {lock.parent.name for lock in locks()} == {"container", "requirements", "shared"}


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([(False, True), (False, True)], 0),
        ([(False, True), (True, True)], FOUND),
        ([(False, False), (False, True)], NOT_AUDITED),
        ([(False, False), (True, True)], FOUND),
    ],
)
def test_the_exit_code_tells_found_from_not_looked_at_from_clean(
    outcomes: list[Outcome], code: int
) -> None:
    parts = {str(number): lambda one=one: one for number, one in enumerate(outcomes)}

    assert main([], parts) == code


def test_a_program_that_is_not_there_is_an_audit_that_did_not_take_place(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def missing() -> Outcome:
        raise FileNotFoundError(2, "No such file or directory", "bandit")

    assert main(["code"], {"code": missing}) == NOT_AUDITED
    assert "code: NOT AUDITED: " in capsys.readouterr().out
