"""Small true models of what the services talk to, with a clock that only tests move."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    ReadTimeoutError,
)

from shared.bitbucket import NotFound
from shared.errors import Unavailable
from shared.events import Event, Repository
from tests.samples import NOW


class Clock:
    """A time that stands still until a test moves it; callable as an aware datetime."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        """The time as a monotonic clock would tell it."""
        return self.now.timestamp()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


class Outbox:
    """Keeps the events that are published, or refuses them while it is `away`."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.away = False

    def publish(self, events: Iterable[Event]) -> None:
        """Keep `events`."""
        if self.away:
            message = "publishing: away"
            raise Unavailable(message)
        self.events += events

    def take(self) -> list[Event]:
        """What came since the last call."""
        taken, self.events = self.events, []
        return taken


class SecretTexts:
    """Secrets Manager's client, and how often it was asked."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts
        self.reads = 0

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - botocore's name
        """The secret's text."""
        self.reads += 1
        if SecretId not in self.texts:
            raise refusal("ResourceNotFoundException", 400, "GetSecretValue")
        return {"SecretString": self.texts[SecretId]}


def refusal(code: str, status: int, operation: str = "SubmitJob") -> ClientError:
    """What botocore raises for an answer of AWS with an error code."""
    answer: Any = {
        "Error": {"Code": code, "Message": f"{code} said"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, operation)


NO_ANSWER: BotoCoreError = ReadTimeoutError(endpoint_url="https://batch.invalid")
NOT_REACHED: BotoCoreError = ConnectTimeoutError(endpoint_url="https://batch.invalid")


class Crash(BaseException):
    """The function is cut off, here and now: nothing of it runs any further."""


class Batch:
    """AWS Batch's client: jobs with their states, a ListJobs that lags, failures on request.

    SubmitJob takes the same name twice, as the real one does; ListJobs does not show a job until
    `stale_seconds` after it was submitted; TerminateJob on an ended job does nothing. There is
    every queue but those that are `deleted`.
    """

    def __init__(self, clock: Clock, definitions: Iterable[str], stale_seconds: float = 0) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.definitions = set(definitions)
        # Queues by ARN, and whether they share fairly.
        self.queues: dict[str, bool] = {}
        self.disabled: set[str] = set()
        self.deleted: set[str] = set()
        self.submissions: list[dict[str, Any]] = []
        self.terminated: list[tuple[str, str]] = []
        self.described: list[int] = []
        self.stale_seconds = stale_seconds
        self._clock = clock
        self._failures: dict[str, list[tuple[BaseException, bool]]] = {}
        self._before: dict[str, list[Callable[[], object]]] = {}

    def fail_next(self, operation: str, error: BaseException, *, done: bool = False) -> None:
        """Let the next call of `operation` fail; `done`: after the work was done all the same."""
        self._failures.setdefault(operation, []).append((error, done))

    def before_next(self, operation: str, act: Callable[[], object]) -> None:
        """Let something else happen just before the next call of `operation`."""
        self._before.setdefault(operation, []).append(act)

    def close(self) -> None:
        """Let go of connections: it has none."""

    def submit_job(self, **submission: Any) -> dict[str, str]:
        """Take a job."""
        error, done = self._begin("submit_job")
        if error and not done:
            raise error
        if submission["jobQueue"] in self.deleted:
            raise refusal("ClientException", 400, "SubmitJob")
        job_id = f"job-{len(self.jobs) + 1}"
        self.submissions.append(submission)
        self.jobs[job_id] = {
            "jobId": job_id,
            "jobName": submission["jobName"],
            "jobQueue": submission["jobQueue"],
            "parameters": submission["parameters"],
            "status": "SUBMITTED",
            "createdAt": round(self._clock.seconds() * 1000),
            "attempts": [],
            **self._children(submission.get("arrayProperties")),
        }
        if error:
            raise error
        return {"jobId": job_id, "jobName": submission["jobName"]}

    def list_jobs(
        self,
        *,
        jobQueue: str,  # noqa: N803 - botocore's name
        filters: list[dict[str, Any]],
        nextToken: str = "0",  # noqa: N803 - botocore's name
    ) -> dict[str, Any]:
        """Jobs by name, regardless of case, one a page."""
        self._raise("list_jobs")
        if jobQueue in self.deleted:
            raise refusal("ClientException", 400, "ListJobs")
        (wanted,) = filters[0]["values"]
        shown_before = (self._clock.seconds() - self.stale_seconds) * 1000
        found = [
            job
            for job in self.jobs.values()
            if job["jobQueue"] == jobQueue
            and job["jobName"].lower() == wanted.lower()
            and job["createdAt"] <= shown_before
        ]
        at = int(nextToken)
        more = {"nextToken": str(at + 1)} if at + 1 < len(found) else {}
        return {"jobSummaryList": found[at : at + 1], **more}

    def describe_jobs(self, *, jobs: list[str]) -> dict[str, Any]:
        """Jobs by id; it takes 100 ids and leaves out those that it does not know."""
        self._raise("describe_jobs")
        if len(jobs) > 100:
            raise refusal("ClientException", 400, "DescribeJobs")
        self.described.append(len(jobs))
        return {"jobs": [dict(self.jobs[job_id]) for job_id in jobs if job_id in self.jobs]}

    def describe_job_definitions(
        self,
        *,
        jobDefinitionName: str = "",  # noqa: N803 - botocore's name
        jobDefinitions: Iterable[str] = (),  # noqa: N803 - botocore's name
        status: str = "ACTIVE",
        **_page: Any,
    ) -> dict[str, Any]:
        """The active revisions of a definition, or the revisions that are named."""
        self._raise("describe_job_definitions")
        named = [one for one in (jobDefinitionName, *jobDefinitions) if one in self.definitions]
        return {"jobDefinitions": [{"jobDefinitionName": one, "status": status} for one in named]}

    def describe_job_queues(self, *, jobQueues: list[str]) -> dict[str, Any]:  # noqa: N803 - its name
        """Queues by ARN; those with a scheduling policy have its ARN."""
        self._raise("describe_job_queues")
        return {
            "jobQueues": [
                {
                    "jobQueueArn": arn,
                    "state": "DISABLED" if arn in self.disabled else "ENABLED",
                    **({"schedulingPolicyArn": "arn"} if self.queues[arn] else {}),
                }
                for arn in jobQueues
                if arn in self.queues
            ]
        }

    def children(self, job_id: str, **counts: int) -> dict[str, Any]:
        """Let an array's children be in these states, and its parent as Batch would have it.

        The event that Batch sends of the parent when all of them have ended.
        """
        array = self.jobs[job_id]["arrayProperties"]
        array["statusSummary"] = counts
        over = counts.get("SUCCEEDED", 0) + counts.get("FAILED", 0) == array["size"]
        ended = "FAILED" if counts.get("FAILED") else "SUCCEEDED"
        return self.move(job_id, ended if over else "PENDING")

    def terminate_job(self, *, jobId: str, reason: str) -> dict[str, Any]:  # noqa: N803 - its name
        """End a job that has not ended."""
        self._raise("terminate_job")
        job = self.jobs.get(jobId)
        if job is not None and job["status"] not in ("SUCCEEDED", "FAILED"):
            self.terminated.append((jobId, reason))
            array = job.get("arrayProperties")
            if array is not None:
                succeeded = array["statusSummary"].get("SUCCEEDED", 0)
                array["statusSummary"] = {
                    "SUCCEEDED": succeeded,
                    "FAILED": array["size"] - succeeded,
                }
            self.move(jobId, "FAILED", statusReason=reason, isTerminated=True)
        return {}

    def move(self, job_id: str, status: str, **fields: Any) -> dict[str, Any]:
        """Bring a job into a state; the state change event that Batch sends for it."""
        self.jobs[job_id].update(status=status, **fields)
        return self.event(job_id)

    def event(
        self, job_id: str, kind: str = "Batch Job State Change", **fields: Any
    ) -> dict[str, Any]:
        """An event about a job as it stands."""
        detail = {**self.jobs[job_id], **fields}
        return {"detail-type": kind, "source": "aws.batch", "detail": detail}

    def forget(self, job_id: str) -> None:
        """Drop an old job, as Batch does after some days."""
        del self.jobs[job_id]

    def _children(self, array: dict[str, int] | None) -> dict[str, Any]:
        if array is None:
            return {}
        counted = {"size": array["size"], "statusSummary": {"PENDING": array["size"]}}
        return {"arrayProperties": counted}

    def _begin(self, operation: str) -> tuple[BaseException | None, bool]:
        for act in self._before.pop(operation, []):
            act()
        failures = self._failures.get(operation)
        return failures.pop(0) if failures else (None, False)

    def _raise(self, operation: str) -> None:
        error, _ = self._begin(operation)
        if error:
            raise error


class BitbucketStatuses:
    """Bitbucket's build statuses, one for each commit and key, and its comments, one by marker.

    It refuses what it is told to.
    """

    def __init__(self) -> None:
        self.statuses: dict[tuple[str, str, str], dict[str, str]] = {}
        self.posted: list[dict[str, str]] = []
        self.comments: dict[tuple[str, str, str], str] = {}
        self.refusals: list[Exception] = []
        self.gone: set[str] = set()
        self.meanwhile: list[Callable[[], object]] = []

    def post_status(self, repository: Repository, commit: str, status: dict[str, str]) -> None:
        """Create or overwrite a build status."""
        if self.refusals:
            raise self.refusals.pop(0)
        if commit in self.gone:
            message = "posting build status: 404"
            raise NotFound(message)
        self.statuses[repository.full_name, commit, status["key"]] = status
        self.posted.append(status)
        if self.meanwhile:
            self.meanwhile.pop(0)()

    def comment(self, repository: Repository, commit: str, marker: str, text: str) -> None:
        """Let the commit carry one comment that holds `marker`."""
        if self.refusals:
            raise self.refusals.pop(0)
        if commit in self.gone:
            message = "commenting: 404"
            raise NotFound(message)
        assert marker in text
        self.comments[repository.full_name, commit, marker] = text

    @property
    def states(self) -> list[str]:
        """The states as they were posted."""
        return [status["state"] for status in self.posted]
