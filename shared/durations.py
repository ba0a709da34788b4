"""How long something took, in words."""

from datetime import datetime


def duration(start: datetime | None, end: datetime | None) -> str:
    """The time between two moments in its two largest units; "" if one is not known.

    >>> duration(datetime(2026, 11, 20, 12, 0), datetime(2026, 11, 20, 13, 1, 30))
    '1 h 1 min'
    """
    if start is None or end is None:
        return ""
    minutes, seconds = divmod(max(0, round((end - start).total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (seconds, "s")]
    words = [f"{number} {unit}" for number, unit in parts if number][:2]
    return " ".join(words) or "0 s"
