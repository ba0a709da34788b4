"""Our events: facts in the past tense, each class named like its detail-type.

`RunStateChanged` travels on the event bus, every other event on a queue. All wear one envelope,
EventBridge's, so that one reader serves queue and bus. A consumer ignores fields that it does not
know, and a field is only ever added with a default: sender and receiver may be of different
versions. JSON Schemas: `events/schemas/`.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal, NewType, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    computed_field,
)

from shared.lines import one_line

SOURCE = "cloud-runner"
_LONGEST_HEADLINE = 500
_UNQUOTED = str.maketrans({'"': "'", "\\": "/"})

RunId = NewType("RunId", str)
State = Literal["requested", "submitted", "running", "succeeded", "failed", "stopped", "rejected"]
Afterwards = Literal["terminate", "stop", "keep"]


def timestamp(moment: datetime) -> str:
    """A moment as text, UTC, whole milliseconds: such texts sort as the moments do."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


Moment = Annotated[datetime, PlainSerializer(timestamp, return_type=str)]


class Model(BaseModel):
    """A frozen value; fields that it does not know are ignored. Its errors quote no payload."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True
    )


class Person(Model):
    """Who pushed or asked: `id` is Bitbucket's account uuid or, from a command, an AWS identity."""

    id: str | None = None
    name: str | None = None


def _leads_nowhere(full_name: str) -> str:
    """Refuse `.` and `..` for a name: they become parts of paths, in S3 and on disks."""
    if {".", ".."} & set(full_name.split("/")):
        message = "a workspace or repository is called like a folder's way out"
        raise ValueError(message)
    return full_name


class Repository(Model):
    """A Bitbucket repository. `uuid` is opaque and never changes; `full_name` is workspace/slug."""

    uuid: str
    full_name: Annotated[str, Field(pattern=r"^[^/\s]+/[^/\s]+$"), AfterValidator(_leads_nowhere)]

    @property
    def workspace(self) -> str:
        """The workspace's slug."""
        return self.full_name.split("/")[0]

    @property
    def slug(self) -> str:
        """The repository's slug: what names are made of, unlike the display name."""
        return self.full_name.split("/")[1]


class Changes(Model):
    """A workspace that differs from the run's commit: a commit of its own, under a ref of its own.

    `commit` holds the files as they are to be; what it was made from is the run's commit.
    """

    ref: str
    commit: str


class Sweep(Model):
    """The points of one array job: what they are, where they are listed, what they are judged by.

    `sweep_id` and `wave` are its place, see `shared.points`; a sweep that a command makes sends
    several waves, each a run. `space` is the text of a keyword, whose product is still to be
    listed; None where the list is there. `width` is the bytes of a line of the list, 0 with
    `space`. `objective` names a metric. `tolerated_percent` of the points may fail. `retries` is
    how often a point is tried again, `timeout_seconds` how long a try may take. What is None keeps
    the job definition's own value, or the stack's: `queue` and `definition` are names or ARNs,
    `command` runs instead of DVC, `input_uri` and `output_dir` are what it reads and leaves.
    `log_to` is an s3:// prefix for complete logs.
    """

    sweep_id: str
    wave: Annotated[int, Field(ge=1)] = 1
    size: Annotated[int, Field(ge=1, le=10_000)]
    space: str | None = None
    width: int = 0
    objective: str | None = None
    direction: Literal["maximize", "minimize"] = "maximize"
    tolerated_percent: Annotated[int, Field(ge=0, le=100)] = 0
    target: str | None = None
    queue: str | None = None
    definition: str | None = None
    command: str | None = None
    input_uri: str | None = None
    output_dir: str | None = None
    log_to: str | None = None
    retries: Annotated[int, Field(ge=0, le=9)] = 0
    timeout_seconds: Annotated[int | None, Field(ge=60)] = None


class Asked(Model):
    """What a run was asked to do, from keywords or from the command line.

    `arguments` is the text as written, unsplit; None where there was none. `memory_mib` is MiB.
    A resource that is None keeps the job definition's own value; `gpus` 0 asks for none. `quiet`:
    neither build status nor comment, since whoever asked is watching. `module` is the Python module
    that runs instead of DVC, on a machine of one's own alone.
    """

    arguments: str | None = None
    experiment: bool = False
    gpus: int | None = None
    memory_mib: int | None = None
    vcpus: int | None = None
    changes: Changes | None = None
    sweep: Sweep | None = None
    quiet: bool = False
    module: str | None = None


class Progress(Model):
    """How far the points of a sweep are, as Batch counts them.

    `best` is the best value of the objective so far, as text. `seen` is the key of the last result
    that was looked at, `looked_at` when that was. `complete`: looked at once more after the end.
    `look` is the number of the look that is to come, `looked` that of the one that was taken.
    """

    size: int
    succeeded: int = 0
    failed: int = 0
    running: int = 0
    best: str | None = None
    seen: str | None = None
    looked_at: Moment
    complete: bool = False
    look: int = 0
    looked: int = 0


class Job(Model):
    """The Batch job of an attempt: named before it is submitted, with an id from then on."""

    name: str
    queue: str
    definition: str
    id: str | None = None
    log_stream: str | None = None


class Machine(Model):
    """The EC2 instance of one's own that a run has instead of a Batch job.

    `name` is what its archive is to be called, as asked; `archive` is the s3:// address of what was
    stored. `afterwards` says how it ends, at `ends_at` at the latest. `log_stream` is in the log
    group of jobs. `image` is the container's; absent: it ran on the machine itself. `git` is the
    address of a clone that is not of the stack's Bitbucket, `branch` the one that was asked for,
    `commit` the one that the clone had when the run began.
    """

    instance_id: str
    instance_type: str | None = None
    market: Literal["spot", "on-demand"] = "on-demand"
    name: str | None = None
    afterwards: Afterwards = "terminate"
    ends_at: Moment
    log_stream: str | None = None
    archive: str | None = None
    image: str | None = None
    git: str | None = None
    branch: str | None = None
    commit: str | None = None


class Event(Model):
    """An event of ours. Its class name is its detail-type."""

    @classmethod
    def detail_type(cls) -> str:
        """The detail-type on queue and bus."""
        return cls.__name__

    def detail(self) -> str:
        """The event as JSON text, without fields that hold nothing."""
        text = self.model_dump_json(by_alias=True, exclude_none=True)
        # SQS refuses these two (API reference, SendMessage), and commit messages may hold them.
        return text.replace("\ufffe", r"\ufffe").replace("\uffff", r"\uffff")


class CommitPushed(Event):
    """A branch's head moved to `commit`. One event per branch of a push.

    `message` is the head commit's; `keywords_cut` says that it was shortened to fit a queue and
    that a keyword may stand in the part that is gone. `known_as` is the full name under which the
    stack knows the repository, where it has another one by now: no run may come of it.
    """

    repository: Repository
    branch: str
    commit: str
    message: str
    keywords_cut: bool = False
    known_as: str | None = None
    pushed_by: Person = Person()
    pushed_at: Moment


class RunRequested(Event):
    """An attempt of a run waits to be submitted. Its record holds all that this needs."""

    run_id: RunId
    attempt: Annotated[int, Field(ge=1)] = 1


class SweepDue(Event):
    """It is time to look how far a sweep's points are. It travels on a queue that delays it.

    `look` is the number that the look before it gave it; 0 for the first of a chain of looks.
    """

    run_id: RunId
    attempt: Annotated[int, Field(ge=1)] = 1
    look: Annotated[int, Field(ge=0)] = 0


class JobDescribed(Event):
    """The reconciler asked Batch about a job whose run had not moved, and the answer was news.

    `job` is DescribeJobs' answer in Batch's own field names; None: Batch does not know the job.
    """

    run_id: RunId
    attempt: int
    job_id: str
    job: dict[str, object] | None = None


class MachineReported(Event):
    """A machine's own word on the run that it runs: that it has begun, or how it ended.

    `instance_id` is the machine's. Times are its clock's. `archive` is the s3:// address of log and
    results, absent where they could not be stored.
    """

    run_id: RunId
    attempt: Annotated[int, Field(ge=1)] = 1
    instance_id: str
    state: Literal["running", "succeeded", "failed"]
    exit_code: int | None = None
    reason: str | None = None
    archive: str | None = None
    started_at: Moment | None = None
    stopped_at: Moment | None = None


class MachineDescribed(Event):
    """The reconciler asked EC2 about the machine of a run that had not moved: the answer is news.

    `instance` is DescribeInstances' answer in EC2's own field names; None: it did not
    speak of it.
    """

    run_id: RunId
    attempt: Annotated[int, Field(ge=1)] = 1
    instance_id: str
    instance: dict[str, object] | None = None


class MachineOverdue(Event):
    """A machine still runs though it should have ended itself at `ends_at`."""

    instance_id: str
    ends_at: Moment
    afterwards: Afterwards


class RunStateChanged(Event):
    """A run's record changed. `version` orders the events of one run, whoever sends them when.

    `attempt` counts how often somebody asked, `try` how often Batch started that attempt's job.
    `reason` says in words why the state is what it is. Times are UTC; one that has not come yet is
    absent. An event may be sent more than once with one version: it is then the same event.
    `progress` is a sweep's alone, `machine` that of a run that has one of its own and no job.
    """

    run_id: RunId
    version: int
    attempt: int
    try_number: Annotated[int, Field(alias="try")]
    state: State
    reason: str | None = None
    exit_code: int | None = None
    repository: Repository | None = None
    branch: str | None = None
    commit: str | None = None
    pushed_by: Person = Person()
    asked: Asked
    job: Job | None = None
    progress: Progress | None = None
    machine: Machine | None = None
    created_at: Moment
    requested_at: Moment
    submitted_at: Moment | None = None
    started_at: Moment | None = None
    stopped_at: Moment | None = None
    updated_at: Moment

    @computed_field  # type: ignore[prop-decorator] # mypy knows no decorated properties
    @property
    def headline(self) -> str:
        """All of it on one line that may stand between double quotes as it is: for mails and chats.

        At most 500 characters. EventBridge's input transformers put values into their template as
        they are (EventBridge user guide, "Common issues with transforming input"): a reason or a
        branch with a quote or a backslash in it would be an input that nobody gets.
        """
        of = self.repository.full_name if self.repository is not None else f"run {self.run_id}"
        branch = f", branch {self.branch}" if self.branch is not None else ""
        reason = f": {self.reason}" if self.reason is not None else ""
        line = one_line(f"{of}{branch}, {self.state}{reason}", _LONGEST_HEADLINE)
        return line.translate(_UNQUOTED)


class Envelope(Model):
    """What wraps an event on a queue and on the bus (EventBridge's names).

    `sender` is who put it on a queue, as SQS says and not as the message does: the unique id of an
    identity, followed by `:` and the session's name where it is an assumed role.
    """

    detail_type: Annotated[str, Field(alias="detail-type")]
    source: str
    detail: dict[str, object]
    time: str | None = None
    sender: str | None = None

    @classmethod
    def read(cls, body: str, sender: str | None = None) -> Self:
        """The envelope in the body of a queue message that `sender` put there."""
        return cls.model_validate_json(body).model_copy(update={"sender": sender})


def enclose(event: Event) -> str:
    """The message body that carries `event` on a queue."""
    kind = event.detail_type()
    return f'{{"detail-type":"{kind}","source":"{SOURCE}","detail":{event.detail()}}}'
