"""AWS Batch: jobs with their states, submitted twice if asked twice, listed late.

Sources: AWS Batch API reference, SubmitJob (a name is no key), ListJobs (the filter JOB_NAME knows
no case), DescribeJobs (100 ids), TerminateJob, DescribeJobDefinitions; service model (names). How
far ListJobs and DescribeJobs may be behind SubmitJob, AWS does not say.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from tests.simulation.models.ports import Chooses, Later, Now, refused

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_MOST_IDS = 100
# How long DescribeJobs may tell what a job was before.
_STALE_SECONDS = 10.0
# How long it may not know a new job.
_UNKNOWN_SECONDS = 60.0
# How long DescribeJobDefinitions may not show a new definition: less than the submitter looks for
# it, by as much as the clocks of whoever asks for a run may be wrong.
_UNSEEN_SECONDS = 290.0
# What a token ends with after an empty page.
_REST = "+"
_ENDED = ("SUCCEEDED", "FAILED")


class Batch:
    """AWS Batch's client. What becomes of a job is decided by others: `move`.

    `jobs` are DescribeJobs' answers by job id, in the order of submission, `submissions` what
    SubmitJob was told of each; `terminations` all calls of TerminateJob about a job that had not
    ended (job id, reason). `definitions` are the names of active job definitions, `queues` the ARNs
    of job queues and whether they share fairly, `disabled` the queues that take no jobs.
    `lag_seconds` is how far ListJobs may be behind SubmitJob when the fault `list-lag` strikes;
    with `list-lag-beyond` it is farther than that, up to three times as far. `listed_from` tells
    of each job from when on ListJobs knows it.
    """

    def __init__(self, now: Now, choices: Chooses, later: Later) -> None:
        del later  # what lags is found out when it is asked for
        self._now = now
        self._choices = choices
        self.jobs: dict[str, dict[str, Any]] = {}
        self.submissions: dict[str, dict[str, Any]] = {}
        self.terminations: list[tuple[str, str]] = []
        self.definitions: set[str] = set()
        self.queues: dict[str, bool] = {}
        self.disabled: set[str] = set()
        self.lag_seconds = 60.0
        self.listed_from: dict[str, float] = {}
        self._known_from: dict[str, float] = {}
        self._seen_from: dict[str, float] = {}
        self._older: dict[str, tuple[float, dict[str, Any]]] = {}
        self._submitted: list[Callable[[str], None]] = []
        self._terminated: list[Callable[[str, str], None]] = []

    def on_submitted(self, callback: Callable[[str], None]) -> None:
        """Call `callback` with the id of each job that is submitted from now on."""
        self._submitted.append(callback)

    def on_terminated(self, callback: Callable[[str, str], None]) -> None:
        """Call `callback` with the id of each job to terminate, and the reason.

        It is then whoever was called who ends the job; without anybody it has FAILED at once.
        """
        self._terminated.append(callback)

    def submit_job(self, **submission: Any) -> dict[str, str]:
        """Take a job, and the same once more if it comes again."""
        self._check(submission)
        name, now = submission["jobName"], self._now()
        job_id = f"job-{len(self.submissions) + 1}"
        self.submissions[job_id] = submission
        self.listed_from[job_id] = now + self._lag(name)
        if self._choices.strikes("eventual-read", f"DescribeJobs {job_id}"):
            self._known_from[job_id] = now + self._choices.seconds(0, _UNKNOWN_SECONDS, job_id)
        self.jobs[job_id] = {
            "jobId": job_id,
            "jobName": name,
            "jobQueue": submission["jobQueue"],
            "jobDefinition": submission["jobDefinition"],
            "parameters": submission.get("parameters", {}),
            "status": "SUBMITTED",
            "createdAt": round(now * 1000),
            "attempts": [],
        }
        if "arrayProperties" in submission:
            size = submission["arrayProperties"]["size"]
            children = {"size": size, "statusSummary": {"PENDING": size}}
            self.jobs[job_id]["arrayProperties"] = children
        for callback in self._submitted:
            callback(job_id)
        return {"jobId": job_id, "jobName": name}

    def list_jobs(
        self,
        *,
        jobQueue: str,  # noqa: N803 - botocore's name
        filters: list[dict[str, Any]],
        nextToken: str = "0",  # noqa: N803 - botocore's name
    ) -> dict[str, Any]:
        """Jobs by name, regardless of case, one a page; perhaps not the latest.

        The fault `empty-page`: what was asked for comes with the page after it.
        """
        (wanted,) = filters[0]["values"]
        now = self._now()
        found = [
            {name: job[name] for name in ("jobId", "jobName", "status", "createdAt")}
            for job_id, job in self.jobs.items()
            if job["jobQueue"] == jobQueue
            and job["jobName"].lower() == wanted.lower()
            and self.listed_from[job_id] <= now
        ]
        rest = nextToken.endswith(_REST)
        if not rest and self._choices.strikes("empty-page", "ListJobs"):
            return {"jobSummaryList": [], "nextToken": f"{nextToken}{_REST}"}
        at = int(nextToken.removesuffix(_REST))
        more = {"nextToken": str(at + 1)} if at + 1 < len(found) else {}
        return {"jobSummaryList": found[at : at + 1], **more}

    def describe_jobs(self, *, jobs: list[str]) -> dict[str, Any]:
        """Up to 100 jobs by id, without those that it does not know.

        Faults: `eventual-read`, it does not know a new one, or tells what one was before; and
        `left-out`, it does not tell of one that it knows.
        """
        if len(jobs) > _MOST_IDS:
            raise refused("DescribeJobs", "ClientException")
        now = self._now()
        known = [job_id for job_id in jobs if job_id in self.jobs and self._known_at(job_id) <= now]
        left_out = self._choices.strikes
        known = [job_id for job_id in known if not left_out("left-out", f"DescribeJobs {job_id}")]
        return {"jobs": [self._described(job_id, now) for job_id in known]}

    def define(self, name: str) -> None:
        """Register a job definition; with `definition-unseen` it is not shown for some minutes."""
        self.definitions.add(name)
        if self._choices.strikes("definition-unseen", name):
            self._seen_from[name] = self._now() + self._choices.seconds(0, _UNSEEN_SECONDS, name)

    def describe_job_definitions(
        self,
        *,
        jobDefinitionName: str = "",  # noqa: N803 - botocore's name
        jobDefinitions: Iterable[str] = (),  # noqa: N803 - botocore's name
        status: str = "ACTIVE",
    ) -> dict[str, Any]:
        """The active revision of a definition, or the revisions that are named.

        It does not show what `define` has made, as long as that is not to be seen.
        """
        now, wanted = self._now(), [jobDefinitionName, *jobDefinitions]
        found = [
            {"jobDefinitionName": name.partition(":")[0], "revision": 1, "status": status}
            for name in wanted
            if name in self.definitions and self._seen_from.get(name, 0.0) <= now
        ]
        return {"jobDefinitions": found}

    def describe_job_queues(self, *, jobQueues: list[str]) -> dict[str, Any]:  # noqa: N803 - its name
        """Job queues by ARN."""
        found = [
            {
                "jobQueueArn": arn,
                "state": "DISABLED" if arn in self.disabled else "ENABLED",
                **({"schedulingPolicyArn": f"{arn}-policy"} if self.queues[arn] else {}),
            }
            for arn in jobQueues
            if arn in self.queues
        ]
        return {"jobQueues": found}

    def terminate_job(self, *, jobId: str, reason: str) -> dict[str, Any]:  # noqa: N803 - its name
        """End a job; nothing happens to one that has ended, or that there is not."""
        parent, _, index = jobId.rpartition(":")
        job = self.jobs.get(parent or jobId)
        if job is None or job["status"] in _ENDED:
            return {}
        self.terminations.append((jobId, reason))
        if index and parent:
            return {}  # one of an array: what becomes of it is for who has asked for that to say
        for callback in self._terminated:
            callback(jobId, reason)
        if not self._terminated:
            self.move(jobId, "FAILED", statusReason=reason, isTerminated=True)
        return {}

    def move(self, job_id: str, status: str, **fields: Any) -> None:
        """Bring a job into a state, with other fields of DescribeJobs' answer."""
        before = self.jobs[job_id]
        self._older[job_id] = (self._now(), before)
        self.jobs[job_id] = {**before, "status": status, **fields}

    def forget(self, job_id: str) -> None:
        """Drop a job, as Batch does some days after it has ended; its id is never given again."""
        self.jobs.pop(job_id, None)

    def event(
        self, job_id: str, kind: str = "Batch Job State Change", **fields: Any
    ) -> dict[str, Any]:
        """The event that Batch sends of a job as it stands: source, detail-type, detail."""
        detail = {**self.jobs[job_id], **fields}
        return {"detail-type": kind, "source": "aws.batch", "detail": detail}

    def _check(self, submission: dict[str, Any]) -> None:
        """Refuse what SubmitJob calls wrong."""
        queue = submission["jobQueue"]
        # A definition is named, or given by its ARN.
        definition = submission["jobDefinition"].rpartition("/")[2]
        said = None
        if not _NAME.fullmatch(submission["jobName"]):
            said = "Job name should match valid pattern"
        elif queue not in self.queues:
            said = f"JobQueue {queue} not found"
        elif queue in self.disabled:
            said = f"JobQueue {queue} is disabled"
        elif definition not in self.definitions:
            said = f"JobDefinition {definition} not found"
        elif self.queues[queue] is not ("shareIdentifier" in submission):
            said = "shareIdentifier must go with a queue that has a scheduling policy"
        if said is not None:
            raise refused("SubmitJob", "ClientException", said)

    def _lag(self, name: str) -> float:
        if self._choices.strikes("list-lag-beyond", name):
            return self._choices.seconds(self.lag_seconds, 3 * self.lag_seconds, name)
        if self._choices.strikes("list-lag", name):
            # What holds at the bound, holds below it.
            least = self._choices.among((0.0, self.lag_seconds), name)
            return self._choices.seconds(least, self.lag_seconds, name)
        return 0.0

    def _known_at(self, job_id: str) -> float:
        return self._known_from.get(job_id, 0.0)

    def _described(self, job_id: str, now: float) -> dict[str, Any]:
        at, older = self._older.get(job_id, (0.0, {}))
        recent = now - at < _STALE_SECONDS
        if recent and older and self._choices.strikes("eventual-read", f"DescribeJobs {job_id}"):
            return dict(older)
        return dict(self.jobs[job_id])
