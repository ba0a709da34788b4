"""The stack as a storm needs it: jobs that end soon, and a retry window that the storm outlasts."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from local.stack import Stack
from tests.chaos.faults import Fault, FunctionDies, JobDies, PartDies
from tests.chaos.plan import JOBS
from tests.e2e.trivial import trivial_job
from tests.e2e.world import World

# ListJobs of the embedded Batch never lags, so a lease need only outlast the submitter's 30 s.
PARAMETERS: Mapping[str, str] = MappingProxyType({"UnmovedSeconds": "10", "LeaseSeconds": "31"})
# The template has 20 and 25, which is hours: with two, what fails twice in a storm is dead.
_DELIVERIES = 2
# The template gives six times a function's timeout; a message of a killed one may come sooner.
_TIMES_THE_TIMEOUT = 6
_SECONDS_MORE = 5
# Jobs that take their time begin it once the first job was killed: none can end unseen before that.
_WAITING = "in-three"
# Batch tries a job again whose machine is lost; so often that a storm rarely uses them up.
_TRIES = 4


def define_jobs(world: World) -> None:
    """Let the jobs of each repository run a trivial command."""
    # As a shared lock, for which flock(1) waits as the process that the command then is.
    waits = ("flock", "--no-fork", "--shared", str(_first_kill(world.folder)))
    for slug, command in JOBS.items():
        trivial_job(
            world, (*waits, *command) if slug == _WAITING else command, slug=slug, tries=_TRIES
        )


def _first_kill(folder: Path) -> Path:
    """The file that is locked until a job was killed."""
    return folder / "first-kill"


def hurry(world: World) -> None:
    """Let a killed function's messages come back soon, and die after two deliveries."""
    sqs = world.client("sqs")
    names = ["VisibilityTimeout", "RedrivePolicy"]
    for url in world.told["queues"].values():
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        if "RedrivePolicy" not in told:  # a dead-letter queue
            continue
        policy = json.loads(told["RedrivePolicy"]) | {"maxReceiveCount": _DELIVERIES}
        seconds = int(told["VisibilityTimeout"]) // _TIMES_THE_TIMEOUT + _SECONDS_MORE
        sqs.set_queue_attributes(
            QueueUrl=url,
            Attributes={"VisibilityTimeout": str(seconds), "RedrivePolicy": json.dumps(policy)},
        )


def faults(stack: Stack, pushes: int) -> Sequence[Fault]:
    """What may happen to a stack: with few pushes more often, so that each kind happens."""
    parts = {part.name: part for part in stack.parts}
    batch_port = int(stack.endpoints.batch.rpartition(":")[2])
    return (
        FunctionDies(stack.state.aws),
        JobDies(stack.state.batch, _first_kill(stack.state.root), mean_pause=min(20, pushes)),
        PartDies("Batch", parts["batch"], batch_port, mean_pause=min(60, pushes)),
        PartDies("Bitbucket", parts["bitbucket"], stack.bitbucket_port, mean_pause=min(60, pushes)),
    )
