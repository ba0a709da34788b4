"""The sections of a report, which can be shown whole or as far as they fit, and then say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from container.report_text import link, size

# A signed address takes the place of many rows, so it stands in the last line alone.
_SHORT = 300
# A table is to be read; where all of it is kept elsewhere, its beginning is enough.
MOST_ROWS = 40


@dataclass(frozen=True)
class Section:
    """A heading, sentences, and then the rows of a table, or paragraphs where it has no `head`.

    `noun` is what the rows are; `elsewhere` tells where else they can be seen.
    """

    title: str
    sentences: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    noun: str = ""
    elsewhere: str = ""

    def whole(self) -> str:
        """All of it."""
        return self._text(self.sentences, self.rows)

    def fitted(self, limit: int, whole_report: str = "") -> str:
        """As much as fits in so many bytes, and how much there is beyond; "" if nothing fits.

        `whole_report` is the address of the report that has all, "" if nobody keeps one: then a
        table is as long as it may be.
        """
        most = MOST_ROWS if whole_report else len(self.rows)
        text = self.whole()
        if size(text) <= limit and len(self.rows) <= most:
            return text
        more = self._more(len(self.rows), whole_report) if self.rows else ""
        left = limit - size(self._text((), ())) - size(more) - 4
        if left < 0:
            return ""
        sentences, left = _first(self.sentences, left, 2)
        rows: list[str] = []
        if len(sentences) == len(self.sentences):
            rows, left = _first(self.rows[:most], left - size("\n".join(self.head)) - 4, self._gap)
        if len(rows) < len(self.rows):
            more = self._more(len(self.rows) - len(rows), whole_report)
        return self._text(sentences, rows) + (f"\n\n{more}" if more else "")

    @property
    def _gap(self) -> int:
        return 1 if self.head else 2

    def _text(self, sentences: Sequence[str], rows: Sequence[str]) -> str:
        table = ("\n" * self._gap).join([*self.head, *rows]) if rows else ""
        return "\n\n".join(filter(None, [f"## {self.title}", *sentences, table]))

    def _more(self, count: int, whole_report: str) -> str:
        if whole_report:
            there = "the whole report"
            there = (
                link(there, whole_report) if size(whole_report) <= _SHORT else f"{there}, see below"
            )
            return f"And {count} more {self.noun} in {there}."
        return f"And {count} more {self.noun}, which no report keeps: {self.elsewhere}."


def fit(sections: Sequence[Section], limit: int, whole_report: str = "") -> list[str]:
    """Sections that share so many bytes: what a small one leaves is for the large ones."""
    needs = [size(section.whole()) for section in sections]
    shares = [0] * len(sections)
    left = limit
    by_need = sorted(range(len(sections)), key=needs.__getitem__)
    for position, index in enumerate(by_need):
        shares[index] = min(needs[index], left // (len(sections) - position))
        left -= shares[index]
    return [section.fitted(share, whole_report) for section, share in zip(sections, shares)]


def _first(texts: Sequence[str], limit: int, gap: int) -> tuple[list[str], int]:
    """The first texts that fit with a gap behind each, and what is left."""
    kept = []
    for text in texts:
        if size(text) + gap > limit:
            break
        limit -= size(text) + gap
        kept.append(text)
    return kept, limit


def count(number: int, singular: str, plural: str) -> str:
    """A number and its noun.

    >>> count(1, "stage", "stages"), count(2, "stage", "stages")
    ('1 stage', '2 stages')
    """
    return f"{number} {singular if number == 1 else plural}"


def columns(*names: str, right: int = 0) -> tuple[str, str]:
    """The first two lines of a table whose last so many columns stand to the right."""
    return row(*names), "|" + " --- |" * (len(names) - right) + " ---: |" * right


def row(*cells: str) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"
