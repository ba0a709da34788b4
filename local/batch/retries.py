"""Whether a failed try is followed by another one: Batch's `evaluateOnExit`.

The first rule whose conditions all hold decides; if none does, the job is tried again, as
botocore's Batch model says of `EvaluateOnExit`. A pattern matches the whole text, or its
start if it ends with `*`.
"""

from local.batch.shapes import Attempt, EvaluateOnExit, RetryStrategy


def is_retried(strategy: RetryStrategy, tries: int, last: Attempt) -> bool:
    """Whether a job that has had `tries` tries, the `last` of them failed, gets another."""
    if tries >= strategy.attempts:
        return False
    deciding = next((rule for rule in strategy.evaluate_on_exit if _holds(rule, last)), None)
    return deciding is None or deciding.action.upper() == "RETRY"


def _holds(rule: EvaluateOnExit, attempt: Attempt) -> bool:
    exit_code = attempt.container.exit_code
    return (
        _matches(rule.on_status_reason, attempt.status_reason)
        and _matches(rule.on_reason, attempt.container.reason)
        and _matches(rule.on_exit_code, None if exit_code is None else str(exit_code))
    )


def _matches(pattern: str | None, text: str | None) -> bool:
    """Whether a condition holds; one that is not given always does.

    >>> _matches("Host EC2*", "Host EC2 (instance i-0) terminated.")
    True
    >>> _matches("1", "137")
    False
    >>> _matches("*", None)
    True
    """
    if pattern is None:
        return True
    if pattern.endswith("*"):
        return (text or "").startswith(pattern[:-1])
    return text == pattern
