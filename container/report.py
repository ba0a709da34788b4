"""The report that a person reads below a commit: what came of a run, and what differs now.

A later attempt or try puts its report in the place of the earlier one. It knows that by a marker, a
link's title, which every reader's page keeps out of sight.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from container import report_pictures, report_stages, report_tables
from container.comparison import Comparison
from container.pictures import Pictures
from container.report_facts import Facts, first_line, footer, marker, opening
from container.report_sections import Section, fit
from container.report_stages import StageTime
from container.report_tables import CELL
from container.report_text import block, harmless, head, link, shown, size

__all__ = [
    "Facts",
    "Report",
    "StageTime",
    "compose",
    "difference_markdown",
    "link_comment",
    "marker",
    "own",
]

# Bitbucket documents no limit; others have seen comments refused beyond 32,768 characters. Counted
# in bytes, so that it is the same however a server counts.
LONGEST_COMMENT = 29_500
_ANY_LENGTH = 1 << 40
_REASON = 800
_STAGES = 5_000
_TAIL = 6_000
# What no JSON and no page should hold: control characters but tabs and the ends of lines.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]|\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Report:
    """A report in Markdown: `comment` fits below a commit, `whole` leaves nothing out."""

    comment: str
    whole: str


def compose(
    facts: Facts,
    comparison: Comparison | None,
    pictures: Pictures,
    whole_report_address: str = "",
) -> Report:
    """The report of a run; `comparison` is None where there is no result commit to compare.

    `whole_report_address` is where `whole` will be, "" if it is kept nowhere.
    """
    return Report(
        _put_together(facts, comparison, pictures, whole_report_address, LONGEST_COMMENT),
        _put_together(facts, comparison, pictures, "", _ANY_LENGTH),
    )


def own(facts: Facts, text: str, whole_report_address: str = "") -> Report:
    """The report whose middle a project's own `diff-report.sh` has written, in Markdown."""
    middle = _CONTROL.sub("", text.replace("\r\n", "\n")).encode("utf-8", "replace").decode()
    middle = middle.strip("\n") or "`diff-report.sh` printed nothing."
    return Report(
        _around(facts, middle, whole_report_address, LONGEST_COMMENT),
        _around(facts, middle, "", _ANY_LENGTH),
    )


def link_comment(facts: Facts, report_address: str) -> str:
    """The comment on the commit that asked for the run: it leads to that on the result commit."""
    there = link("The report is on the result commit.", report_address)
    return harmless("\n\n".join([first_line(facts), there, footer(facts)]))


def difference_markdown(comparison: Comparison, *, everything: bool) -> str:
    """Metrics, parameters and plots alone; what did not change as well with `everything`."""
    sections = _sections(comparison, None, everything=everything, cell=0)
    return harmless("\n\n".join(section.whole() for section in sections))


def _put_together(
    facts: Facts,
    comparison: Comparison | None,
    pictures: Pictures,
    whole_report: str,
    limit: int,
) -> str:
    whole = limit == _ANY_LENGTH
    first, last = opening(facts, limit), footer(facts, whole_report)
    left = limit - size(first) - size(last) - 4
    parts = [first]
    if facts.outcome != "succeeded" and facts.log_tail:
        tail = block(facts.log_tail, left if whole else min(_TAIL, left // 3))
        parts.append("The last lines of the log:\n\n" + tail)
        left -= size(parts[-1]) + 2
    stages = report_stages.stages(facts.stages).fitted(
        left if whole else min(_STAGES, left // 2), whole_report
    )
    left -= size(stages) + 2
    if comparison is None:
        parts.append(_nothing_to_compare(facts))
        left -= size(parts[-1]) + 2
    else:
        cell = 0 if whole else CELL
        sections = _sections(comparison, pictures, everything=whole, cell=cell)
        parts += fit(sections, left - 2 * len(sections), whole_report)
    return harmless("\n\n".join(filter(None, [*parts, stages, last])))


def _sections(
    comparison: Comparison, pictures: Pictures | None, *, everything: bool, cell: int
) -> list[Section]:
    problems = {
        comparison.metrics.problem,
        comparison.params.problem,
        comparison.plots.problem,
    }
    if len(problems) == 1 and "" not in problems:
        why = shown(problems.pop(), _REASON)
        return [Section("Metrics, parameters, plots", (f"They could not be compared: {why}.",))]
    return [
        report_tables.metrics(comparison, everything=everything, limit=cell),
        report_tables.params(comparison, everything=everything, limit=cell),
        report_pictures.plots(comparison, pictures),
    ]


def _around(facts: Facts, middle: str, whole_report: str, limit: int) -> str:
    first, last = opening(facts, limit), footer(facts, whole_report)
    left = limit - size(first) - size(last) - 4
    kept = head(middle, left)
    if len(kept.splitlines()) < len(middle.splitlines()):
        where = (
            f"the rest is in {link('the whole report', whole_report)}"
            if whole_report
            else "no report keeps the rest"
        )
        cut = f"This is what fits of what `diff-report.sh` printed; {where}."
        kept = f"{head(middle, left - size(cut) - 2)}\n\n{cut}"
    return harmless(f"{first}\n\n{kept}\n\n{last}")


def _nothing_to_compare(facts: Facts) -> str:
    if facts.result_commit:
        return "No metrics, parameters or plots of DVC's are compared."
    return "There is no result commit, so metrics, parameters and plots are not compared."
