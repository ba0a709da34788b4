"""Whatever is said of jobs: records go forward or stay, and only what is malformed is a fault."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.monitor.app import handle
from services.monitor.dependencies import Dependencies
from services.notifier.statuses import Links, status
from shared.batch_jobs import BatchJobs, JobDetail
from shared.events import Asked, Envelope, Machine, RunStateChanged, Sweep
from shared.machines import Machines
from shared.runs import Run, Stop, rank
from tests.fake_machines import Ec2
from tests.fakes import Batch, Clock
from tests.fuzz.bounds import fuzzed, outcome_of, timed
from tests.fuzz.kept_runs import KeptRuns
from tests.fuzz.mutations import mutated, spoilt, written
from tests.samples import JOB_QUEUE, NAMES, NOW, RUN_ID, a_job, a_run, payload, payload_files

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

EVENTS = [
    payload(path)
    for folder in ("aws/batch_events", "aws/batch_events_derived")
    for path in payload_files(folder)
]
JOB_ID = "job-1"
USED = (
    *("detail", "detail-type", "jobId", "jobName", "jobQueue", "status", "statusReason"),
    *("attempts", "container", "exitCode", "reason", "logStreamName", "startedAt", "stoppedAt"),
    *("parameters", "arrayProperties", "statusSummary", "size", "index", "isTerminated"),
)
KINDS = st.sampled_from(["Batch Job State Change", "Batch Job Queue Blocked"])
STATUSES = st.sampled_from(
    ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED", "NEW ONE"]
)


def about(event: dict[str, Any], attempt: str = "1", job_id: str = JOB_ID) -> dict[str, Any]:
    """A real event, said of the job of `a_run`."""
    ours = {
        "jobId": job_id,
        "jobName": a_job(1).name,
        "jobQueue": JOB_QUEUE,
        "parameters": {"runId": RUN_ID, "attempt": attempt},
    }
    return {**event, "detail": {**event["detail"], **ours}}


OURS = [about(event) for event in EVENTS if "jobId" in event["detail"]]
RUNS = st.builds(
    lambda state, job_id, sweep, stop: a_run(
        state=state,
        job=a_job(1, job_id),
        asked=Asked(sweep=Sweep(sweep_id=RUN_ID, size=4)) if sweep else Asked(arguments="train"),
        stop=Stop(by="Someone", why="enough", attempt=1, at=NOW) if stop else None,
    ),
    st.sampled_from(["requested", "submitted", "running", "succeeded", "failed", "stopped"]),
    st.none() | st.just(JOB_ID) | st.just("another"),
    st.booleans(),
    st.booleans(),
)


def needs(*runs: Run) -> Dependencies:
    clock = Clock()
    return Dependencies(
        runs=KeptRuns(*runs),
        jobs=BatchJobs(Batch(clock, [])),
        machines=Machines(Ec2()),
        clock=clock,
    )


def hear(body: bytes, dependencies: Dependencies) -> list[Any]:
    """The events that a message causes."""
    return timed(lambda: handle(Envelope.read(body.decode()), dependencies))


def check_forward(before: Run, after: Run | None) -> Run:
    """See that a record has not gone back, and that what it says can be shown."""
    assert after is not None
    if before.final:
        assert after == before
    place = [(run.attempt, run.try_number, rank(run.state)) for run in (before, after)]
    assert place[0] <= place[1]
    assert after.version - before.version in (0, 1)
    assert len(after.reason or "") <= 2_500
    shown = status(after, Links("eu-west-1"), NAMES.stack)
    assert len(shown["description"]) <= 255
    assert len(shown["url"]) <= 450
    assert shown["description"].isprintable()
    return after


@fuzzed(2)
@given(
    run=RUNS,
    bodies=st.lists(written(mutated(OURS, *USED) | spoilt(OURS, *USED)), min_size=1, max_size=4),
)
def test_what_batch_might_say_of_a_job_moves_its_run_forward_or_is_malformed(
    run: Run, bodies: list[bytes]
) -> None:
    dependencies = needs(run)

    for body in bodies:
        try:
            caused = hear(body, dependencies)
        except (ValidationError, UnicodeDecodeError):
            assert dependencies.runs.get(RUN_ID) == run
            continue
        run = check_forward(run, dependencies.runs.get(RUN_ID))
        for event in caused:
            assert RunStateChanged.model_validate_json(event.detail()).version == run.version
            assert len(event.detail().encode()) < 200 * 1024


@fuzzed(2)
@given(
    run=RUNS,
    event=st.sampled_from(OURS),
    kind=KINDS,
    fields=st.fixed_dictionaries(
        {"status": STATUSES},
        optional={
            "statusReason": st.text(max_size=2_000),
            "startedAt": st.integers(0, 2**41),
            "stoppedAt": st.integers(0, 2**41),
            "isTerminated": st.booleans(),
            "isCancelled": st.booleans(),
            "container": st.fixed_dictionaries(
                {},
                optional={
                    "exitCode": st.integers(-1, 255),
                    "reason": st.text(max_size=2_000),
                    "logStreamName": st.text(max_size=512),
                },
            ),
            "arrayProperties": st.fixed_dictionaries(
                {},
                optional={
                    "size": st.integers(2, 10_000),
                    "index": st.integers(0, 9_999),
                    "statusSummary": st.dictionaries(STATUSES, st.integers(0, 10_000)),
                },
            ),
        },
    ),
)
def test_whatever_batch_may_say_in_its_own_shapes_is_understood(
    run: Run, event: dict[str, Any], kind: str, fields: dict[str, Any]
) -> None:
    said = {**event, "detail-type": kind, "detail": {**event["detail"], **fields}}
    dependencies = needs(run)

    hear(json.dumps(said).encode(), dependencies)

    check_forward(run, dependencies.runs.get(RUN_ID))


STORED = ("jobId", "startedAt", "stoppedAt", "exitCode", "logStreamName", "FAILED", "statusReason")


@fuzzed(2)
@given(spoilt(OURS, *STORED), st.booleans())
def test_what_no_record_could_hold_is_malformed_and_not_stored(
    event: dict[str, Any], sweep: bool
) -> None:
    asked = Asked(sweep=Sweep(sweep_id=RUN_ID, size=4)) if sweep else Asked(arguments="train")
    run = a_run(state="submitted", job=a_job(1), asked=asked)
    dependencies = needs(run)

    outcome_of(lambda: hear(json.dumps(event).encode(), dependencies), ValidationError)

    check_forward(run, dependencies.runs.get(RUN_ID))


@fuzzed(2)
@given(mutated(EVENTS, *USED), st.sampled_from([None, {}, {"runId": ""}, {"other": "x"}, [], "x"]))
def test_jobs_of_others_are_left_alone_whatever_is_said_of_them(
    event: dict[str, Any], parameters: object
) -> None:
    if not isinstance(event.get("detail"), dict):
        return
    event["detail"]["parameters"] = parameters
    try:
        body = json.dumps(event).encode()
        Envelope.read(body.decode())
    except ValidationError:
        return  # not in EventBridge's envelope
    dependencies = needs(a_run())

    assert hear(body, dependencies) == []
    assert dependencies.runs.get(RUN_ID) == a_run()


@fuzzed()
@given(
    st.sampled_from([event for event in EVENTS if "jobId" in event["detail"]]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300),
    KINDS,
)
def test_jobs_of_others_whose_parameters_look_like_ours_are_left_alone(
    event: dict[str, Any], run_id: str, kind: str
) -> None:
    detail = {**event["detail"], "parameters": {"runId": run_id, "attempt": run_id}}
    dependencies = needs(a_run())

    said = {**event, "detail-type": kind, "detail": detail}
    assert hear(json.dumps(said).encode(), dependencies) == []


TIME = "2026-11-20T11:59:00.000Z"
ENDED = {
    "exit_code": 3,
    "reason": "exit code 3",
    "archive": "s3://b/a",
    "started_at": TIME,
    "stopped_at": TIME,
}
ODD_TIMES = [
    "2026-11-20T12:00:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "1e300",
]
MESSAGES: list[dict[str, Any]] = [
    {
        "detail-type": kind,
        "source": "cloud-runner",
        "detail": {"run_id": RUN_ID, "attempt": 1, **more},
    }
    for kind, more in (
        ("JobDescribed", {"job_id": JOB_ID, "job": OURS[0]["detail"]}),
        ("JobDescribed", {"job_id": JOB_ID}),
        ("MachineDescribed", {"instance_id": "i-0a", "instance": {"InstanceId": "i-0a"}}),
        ("MachineReported", {"instance_id": "i-0a", "state": "running", "started_at": TIME}),
        ("MachineReported", {"instance_id": "i-0a", "state": "failed", **ENDED}),
        ("MachineOverdue", {"instance_id": "i-0a", "ends_at": "2026-11-20T12:00:00.000Z"}),
        ("RunStateChanged", {}),
    )
]


@fuzzed(2)
@given(
    RUNS | st.just(a_run(state="submitted", machine=Machine(instance_id="i-0a", ends_at=NOW))),
    written(
        mutated(
            [
                *MESSAGES,
                *(
                    {**MESSAGES[4], "detail": {**MESSAGES[4]["detail"], "stopped_at": time}}
                    for time in ODD_TIMES
                ),
            ],
            *("run_id", "attempt", "job", "job_id", "instance", "state", *ENDED),
        )
        | spoilt(MESSAGES, *ENDED)
    ),
)
def test_what_our_own_services_say_is_understood_or_malformed(run: Run, body: bytes) -> None:
    dependencies = needs(run)

    try:
        hear(body, dependencies)
    except (ValidationError, UnicodeDecodeError, ClientError):  # no key of the table
        assert dependencies.runs.get(RUN_ID) == run
    else:
        check_forward(run, dependencies.runs.get(RUN_ID))


@fuzzed()
@given(mutated([event["detail"] for event in OURS], *USED))
def test_a_job_is_read_the_same_when_the_reconciler_hands_it_on(detail: dict[str, Any]) -> None:
    try:
        job = JobDetail.model_validate(detail)
    except ValidationError:
        return

    assert (
        JobDetail.model_validate(job.model_dump(mode="json", by_alias=True, exclude_none=True))
        == job
    )
