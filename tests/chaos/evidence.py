"""What can be seen of a stack at rest: records, jobs, statuses, queues, logs, each by its owner."""

import base64
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.events import RunId
from shared.items import value
from shared.runs import Run
from tests.chaos.hearing import Heard, Hearing
from tests.chaos.pushing import Pushed
from tests.e2e.world import World

_JOB_STATUSES = (
    "SUBMITTED",
    "PENDING",
    "RUNNABLE",
    "STARTING",
    "RUNNING",
    "SUCCEEDED",
    "FAILED",
)
_DESCRIBED_AT_ONCE = 100
_READ_AT_ONCE = 1024 * 1024


@dataclass(frozen=True)
class Evidence:
    """The stack as its owners tell of it; `leaks` are the places where a secret stands."""

    pushed: Sequence[Pushed]
    uuids: Mapping[str, str]
    records: Mapping[RunId, Run]
    jobs: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
    statuses: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
    deliveries: Sequence[Mapping[str, Any]]
    heard: Mapping[RunId, Heard]
    messages: Mapping[str, int]
    leaks: Sequence[str]
    searched: int


def gather(world: World, pushed: Sequence[Pushed], hearing: Hearing) -> Evidence:
    """Look at all of it."""
    repositories = sorted({one.repository for one in pushed})
    secrets = secret_texts(world)
    searched, leaks = _search(world, secrets)
    return Evidence(
        pushed=pushed,
        uuids=uuids(world, repositories),
        records={run.run_id: run for run in records(world)},
        jobs=_jobs(world),
        statuses=_statuses(world, repositories),
        deliveries=world.bitbucket.deliveries(),
        heard=hearing.newest,
        messages=world.messages(),
        leaks=[*leaks, *(["events on the bus"] if hearing.with_a_secret else [])],
        searched=searched + hearing.events,
    )


def uuids(world: World, repositories: Sequence[str]) -> Mapping[str, str]:
    """The uuid of each repository."""
    found = {}
    for name in repositories:
        found[name] = str(world.bitbucket.request("GET", f"/2.0/repositories/{name}")["uuid"])
    return found


def records(world: World) -> Iterator[Run]:
    """Every record there is."""
    return (Run.model_validate({k: value(v) for k, v in item.items()}) for item in _items(world))


def secret_texts(world: World) -> tuple[str, ...]:
    """What nobody may find in a log line, an event or a record."""
    token = str(world.told["bitbucket_token"])
    basic = base64.b64encode(f"x-token-auth:{token}".encode()).decode()
    hooks = [str(one["webhook_secret"]) for one in world.told["repositories"]]
    return (token, basic, *hooks)


def _items(world: World) -> Iterator[dict[str, Any]]:
    pages = world.client("dynamodb").get_paginator("scan")
    for page in pages.paginate(TableName=world.told["runs_table"], ConsistentRead=True):
        yield from page["Items"]


def _statuses(
    world: World, repositories: Sequence[str]
) -> Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]:
    """The statuses of every commit that has one, each with its writes."""
    found = defaultdict(list)
    for name in repositories:
        for status in world.bitbucket.status_history(name):
            found[name, status["commit"]].append(status)
    return found


def _jobs(world: World) -> Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]:
    """Every job by its run's id and its attempt, as Batch describes it."""
    batch = world.client("batch")
    pages = batch.get_paginator("list_jobs")
    ids = [
        job["jobId"]
        for queue in world.told["job_queues"]
        for status in _JOB_STATUSES
        for page in pages.paginate(jobQueue=queue, jobStatus=status)
        for job in page["jobSummaryList"]
    ]
    found = defaultdict(list)
    for start in range(0, len(ids), _DESCRIBED_AT_ONCE):
        for job in batch.describe_jobs(jobs=ids[start : start + _DESCRIBED_AT_ONCE])["jobs"]:
            found[job["parameters"]["runId"], job["parameters"]["attempt"]].append(job)
    return found


def _search(world: World, secrets: Sequence[str]) -> tuple[int, Sequence[str]]:
    """How many logs, streams and records were searched, and in which a secret was found."""
    logs = [
        path for name in ("logs", "batch/logs") for path in (world.folder / name).rglob("*.log")
    ]
    places: list[tuple[str, Iterator[str]]] = [
        *((str(path.relative_to(world.folder)), _chunks(path)) for path in logs),
        *((f"the log group {name}", _lines(world, name)) for name in _groups(world)),
        ("the records", (json.dumps(item) for item in _items(world))),
    ]
    leaks = [place for place, texts in places if any(s in text for text in texts for s in secrets)]
    return len(places), leaks


def _chunks(path: Path) -> Iterator[str]:
    """A file's text in pieces; each begins with the end of the one before it."""
    before = ""
    with path.open(encoding="utf-8", errors="replace") as stream:
        while chunk := stream.read(_READ_AT_ONCE):
            yield before + chunk
            before = chunk[-1000:]


def _groups(world: World) -> Iterator[str]:
    for page in world.client("logs").get_paginator("describe_log_groups").paginate():
        yield from (group["logGroupName"] for group in page["logGroups"])


def _lines(world: World, group: str) -> Iterator[str]:
    pages = world.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    for page in pages:
        yield from (event["message"] for event in page["events"])
