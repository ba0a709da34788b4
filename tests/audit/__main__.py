"""Look for insecure code, secrets and vulnerable packages: `python -m tests.audit [PART …]`.

The parts are `code`, `secrets` and `packages`; all of them where none is named. The exit code is 1
if something was found, and 3 if nothing was and an audit did not take place, or not of everything:
that is no clean one.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from tests.audit import code, packages, secrets, tools

FOUND: Final = 1
NOT_AUDITED: Final = 3
# Whether something was found, and whether everything was looked at.
Outcome = tuple[bool, bool]


def audit_code() -> Outcome:
    """The sources, by bandit."""
    found = code.findings()
    _say(*found, f"code: {'see above' if found else 'bandit finds nothing'}")
    return bool(found), True


def audit_secrets() -> Outcome:
    """All files, by detect-secrets."""
    known = secrets.Known.read()
    there = secrets.looked_at(known)
    found = [str(one) for one in secrets.unknown(there, known)]
    stale = [f"{text!r} is nowhere any more" for text in secrets.not_needed(there, known)]
    said = [*found, *stale]
    words = "see above; what is no secret says so in .ci/secrets.yaml" if said else "none found"
    _say(*said, f"secrets: {words}")
    return bool(said), True


def audit_packages() -> Outcome:
    """All pins of all locks, by pip-audit."""
    where: dict[packages.Pin, list[str]] = {}
    for lock in packages.locks():
        for pin in packages.pins(lock.read_text(encoding="utf-8")):
            where.setdefault(pin, []).append(str(lock.relative_to(tools.PROJECT)))
    verdict = packages.audited(where, packages.pip_audit)
    _say(*packages.lines(verdict, where))
    return bool(verdict.vulnerable), not verdict.skipped


PARTS: Final = {"code": audit_code, "secrets": audit_secrets, "packages": audit_packages}


def main(names: Sequence[str], parts: Mapping[str, Callable[[], Outcome]] = PARTS) -> int:
    """Audit what is named; the exit code."""
    wrong = set(names) - set(parts)
    if wrong:
        _say(f"there is no part {', '.join(sorted(wrong))}: {', '.join(parts)}")
        return 2
    outcomes = []
    for name in names or parts:
        try:
            outcomes.append(parts[name]())
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            _say(f"{name}: NOT AUDITED: {error}")
            outcomes.append((False, False))
    if any(found for found, _ in outcomes):
        return FOUND
    return 0 if all(complete for _, complete in outcomes) else NOT_AUDITED


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
