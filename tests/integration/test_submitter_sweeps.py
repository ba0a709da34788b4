"""How the points of a sweep become one array job, and what it is told."""

from typing import Any

import pytest

from shared.errors import Unavailable
from shared.events import Asked, RunRequested, Sweep, enclose
from shared.points import Place, decode
from shared.runs import new_run, request_run_id
from tests.fakes import Crash, refusal
from tests.integration.service_chain import (
    BUCKET,
    OTHER_QUEUE,
    SWEEP_SECONDS,
    TUNER,
    UNSEEN_SECONDS,
    Chain,
)
from tests.integration.sweep_chain import JUDGED, SIX, ask, comment, looks, told
from tests.samples import COMMIT, JOB_QUEUE, NAMES, REPOSITORY

ARN = TUNER.rpartition("/")[0]
OWN = NAMES.job_definition(REPOSITORY.slug)
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
    assert chain.status["name"] == "Cloud sweep in acme-testing: lr=0.1,0.01 depth=1,2,3"


def test_a_submitter_that_adopts_a_job_has_it_looked_after(chain: Chain) -> None:
    chain.batch.fail_next("submit_job", Crash(), done=True)
    run_id = chain.push(JUDGED)
    chain.settle(800)

    assert len(chain.batch.submissions) == 1
    assert chain.run(run_id).state == "submitted"
    assert looks(chain) == 1


def test_a_sweep_that_ends_before_its_request_comes_through_is_concluded(chain: Chain) -> None:
    chain.batch.fail_next("submit_job", Crash(), done=True)
    run_id = chain.swept(JUDGED)
    chain.hear(chain.batch.move("job-1", "RUNNING"))
    chain.batch.children("job-1", SUCCEEDED=6)
    chain.hear(chain.batch.move("job-1", "SUCCEEDED"))
    assert chain.run(run_id).state == "succeeded"
    chain.settle(800)

    progress = chain.run(run_id).progress
    assert progress is not None
    assert progress.complete
    assert "Sweep done" in comment(chain, run_id)


def test_a_request_that_comes_again_after_the_report_has_nobody_look(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    chain.batch.children("job-1", SUCCEEDED=6)
    chain.hear(chain.batch.move("job-1", "SUCCEEDED"))
    chain.settle(4 * SWEEP_SECONDS)
    assert "Sweep done" in comment(chain, run_id)
    chain.send("runs", enclose(RunRequested(run_id=run_id)))
    chain.settle()

    assert looks(chain) == 0


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
    assert submission["retryStrategy"] == {
        "attempts": 5,
        "evaluateOnExit": [
            {"action": "RETRY", "onStatusReason": "Host EC2*"},
            {"action": "EXIT", "onExitCode": "64"},
            {"action": "EXIT", "onExitCode": "65"},
            {"action": "EXIT", "onExitCode": "67"},
        ],
    }
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
        (
            {"definition": NAMES.job_definition("other")},
            f"rejected: the job definition {NAMES.job_definition('other')} is another project's",
        ),
        (
            {"definition": f"{ARN}/{NAMES.job_definition(REPOSITORY.slug + '-2')}:4"},
            f"rejected: the job definition {OWN}-2 is another project's",
        ),
        ({"queue": "theirs"}, f"rejected: there is no job queue {OTHER_QUEUE}: name another"),
        ({"definition": "tuner:9"}, "rejected: no job definition tuner:9: add the project"),
    ],
)
def test_a_queue_or_definition_that_cannot_be_used_is_rejected_with_what_to_do(
    chain: Chain, asked: dict[str, str], said: str
) -> None:
    run_id = ask(chain, Sweep(sweep_id="s1", size=6, **asked))
    chain.settle(3 * UNSEEN_SECONDS)

    assert chain.run(run_id).state == "rejected"
    assert chain.status["description"].startswith(said[:255])
    assert chain.batch.submissions == []
    assert looks(chain) == 0


def test_a_queue_that_is_not_shown_yet_is_waited_for(chain: Chain) -> None:
    run_id = ask(chain, Sweep(sweep_id="s1", size=6, queue="theirs"))
    chain.settle(UNSEEN_SECONDS - 300)

    assert chain.run(run_id).state == "requested"
    chain.batch.queues[OTHER_QUEUE] = False
    chain.settle(300)
    assert chain.run(run_id).state == "submitted"


def test_a_projects_own_definition_may_have_a_revision(chain: Chain) -> None:
    definition = f"{NAMES.job_definition(REPOSITORY.slug)}:3"
    chain.batch.definitions.add(definition)
    ask(chain, Sweep(sweep_id="s1", size=6, definition=definition))

    assert chain.batch.submissions[0]["jobDefinition"] == definition
    assert chain.batch.submissions[0]["jobQueue"] == JOB_QUEUE


@pytest.mark.parametrize("form", ["{}", "{}:3", "arn:aws:batch:eu-west-1:123:job-definition/{}:3"])
def test_a_projects_own_definition_may_be_named_in_every_form(chain: Chain, form: str) -> None:
    asked = form.format(OWN)
    chain.batch.definitions.add(asked.rpartition("/")[2])
    ask(chain, Sweep(sweep_id="s1", size=6, definition=asked))

    assert chain.batch.submissions[0]["jobDefinition"] == asked.rpartition("/")[2]


def test_a_disabled_queue_is_said_to_be_disabled_until_it_is_not(chain: Chain) -> None:
    chain.batch.queues[OTHER_QUEUE] = False
    chain.batch.disabled.add(OTHER_QUEUE)
    run_id = ask(chain, Sweep(sweep_id="s1", size=6, queue="theirs"))
    refused = chain.run(run_id)
    chain.batch.disabled.clear()
    chain.rerun(run_id)
    chain.settle()

    assert refused.state == "rejected"
    assert refused.reason is not None
    assert refused.reason.startswith(f"the job queue {OTHER_QUEUE} is disabled: enable it")
    assert chain.run(run_id).state == "submitted"


def test_what_batch_says_against_a_chosen_queue_is_the_reason(chain: Chain) -> None:
    chain.batch.queues[OTHER_QUEUE] = False
    chain.batch.fail_next("submit_job", refusal("ClientException", 400))
    run_id = ask(chain, Sweep(sweep_id="s1", size=6, queue="theirs"))

    run = chain.run(run_id)
    assert (run.state, run.reason) == (
        "rejected",
        "AWS Batch refuses the job: ClientException said",
    )
    assert chain.dead == []


@pytest.mark.parametrize(
    ("code", "status"),
    [("AccessDeniedException", 403), ("TooManyRequestsException", 400), ("ServerException", 500)],
)
def test_a_refusal_that_may_pass_is_tried_again(chain: Chain, code: str, status: int) -> None:
    chain.batch.queues[OTHER_QUEUE] = False
    chain.batch.fail_next("submit_job", refusal(code, status))
    run_id = ask(chain, Sweep(sweep_id="s1", size=6, queue="theirs"))
    assert chain.run(run_id).state == "requested"

    chain.settle(800)

    assert chain.run(run_id).state == "submitted"


def test_a_refusal_of_what_nobody_chose_is_tried_again(chain: Chain) -> None:
    chain.batch.fail_next("submit_job", refusal("ClientException", 400))
    run_id = ask(chain, Sweep(sweep_id="s1", size=6))
    assert chain.run(run_id).state == "requested"

    chain.settle(800)

    assert chain.run(run_id).state == "submitted"


@pytest.mark.parametrize("missing", ["repository", "commit"])
def test_a_sweep_without_a_repository_or_commit_is_rejected(chain: Chain, missing: str) -> None:
    given: dict[str, Any] = {"repository": REPOSITORY, "commit": COMMIT} | {missing: None}
    asked = Asked(sweep=Sweep(sweep_id="s1", size=2, definition="tuner"))
    run = new_run(request_run_id(NAMES.stack, "s1/1"), asked, chain.clock(), branch="main", **given)
    chain.runs.create(run)
    chain.send("runs", enclose(RunRequested(run_id=run.run_id)))
    chain.settle()

    after = chain.run(run.run_id)
    assert after.state == "rejected"
    assert after.reason is not None
    assert after.reason.startswith("a sweep needs a repository and a commit")
    assert chain.batch.submissions == []
