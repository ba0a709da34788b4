"""What a report says of the run itself: the lines above all tables, and the last one."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from container.report_stages import StageTime
from container.report_text import code, fits, link, shown, size
from container.report_values import duration

_NAME = 200
_REASON = 800
_NOTE = 1_000
_NOTES = 4_000
_OUTCOMES = {
    "succeeded": "**Succeeded** in",
    "failed": "**Failed** after",
    "interrupted": "**Interrupted** after",
}


@dataclass(frozen=True)
class Facts:
    """What a report says of the run itself.

    - `ran`: the command, on one line.
    - `outcome`: "succeeded", "failed" or "interrupted"; `reason`: why, in words, or "".
    - `result_commit`, `result_branch`: where the results are, "" if there is no result commit.
    - `log_address`: of the log in the Batch console, or "". `machine`: in words, or "".
    - `notes`: sentences that the reader must know. `log_tail`: the log's last lines, of a failure.
    - `try_number`: which of Batch's tries. `web_url`: where Bitbucket's pages are.
    """

    ran: str
    workspace: str
    repository: str
    branch: str
    commit: str
    run_id: str
    attempt: str
    try_number: int
    outcome: str
    seconds: float
    reason: str = ""
    result_commit: str = ""
    result_branch: str = ""
    log_address: str = ""
    machine: str = ""
    notes: tuple[str, ...] = ()
    stages: tuple[StageTime, ...] = ()
    log_tail: tuple[str, ...] = ()
    web_url: str = "https://bitbucket.org"


def marker(run_id: str) -> str:
    """What a comment of a run holds, and no comment of another.

    >>> marker("4f2a"), marker('a "b"')
    ('"cloud-run:4f2a"', '"cloud-run:a%20%22b%22"')
    """
    return f'"cloud-run:{quote(run_id, safe="", errors="replace")}"'


def opening(facts: Facts, limit: int) -> str:
    """What stands above all tables: the outcome, what ran, and what the reader must know."""
    where = (
        f"{shown(facts.workspace, _NAME)}/{shown(facts.repository, _NAME)}, "
        f"branch {shown(facts.branch, _NAME)} at {_commit(facts, facts.commit)}"
    )
    notes: list[str] = []
    left = min(limit, _NOTES)
    for note in facts.notes:
        line = f"- {shown(note, _NOTE)}"
        left -= size(line) + 1
        if left < 0:
            notes.append(f"- And {len(facts.notes) - len(notes)} more notes, in the log.")
            break
        notes.append(line)
    ran = f"{code(facts.ran, _REASON)} on {where}"
    return "\n\n".join(filter(None, [first_line(facts), ran, "\n".join(notes)]))


def first_line(facts: Facts) -> str:
    """The outcome, where the results and the log are, and why it failed."""
    said = [f"{_OUTCOMES[facts.outcome]} {duration(facts.seconds)}"]
    if facts.result_commit:
        branch = shown(facts.result_branch, _NAME)
        said.append(f"results in {_commit(facts, facts.result_commit)} on {branch}")
    elif facts.outcome == "succeeded":
        said.append("nothing changed that Git keeps, so there is no result commit")
    line = ", ".join(said)
    if facts.log_address:
        line += f" ({link('log', facts.log_address)})"
    reason = shown(facts.reason.strip().rstrip("."), _REASON)
    return f"{line}: {reason}." if reason else f"{line}."


def footer(facts: Facts, whole_report: str = "") -> str:
    """The last line, with the marker."""
    pages = (facts.log_address, _page(facts, facts.commit), "https://bitbucket.org")
    page = next(page for page in pages if fits(page))
    run = link("run", page, title=marker(facts.run_id))
    said = [
        shown(facts.machine, _NAME),
        f"attempt {shown(facts.attempt, _NAME)}, try {facts.try_number}",
        f"{run} {shown(facts.run_id, _NAME)}",
        link("whole report", whole_report) if whole_report else "",
    ]
    return " · ".join(filter(None, said))


def _commit(facts: Facts, commit: str) -> str:
    return link(shown(commit[:7]), _page(facts, commit))


def _page(facts: Facts, commit: str) -> str:
    parts = (quote(part, safe="", errors="replace") for part in (facts.workspace, facts.repository))
    return "/".join(
        [facts.web_url.rstrip("/"), *parts, "commits", quote(commit, safe="", errors="replace")]
    )
