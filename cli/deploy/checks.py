"""What would make a deployment fail halfway, or every run after it, found before it begins."""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from cli.account import Account, AccountError, Deployed, asking
from cli.deploy.parameters import Choice

# Job definitions of projects have these from the root stack as it was when they were added.
_OF_PROJECTS = (
    "BitbucketApiUrl",
    "BitbucketGitUrl",
    "CacheDirectory",
    "KeywordPrefix",
    "ProgramDirectory",
    "StopSeconds",
)


def no_secret_is_left(account: Account) -> None:
    """Refuse a new stack whose secrets a deleted one has left, for it makes them by their names.

    Raises:
        AccountError: one is there, or waits for its deletion.

    """
    secretsmanager = account.client("secretsmanager")
    names = (account.names.hooks_secret, account.names.auth_secret)
    with asking("looking for secrets of an earlier stack"):
        there = [name for name in names if _exists(secretsmanager, name)]
    if there:
        removal = "aws secretsmanager delete-secret --force-delete-without-recovery --secret-id"
        message = (
            f"an earlier stack left {' and '.join(there)}, and a new one makes them itself: "
            "note their values if you need them, then\n"
            + "\n".join(f"  {removal} {name}" for name in there)
        )
        raise AccountError(message)


def existing_queue_fits(account: Account, chosen: Mapping[str, Choice]) -> None:
    """Refuse an existing job queue that would refuse our jobs, or whose machines we know not of.

    Raises:
        AccountError: it says which parameter to give.

    """
    queues = [
        chosen[name].value
        for name in ("ExistingJobQueueArn", "ExistingGpuJobQueueArn")
        if chosen[name].value
    ]
    if not queues:
        return
    for name in ("CacheDirectory", "ProgramDirectory"):
        if chosen[name].source == "the default":
            message = (
                f"the machines of {queues[0]} are not ours: give {name}, as a directory that they "
                f'have, or empty for none: --parameter {name}=""'
            )
            raise AccountError(message)
    with asking("describing the job queues"):
        found = account.client("batch").describe_job_queues(jobQueues=queues)["jobQueues"]
    for queue in found:
        policy = "true" if queue.get("schedulingPolicyArn") else "false"
        if chosen["FairShare"].value != policy:
            message = (
                f"the queue {queue['jobQueueName']} has {'a' if policy == 'true' else 'no'} "
                f"fair-share policy: give --parameter FairShare={policy}"
            )
            raise AccountError(message)


def stale_in_projects(chosen: Mapping[str, Choice]) -> list[str]:
    """The parameters that change, and that projects have taken over when they were added."""
    return [name for name in _OF_PROJECTS if chosen[name].is_change]


def jobs_under_way(account: Account, deployed: Deployed) -> int:
    """How many jobs wait or run in the queues of the stack's own, which go with it."""
    if deployed.parameters.get("ExistingJobQueueArn"):
        return 0
    batch = account.client("batch")
    # A stack that was never wholly made has no outputs, and has run no jobs.
    outputs = deployed.outputs
    wanted = [outputs[name] for name in ("JobQueueArn", "GpuJobQueueArn") if name in outputs]
    if not wanted:
        return 0
    with asking("listing jobs"):
        # A deletion that failed may have taken them already.
        queues = batch.describe_job_queues(jobQueues=wanted)["jobQueues"]
        return sum(1 for queue in queues for _ in _jobs(batch, queue["jobQueueArn"]))


def _jobs(batch: Any, queue: str) -> Iterator[str]:
    for status in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"):
        pages = batch.get_paginator("list_jobs").paginate(jobQueue=queue, jobStatus=status)
        for page in pages:
            yield from (job["jobId"] for job in page["jobSummaryList"])


def _exists(secretsmanager: Any, name: str) -> bool:
    try:
        # Also one that waits for its deletion, whose name is still taken.
        secretsmanager.describe_secret(SecretId=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return False
        raise
    return True
