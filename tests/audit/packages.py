"""pip-audit over the pins of every lock, and whether it has looked at all.

pip-audit asks PyPI for the known vulnerabilities of each pin. A pin that PyPI does not know, or
that a mirror in its place says nothing of, is skipped: then it says "No known vulnerabilities
found" and ends with 0, as it does after a clean audit. So its answer is read here, and a pin that
nobody has looked at is told from one that has no known vulnerability.
"""

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.audit.tools import PROJECT, ask

LOCKS = ("requirements/*.txt", "shared/requirements.txt", "container/requirements.txt")
# A pin of a lock, whatever Python or system its marker says that it is for.
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
_MOST_NAMES = 5
Pin = tuple[str, str]
# What pip-audit prints in JSON about a file of pins.
Asks = Callable[[Path], str]


@dataclass(frozen=True)
class Verdict:
    """What is known of the pins: those looked at, those with a vulnerability, and those skipped."""

    looked_at: int = 0
    vulnerable: Mapping[Pin, Sequence[str]] = field(default_factory=dict)
    skipped: Mapping[Pin, str] = field(default_factory=dict)

    def __or__(self, other: "Verdict") -> "Verdict":
        return Verdict(
            self.looked_at + other.looked_at,
            {**self.vulnerable, **other.vulnerable},
            {**self.skipped, **other.skipped},
        )


def locks(folder: Path = PROJECT) -> list[Path]:
    """The files of pinned packages."""
    return sorted(path for pattern in LOCKS for path in folder.glob(pattern))


def pins(lock: str) -> list[Pin]:
    r"""The names and versions that a lock pins.

    >>> pins("six==1.17.0 \\\n    --hash=sha256:0\n    # via x\ncolorama==0.4 ; os == 'win' \\\n")
    [('six', '1.17.0'), ('colorama', '0.4')]
    """
    return [(name.lower(), version) for name, version in _PIN.findall(lock)]


def audited(wanted: Iterable[Pin], asks: Asks) -> Verdict:
    """What pip-audit knows of these.

    A few are asked for first: where it knows none of them, there is nobody to ask, and the others
    are not asked for.
    """
    left = sorted(set(wanted))
    few = sorted({left[0], left[len(left) // 2], left[-1]}) if left else []
    verdict = _asked(few, asks)
    left = [pin for pin in left if pin not in few]
    if few and not verdict.looked_at:
        return verdict | Verdict(skipped=dict.fromkeys(left, verdict.skipped[few[0]]))
    return verdict | _asked(left, asks)


def _asked(wanted: Sequence[Pin], asks: Asks) -> Verdict:
    """The same, by files in which each name has one version, as pip-audit wants them."""
    left, verdict = list(wanted), Verdict()
    with tempfile.TemporaryDirectory() as folder:
        while left:
            now = {name: (name, version) for name, version in reversed(left)}
            left = [pin for pin in left if pin not in now.values()]
            file = Path(folder, "requirements.txt")
            file.write_text("".join(f"{name}=={version}\n" for name, version in now.values()))
            verdict |= read(now, asks(file))
    return verdict


def read(asked: Mapping[str, Pin], answer: str) -> Verdict:
    """What an answer of pip-audit says of the pins that it was asked about, by name."""
    try:
        told: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except (ValueError, LookupError, TypeError):
        return Verdict(skipped=dict.fromkeys(asked.values(), "pip-audit gave no answer"))
    by_name = {_canonical(one["name"]): one for one in told}
    verdict = Verdict()
    for name, pin in asked.items():
        one = by_name.get(_canonical(name), {"skip_reason": "pip-audit has left it out"})
        if "vulns" not in one:
            verdict |= Verdict(skipped={pin: one["skip_reason"]})
            continue
        found = [_told(each) for each in one["vulns"]]
        verdict |= Verdict(looked_at=1, vulnerable={pin: found} if found else {})
    return verdict


def pip_audit(file: Path) -> str:
    """What pip-audit prints; nothing where it fails, as without a network."""
    options = ("--disable-pip", "--no-deps", "--progress-spinner", "off", "--format", "json")
    return ask("pip-audit", *options, "--requirement", file).stdout


def lines(verdict: Verdict, where: Mapping[Pin, Sequence[str]]) -> list[str]:
    """The verdict for people; `where` has the locks of each pin."""
    said = [
        f"{name} {version} ({', '.join(where[name, version])}): {vulnerability}"
        for (name, version), found in sorted(verdict.vulnerable.items())
        for vulnerability in found
    ]
    skipped = verdict.skipped
    if not skipped:
        return [*said, f"packages: {verdict.looked_at} looked at, {_count(verdict)}"]
    names = ", ".join(f"{name} {version}" for name, version in sorted(skipped)[:_MOST_NAMES])
    more = f" and {len(skipped) - _MOST_NAMES} more" if len(skipped) > _MOST_NAMES else ""
    of = len(skipped) + verdict.looked_at
    others = f"{verdict.looked_at} looked at, {_count(verdict)}; " if verdict.looked_at else ""
    return [
        *said,
        f"packages: {others}NOT AUDITED: {len(skipped)} of {of}, such as {names}{more}",
        f"  why: {skipped[min(skipped)]}",
        "  this is no clean audit: repeat it where https://pypi.org/pypi answers",
    ]


def _count(verdict: Verdict) -> str:
    found = sum(map(len, verdict.vulnerable.values()))
    return "no known vulnerability" if not found else f"{found} known vulnerabilities"


def _told(vulnerability: Mapping[str, Any]) -> str:
    fixed = ", ".join(vulnerability.get("fix_versions") or ()) or "no version yet"
    return f"{vulnerability['id']}, fixed in {fixed}"


def _canonical(name: str) -> str:
    """A name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
