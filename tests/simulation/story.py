"""A small world made by hand, in which one run goes as a test says: for tests of the invariants."""

from dataclasses import dataclass
from typing import Any

from services.notifier.statuses import Links, status
from services.submitter.overrides import submission
from shared.events import State
from shared.items import attribute
from shared.runs import Run, ask_stop, state_changed
from tests.samples import (
    COMMIT,
    GPU_JOB_QUEUE,
    JOB_QUEUE,
    NAMES,
    NOW,
    REGION,
    REPOSITORY,
    a_job,
    a_run,
    minutes,
)
from tests.simulation import invariants, names
from tests.simulation.account import account
from tests.simulation.choices import Choices
from tests.simulation.job_endings import Ending
from tests.simulation.ledger import Ask
from tests.simulation.models.bitbucket import Posted
from tests.simulation.outages import Outages
from tests.simulation.pushes import Commit, Wanted
from tests.simulation.scheduler import Scheduler
from tests.simulation.world import World

_TABLE = names.ref("RunsTable")
PUSHES = names.ref("PushesQueue")
RUNS = names.ref("RunsQueue")


@dataclass
class Story:
    """A world, and what happens in it: one call is one step, looked at when it is done."""

    world: World

    @property
    def ask(self) -> Ask:
        """Who asked for the run."""
        return next(iter(self.world.ledger.asks.values()))

    def write(self, run: Run, **attributes: Any) -> Run:
        """Write a record, whatever was there; `attributes` besides, in their stored form."""
        fields = run.model_dump(mode="json", by_alias=True, exclude_none=True) | attributes
        item = {name: attribute(one) for name, one in fields.items() if one is not None}
        self.world.dynamodb.put_item(TableName=_TABLE, Item=item)
        self.look()
        return run

    def publish(self, run: Run) -> Run:
        """Put the event of a record on the bus."""
        entry = {"Source": "cloud-runner", "DetailType": "RunStateChanged"}
        detail = state_changed(run).detail()
        self.world.eventbridge.put_events(Entries=[entry | {"Detail": detail}])
        self.look()
        return run

    def submit(self, run: Run, **told: Any) -> str:
        """Submit the job of a record; `told` instead of what is right."""
        job = run.job or a_job(run.attempt)
        arguments = submission(run, job, NAMES, "ACME", "commits") | told
        job_id: str = self.world.batch.submit_job(**arguments)["jobId"]
        self.look()
        return job_id

    def end(self, job_id: str, ending: Ending, status: str = "SUCCEEDED", **fields: Any) -> None:
        """End a job."""
        container = {} if ending.exit_code is None else {"exitCode": ending.exit_code}
        fields = {"attempts": [{"container": container}]} | fields
        self.world.batch.move(job_id, status, **fields)
        self.world.ledger.endings[job_id] = ending

    def show(self, run: Run, **changes: str) -> None:
        """Post a record's status, with `changes`."""
        body = status(run, Links(REGION), NAMES.stack) | changes
        full_name = REPOSITORY.full_name
        self.world.bitbucket.statuses[full_name, COMMIT, body["key"]] = body
        self.world.bitbucket.history.append(Posted(0, full_name, COMMIT, body["key"], body))
        self.look()

    def look(self) -> None:
        """Check what must hold after a step."""
        invariants.after_step(self.world)

    def quiet(self) -> None:
        """Check what must hold whenever nothing is on its way."""
        invariants.when_quiet(self.world)

    def rest(self) -> None:
        """Check what must hold at rest."""
        invariants.at_rest(self.world)


def _world() -> World:
    scheduler = Scheduler(NOW.timestamp())
    choices = Choices(0)
    choices.calm = True
    world = account(choices, scheduler)
    world.outages = Outages(choices, lambda: scheduler.now, 0)
    world.batch.queues = {JOB_QUEUE: True, GPU_JOB_QUEUE: True}
    world.batch.definitions = {NAMES.job_definition(REPOSITORY.slug), "theirs"}
    world.secrets.add("s3cr3t")
    return world


def begun() -> Story:
    """A world in which somebody has asked for the run of `a_run`."""
    world = _world()
    commit = Commit(COMMIT, ":ACME_RUN: train", Wanted(arguments="train"))
    world.ledger.asked(Ask(REPOSITORY, "main", commit, "a push", stored=True))
    return Story(world)


def requested(story: Story, **changes: Any) -> Run:
    """The record as the parser writes it."""
    return story.write(a_run(**changes))


def claimed(story: Story) -> Run:
    """The record with a submitter's lease."""
    lease = NOW + minutes(5.5)
    run = requested(story)
    return story.write(run.changed(version=2, job=a_job(), lease_until=lease))


def submitted(story: Story, **told: Any) -> tuple[Run, str]:
    """The record with its job."""
    run = claimed(story)
    job_id = story.submit(run, **told)
    job = a_job(job_id=job_id)
    changes = {"version": 3, "state": "submitted", "lease_until": None, "submitted_at": NOW}
    return story.write(run.changed(**changes, job=job)), job_id


def over(
    story: Story, state: State = "succeeded", reason: str | None = None, code: int | None = 0
) -> tuple[Run, str]:
    """The record at its end, told and shown, and its job that has ended."""
    run, job_id = submitted(story)
    story.end(job_id, Ending("succeeded", None, 0))
    last = run.changed(version=4, state=state, reason=reason, exit_code=code, stopped_at=NOW)
    story.publish(story.write(last))
    story.show(last)
    return last, job_id


def ended_without_a_job(story: Story, **changes: Any) -> Run:
    """The record of an attempt that got no job, told and shown."""
    run = claimed(story).changed(version=3, lease_until=None, stopped_at=NOW, **changes)
    story.publish(story.write(run))
    story.show(run)
    return run


def stopped(story: Story, run: Run, by: str = "anna") -> Run:
    """The record once somebody has asked to stop it."""
    after = ask_stop(run, by, "the wrong branch", NOW)
    return story.write(after.changed(version=run.version + 1))
