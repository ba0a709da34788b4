"""What became of pushes: each that was answered 202 is one record, one job and one true status."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.events import RunId
from shared.runs import commit_run_id
from tests.e2e.trivial import TRIVIAL
from tests.e2e.world import NAMES
from tests.load.embedded import Loaded

_SLUG = TRIVIAL.partition("/")[2]
_TOLD = 10


@dataclass(frozen=True)
class Push:
    """A head that was pushed, asking for a run, and whether the webhook took it."""

    repository_uuid: str
    branch: str
    commit: str
    taken: bool

    @property
    def run_id(self) -> RunId:
        """The run that it asks for."""
        return commit_run_id(NAMES.stack, self.repository_uuid, self.branch, self.commit)

    @property
    def job(self) -> str:
        """What the job of the run's first attempt is called."""
        return NAMES.job(_SLUG, self.commit, self.run_id, 1)


@dataclass(frozen=True)
class Seen:
    """What there is in the end: a record's state, states of jobs by name, of statuses by run."""

    records: Mapping[str, str]
    jobs: Mapping[str, tuple[str, ...]]
    statuses: Mapping[tuple[str, str], str]
    keys_of: Mapping[str, int]


@dataclass(frozen=True)
class Account:
    """All pushes accounted for; `lost` says of each that is not what it lacks.

    `unasked` are records, jobs and statuses that belong to no push.
    """

    pushed: int
    taken: int
    records: int
    jobs: int
    true_statuses: int
    taken_without_answer: int
    lost: tuple[str, ...]
    messages_left: Mapping[str, int]
    dead_letters: Mapping[str, int]
    unasked: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing was lost, nothing doubled, and nothing is left."""
        return not (self.lost or self.unasked or self.messages_left or self.dead_letters)

    def figures(self) -> dict[str, object]:
        """What a report says of it."""
        return {
            "pushed": self.pushed,
            "taken": self.taken,
            "records": self.records,
            "jobs": self.jobs,
            "true_statuses": self.true_statuses,
            "taken_without_answer": self.taken_without_answer,
            "lost": len(self.lost),
            "lost_first": list(self.lost[:_TOLD]),
            "unasked": len(self.unasked),
            "unasked_first": list(self.unasked[:_TOLD]),
            "messages_left": dict(self.messages_left),
            "dead_letters": dict(self.dead_letters),
        }


def settle_accounts(stack: Loaded, pushes: Iterable[Push]) -> Account:
    """Look at every record, job and status, and say what each push has come to."""
    pushes, seen, messages = list(pushes), look(stack), stack.messages()
    ours = [one for one in pushes if one.taken or one.run_id in seen.records]
    return Account(
        pushed=len(pushes),
        taken=sum(one.taken for one in pushes),
        records=sum(one.run_id in seen.records for one in ours),
        jobs=sum(len(seen.jobs.get(one.job, ())) for one in ours),
        true_statuses=sum(_status(one, seen) == "SUCCESSFUL" for one in ours),
        taken_without_answer=sum(not one.taken for one in ours),
        lost=tuple(f"{one.commit}: {why}" for one in ours if (why := missing(one, seen))),
        messages_left={k: n for k, n in messages.items() if n and not k.endswith("-dlq")},
        dead_letters={k: n for k, n in messages.items() if n and k.endswith("-dlq")},
        unasked=tuple(unasked(pushes, seen)),
    )


def unasked(pushes: Iterable[Push], seen: Seen) -> Iterator[str]:
    """Records, jobs and statuses that there are although no push asked for them."""
    pushes = list(pushes)
    runs, jobs = {one.run_id for one in pushes}, {one.job for one in pushes}
    commits = {one.commit for one in pushes}
    yield from (f"record {run_id}" for run_id in seen.records if run_id not in runs)
    yield from (f"job {name}" for name in seen.jobs if name not in jobs)
    yield from (f"status of {commit}" for commit, _ in seen.statuses if commit not in commits)


def missing(push: Push, seen: Seen) -> str | None:
    """What a push that was taken lacks, or has too much of; None if all is well."""
    state = seen.records.get(push.run_id)
    if state != "succeeded":
        return f"its record is {state or 'not there'}"
    jobs = seen.jobs.get(push.job, ())
    if jobs != ("SUCCEEDED",):
        return f"its jobs are {list(jobs)}"
    status = _status(push, seen)
    if status != "SUCCESSFUL" or seen.keys_of[push.commit] != 1:
        return f"its status is {status}, of {seen.keys_of.get(push.commit, 0)} keys"
    return None


def look(stack: Loaded) -> Seen:
    """Read all records, all jobs and all statuses."""
    names = Counter[str]()
    statuses = {}
    for history in stack.world.bitbucket.status_history(TRIVIAL):
        names[history["commit"]] += 1
        statuses[history["commit"], history["key"]] = history["writes"][-1]["state"]
    jobs: dict[str, tuple[str, ...]] = {}
    for job in _jobs(stack):
        jobs[job["jobName"]] = (*jobs.get(job["jobName"], ()), job["status"])
    records = {item["run_id"]["S"]: item["state"]["S"] for item in _records(stack)}
    return Seen(records, jobs, statuses, names)


def _status(push: Push, seen: Seen) -> str | None:
    return seen.statuses.get((push.commit, f"cloud-run-{push.run_id}"))


def _records(stack: Loaded) -> Iterator[Any]:
    pages = stack.dynamodb.get_paginator("scan").paginate(
        TableName=stack.world.told["runs_table"],
        ProjectionExpression="run_id, #state",
        ExpressionAttributeNames={"#state": "state"},
        ConsistentRead=True,
    )
    for page in pages:
        yield from page["Items"]


def _jobs(stack: Loaded) -> Iterator[Any]:
    named = [{"name": "JOB_NAME", "values": [f"{NAMES.organization}-*"]}]
    pages = stack.world.client("batch").get_paginator("list_jobs")
    for queue in stack.world.told["job_queues"]:
        for page in pages.paginate(jobQueue=queue, filters=named):
            yield from page["jobSummaryList"]
