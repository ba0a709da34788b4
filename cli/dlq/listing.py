"""A dead-letter queue as the list shows it."""

from dataclasses import dataclass
from datetime import timedelta

from cli.dlq.queues import Counts, Kind
from cli.shown import age

HEAD = ("NAME", "MESSAGES", "IN FLIGHT", "OLDEST", "WHAT THEY ARE")


@dataclass(frozen=True)
class Found:
    """How full a queue is; `oldest` is None where it is empty, or where nobody knows."""

    kind: Kind
    counts: Counts
    oldest: timedelta | None

    def row(self) -> tuple[str, ...]:
        """Its row in the table."""
        unknown = "-" if self.counts.empty else "?"
        return (
            self.kind.name,
            str(self.counts.visible),
            str(self.counts.in_flight),
            unknown if self.oldest is None else age(self.oldest),
            self.kind.meaning,
        )

    def as_json(self) -> dict[str, str | int | None]:
        """The same for programs."""
        return {
            "name": self.kind.name,
            "messages": self.counts.visible,
            "in_flight": self.counts.in_flight,
            "oldest_seconds": None if self.oldest is None else int(self.oldest.total_seconds()),
            "meaning": self.kind.meaning,
        }
