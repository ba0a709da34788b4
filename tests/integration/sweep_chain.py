"""Steps of a sweep on the chain of services, for the tests that tell of sweeps."""

import json
from typing import Any

from shared.events import Asked, RunId, RunRequested, Sweep, enclose
from shared.points import Place, encode
from shared.runs import new_run, request_run_id
from tests.integration.service_chain import BUCKET, SWEEP_SECONDS, Chain
from tests.samples import COMMIT, NAMES, REPOSITORY

SIX = ":ACME_RUN: train\n:ACME_SWEEP: lr=0.1,0.01 depth=1,2,3"
JUDGED = f"{SIX}\n:ACME_OBJECTIVE: accuracy"
MARKER = '"cloud-sweep:{}"'


def told(chain: Chain) -> dict[str, Any]:
    """What the one submitted job is told of its sweep."""
    (submission,) = chain.batch.submissions
    variables = submission["containerOverrides"]["environment"]
    (found,) = [one["value"] for one in variables if one["name"] == "CLOUD_RUNNER_SWEEP"]
    facts: dict[str, Any] = json.loads(found)
    return facts


def look(chain: Chain) -> None:
    """The next look is due."""
    chain.settle(SWEEP_SECONDS)


def comment(chain: Chain, run_id: RunId) -> str:
    return chain.bitbucket.comments[REPOSITORY.full_name, COMMIT, MARKER.format(run_id)]


def ask(chain: Chain, sweep: Sweep, *, quiet: bool = False, **asked: Any) -> RunId:
    """A command asks for a wave, whose list it has stored."""
    content, width = encode([{"lr": 0.1 * (place + 1)} for place in range(sweep.size)])
    listed = Place(REPOSITORY.slug, sweep.sweep_id).points(sweep.wave)
    chain.s3.put_object(Bucket=BUCKET, Key=listed, Body=content)
    sweep = sweep.model_copy(update={"width": width})
    run = new_run(
        request_run_id(NAMES.stack, f"{sweep.sweep_id}/{sweep.wave}"),
        Asked(sweep=sweep, quiet=quiet, **asked),
        chain.clock(),
        repository=REPOSITORY,
        branch="main",
        commit=COMMIT,
    )
    chain.runs.create(run)
    chain.send("runs", enclose(RunRequested(run_id=run.run_id)))
    chain.settle()
    return run.run_id


def looks(chain: Chain) -> int:
    """How many looks are waiting."""
    return sum(message.queue == "sweeps" for message in chain.messages)
