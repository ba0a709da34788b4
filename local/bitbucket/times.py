"""Times as Bitbucket writes them: ISO 8601, in UTC."""

from datetime import UTC, datetime


def now() -> str:
    """The present, with microseconds, as in `created_on`: `2026-11-20T10:00:00.123456+00:00`."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def seconds_between(earlier: str, later: str) -> float:
    """How long two such times lie apart."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
