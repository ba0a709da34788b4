"""Waves of which nothing starts: when to ask why, and what was said of it already."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cli.sweep.waves import Wave

# So long nobody wonders why nothing starts: machines have to come first.
_PATIENCE = timedelta(minutes=1)


@dataclass
class Waiting:
    """Since when waves wait, by number, and the reasons that were told."""

    _since: dict[int, datetime] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def is_long(self, wave: Wave, now: datetime) -> bool:
        """Whether nothing of a wave has started for a minute; true once a minute."""
        if wave.begun:
            self._since.pop(wave.number, None)
            return False
        if now - self._since.setdefault(wave.number, now) < _PATIENCE:
            return False
        self._since[wave.number] = now
        return True

    def is_news(self, reason: str) -> bool:
        """Whether a reason was not told before."""
        news = reason not in self._told
        self._told.add(reason)
        return news
