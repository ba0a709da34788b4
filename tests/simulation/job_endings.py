"""The ways in which a job ends, and what is true of its run then.

The texts are Batch's, see tests/payloads/aws/batch_status_reasons.json. What has to stand in the
run's reason is written down here, not computed by the product.
"""

from collections.abc import Mapping
from dataclasses import dataclass

ESSENTIAL = "Essential container in task exited"
HOST_LOST = "Host EC2 (instance i-0a1b2c3d4e5f60718) terminated."
BLOCKED = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - The job cannot be placed"
TIME_LIMIT = f"Canceled by JobStateTimeLimit action due to reason: {BLOCKED}"


@dataclass(frozen=True)
class Ending:
    """How a job ended: the run's state that is true then, and words that its reason must hold.

    `exit_code` is the job's last, where its container ended. An array whose few failed points are
    `tolerated` has failed for Batch: where somebody had asked to stop it, it was stopped.
    """

    state: str
    words: str | None = None
    exit_code: int | None = None
    tolerated: bool = False


@dataclass(frozen=True)
class Kind:
    """How a try ends by itself, in Batch's words; `ending` is that of the job, unless retried."""

    ending: Ending
    status: str
    status_reason: str
    reason: str | None = None


SUCCESS = Kind(Ending("succeeded", None, 0), "SUCCEEDED", ESSENTIAL)
SPOT = Kind(Ending("failed", "spot interruption"), "FAILED", HOST_LOST)
FAILURES: Mapping[str, Kind] = {
    "exit code": Kind(Ending("failed", "exit code 42", 42), "FAILED", ESSENTIAL),
    "out of memory": Kind(
        Ending("failed", "out of memory", 137),
        "FAILED",
        ESSENTIAL,
        "OutOfMemoryError: Container killed due to memory usage",
    ),
    "timeout": Kind(
        Ending("failed", "timeout", 137), "FAILED", "Job attempt duration exceeded timeout"
    ),
    "image": Kind(
        Ending("failed", "image pull"),
        "FAILED",
        "Task failed to start",
        "CannotPullContainerError: manifest for registry/image:latest not found",
    ),
    # The tests' payloads have a capture of such a job: ec2_FAILED_exit0_captured.json
    "exit code 0": Kind(Ending("succeeded", None, 0), "FAILED", ESSENTIAL),
}
# Not a try's: the job never started.
WAITED_TOO_LONG = Ending("failed", "waited longer")
STOPPED_OUTSIDE = Ending("stopped", "stopped from outside")
