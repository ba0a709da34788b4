"""Whether Batch tries a job again: by its submission's retry strategy, or its definition's.

The definition's is that of container/project.yaml. A try that has taken too long is never followed
by another (AWS Batch user guide, "Job timeouts").
"""

from collections.abc import Mapping
from typing import Any

from local.batch.retries import is_retried
from local.batch.shapes import Attempt, RetryStrategy

_OF_THE_DEFINITION = {
    "attempts": 3,
    "evaluateOnExit": [
        {"action": "RETRY", "onStatusReason": "Host EC2*"},
        {"action": "RETRY", "onReason": "DockerTimeoutError*"},
        {"action": "EXIT", "onReason": "*"},
    ],
}
_TIMEOUT = "Job attempt duration exceeded timeout"


def tried_again(submission: Mapping[str, Any], attempts: list[dict[str, Any]]) -> bool:
    """Whether a job of that submission, whose last try has just failed, gets another.

    `attempts` are the tries that have ended, as DescribeJobs tells them.
    """
    told = submission.get("retryStrategy", _OF_THE_DEFINITION)
    strategy, last = RetryStrategy.model_validate(told), Attempt.model_validate(attempts[-1])
    overdue = (last.status_reason or "").startswith(_TIMEOUT)
    return not overdue and is_retried(strategy, len(attempts), last)
