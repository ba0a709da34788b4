"""How the points of a sweep become one array job, and what it is told."""

from typing import Any

import pytest

from shared.errors import Unavailable
from shared.events import RunRequested, Sweep, enclose
from shared.points import Place, decode
from tests.fakes import Crash
from tests.integration.service_chain import BUCKET, OTHER_QUEUE, SWEEP_SECONDS, TUNER, Chain
from tests.integration.sweep_chain import JUDGED, SIX, ask, looks, told
from tests.samples import JOB_QUEUE, NAMES, REPOSITORY

ADD = "add its ARN to the stack's parameter"


def test_a_keyword_makes_one_array_job_of_the_product(chain: Chain) -> None:
    run_id = chain.swept(SIX)

    (submission,) = chain.batch.submissions
    assert submission["arrayProperties"] == {"size": 6}
    place = Place(REPOSITORY.slug, run_id)
    listed = chain.s3.get_object(Bucket=BUCKET, Key=place.points(1))["Body"].read()
    assert decode(listed)[4] == {"lr": 0.01, "depth": 2}
    assert told(chain) == {
        "sweep": run_id,
        "wave": 1,
        "place": f"s3://{BUCKET}/{place.folder}",
        "width": len(listed) // 6,
        "size": 6,
        "objective": None,
        "direction": "maximize",
        "target": None,
        "log_to": None,
    }
    assert chain.status["description"] == "submitted: 6 points wait for machines"
    assert chain.status["name"] == "Cloud sweep: lr=0.1,0.01 depth=1,2,3"


def test_a_submitter_that_adopts_a_job_has_it_looked_after(chain: Chain) -> None:
    chain.batch.fail_next("submit_job", Crash(), done=True)
    run_id = chain.push(JUDGED)
    chain.settle(800)

    assert len(chain.batch.submissions) == 1
    assert chain.run(run_id).state == "submitted"
    assert looks(chain) == 1


def test_a_request_that_comes_again_submits_nothing_and_leaves_one_chain(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    chain.batch.children("job-1", RUNNING=6)
    chain.settle(40)
    chain.push(JUDGED)
    chain.send("runs", enclose(RunRequested(run_id=run_id)))
    chain.settle(4 * SWEEP_SECONDS)

    assert len(chain.batch.submissions) == 1
    assert looks(chain) == 1


def test_a_list_that_could_not_be_stored_leaves_no_job_behind(chain: Chain) -> None:
    put = chain.s3.put_object
    failures = [Unavailable("storing the list of points: 503")]

    def refusing(**request: Any) -> Any:
        if failures:
            raise failures.pop()
        return put(**request)

    chain.s3.put_object = refusing
    try:
        run_id = chain.swept(SIX)
        assert chain.batch.submissions == []
        assert chain.run(run_id).lease_until is None
        chain.settle(20)
    finally:
        chain.s3.put_object = put

    assert len(chain.batch.submissions) == 1


def test_a_sweep_may_name_a_queue_and_a_definition_that_the_stack_may_use(chain: Chain) -> None:
    chain.batch.queues[OTHER_QUEUE] = False
    chain.batch.definitions.add("tuner:3")
    asked = Sweep(
        sweep_id="s1",
        size=6,
        queue="theirs",
        definition=f"{TUNER}:3",
        command="python tune.py",
        retries=2,
        timeout_seconds=600,
    )
    ask(chain, asked, gpus=1)

    (submission,) = chain.batch.submissions
    assert submission["jobQueue"] == OTHER_QUEUE
    assert submission["jobDefinition"] == "tuner:3"
    assert submission["retryStrategy"] == {"attempts": 3}
    assert submission["timeout"] == {"attemptDurationSeconds": 600}
    assert "shareIdentifier" not in submission
    variables = {
        one["name"]: one["value"] for one in submission["containerOverrides"]["environment"]
    }
    assert variables["ACME_RUN_COMMAND"] == "python tune.py"


def test_a_queue_of_others_that_shares_fairly_gets_a_share(chain: Chain) -> None:
    chain.batch.queues[OTHER_QUEUE] = True
    ask(chain, Sweep(sweep_id="4f2a", size=6, queue=OTHER_QUEUE))

    assert chain.batch.submissions[0]["shareIdentifier"] == "sweepdff06f7e"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"queue": "spare"},
            f"rejected: the stack may not use the job queue spare: {ADD} SweepJobQueueArns",
        ),
        (
            {"definition": "own:2"},
            f"rejected: the stack may not use the job definition own: {ADD} SweepJobDefinitionArns",
        ),
        ({"queue": "theirs"}, f"rejected: there is no job queue {OTHER_QUEUE}: name another"),
        ({"definition": "tuner:9"}, "rejected: no job definition tuner:9: add the project"),
    ],
)
def test_a_queue_or_definition_that_cannot_be_used_is_rejected_with_what_to_do(
    chain: Chain, asked: dict[str, str], said: str
) -> None:
    run_id = ask(chain, Sweep(sweep_id="s1", size=6, **asked))

    assert chain.run(run_id).state == "rejected"
    assert chain.status["description"].startswith(said[:255])
    assert chain.batch.submissions == []
    assert looks(chain) == 0


def test_a_projects_own_definition_may_have_a_revision(chain: Chain) -> None:
    definition = f"{NAMES.job_definition(REPOSITORY.slug)}:3"
    chain.batch.definitions.add(definition)
    ask(chain, Sweep(sweep_id="s1", size=6, definition=definition))

    assert chain.batch.submissions[0]["jobDefinition"] == definition
    assert chain.batch.submissions[0]["jobQueue"] == JOB_QUEUE
