"""What a result says beyond its name. Jobs write it, so it may say anything."""

from datetime import UTC, datetime

from services.sweeper.report import Point
from shared.points import Result
from shared.sweep_results import SweepResults
from shared.telemetry import log

UNREADABLE = "its result cannot be read"
# A commit's hash has 40 digits, or 64.
_LONGEST_COMMIT = 64


def point(results: SweepResults, key: str, result: Result) -> Point:
    """The point that a result is of; one whose body is gone, bad or huge is not `readable`."""
    at = datetime.fromtimestamp(result.at_ms / 1000, UTC)
    try:
        parameters, reason, commit = _parts(results.body(key))
    except (ValueError, LookupError) as error:
        log.warning("result not readable", key=key, reason=type(error).__name__)
        return Point(result.index, result.objective, {}, UNREADABLE, None, at, readable=False)
    return Point(result.index, result.objective, parameters, reason, commit, at)


def _parts(body: object) -> tuple[dict[str, object], str, str | None]:
    """Parameters, reason and commit; ValueError if one is not what a job of ours writes."""
    if not isinstance(body, dict):
        message = "a result is an object"
        raise ValueError(message)  # noqa: TRY004 - the content is wrong, not its use
    parameters = body.get("parameters") or {}
    reason, commit = body.get("reason") or "", body.get("commit")
    if not (isinstance(parameters, dict) and isinstance(reason, str)) or not (
        commit is None or (isinstance(commit, str) and len(commit) <= _LONGEST_COMMIT)
    ):
        message = "parameters are an object, reason and commit are texts, and that is short"
        raise ValueError(message)
    return parameters, reason, commit
