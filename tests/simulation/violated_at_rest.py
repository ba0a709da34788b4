"""Each invariant that is looked at once all is done, violated once: what has to happen for it."""

import json
from collections.abc import Callable, Mapping

from shared.events import Asked, RunRequested, Sweep, enclose
from tests.samples import JOB_QUEUE, NOW, RUN_ID, a_job, minutes
from tests.simulation.job_endings import Ending
from tests.simulation.ledger import Left
from tests.simulation.models.messages import Message
from tests.simulation.story import RUNS, Story, ended_without_a_job, over, requested, submitted


def _push_without_record(story: Story) -> None:
    story.rest()


def _run_ends(story: Story) -> None:
    requested(story)
    story.rest()


def _job_or_rejection(story: Story) -> None:
    ended_without_a_job(story, state="failed", reason="it was so")
    story.rest()


def _true_job(story: Story) -> None:
    run, job_id = submitted(story)
    foreign = story.world.batch.submit_job(
        jobName="nightly",
        jobQueue=JOB_QUEUE,
        jobDefinition="theirs",
        parameters={"runId": RUN_ID, "attempt": "7"},
        shareIdentifier="others",
    )["jobId"]
    for job in (job_id, foreign):
        story.end(job, Ending("succeeded", None, 0))
    story.world.ledger.foreign_jobs.add(foreign)
    # Not looked at by the checks of each step, which would find it first.
    watch = story.world.watch
    assert watch is not None
    last = run.changed(version=4, state="succeeded", job=a_job(job_id=foreign))
    record = json.loads(last.model_dump_json(by_alias=True, exclude_none=True))
    watch.records.attempts[RUN_ID, 1] = record
    story.rest()


def _true_end(story: Story) -> None:
    over(story, "failed", "exit code 42", 42)
    story.rest()


def _true_reason(story: Story) -> None:
    _, job_id = over(story, "failed", "it was so", 42)
    story.end(job_id, Ending("failed", "exit code 42", 42), "FAILED")
    story.rest()


def _job_runs_on(story: Story) -> None:
    _, job_id = over(story)
    story.world.batch.move(job_id, "RUNNING")
    story.rest()


def _every_write_published(story: Story) -> None:
    run, _ = over(story)
    story.write(run.changed(version=5, updated_at=NOW + minutes(1)))
    story.rest()


def _status_is_the_records(story: Story) -> None:
    run, _ = over(story)
    story.show(run.changed(state="submitted"))
    story.rest()


def _message_stuck(story: Story) -> None:
    over(story)
    body = enclose(RunRequested(run_id=RUN_ID))
    story.world.sqs.send_message(QueueUrl=RUNS, MessageBody=body)
    story.rest()


def _message_lost(story: Story) -> None:
    over(story)
    message = story.world.sqs.put(RUNS, enclose(RunRequested(run_id=RUN_ID)), "")
    story.world.sqs.waiting(RUNS).remove(message)
    story.rest()


def _sweep_is_concluded(story: Story) -> None:
    run, _ = over(story)
    # As above.
    watch = story.world.watch
    assert watch is not None
    asked = Asked(sweep=Sweep(sweep_id="s1", size=6))
    watch.records.latest[RUN_ID]["asked"] = asked.model_dump(mode="json", exclude_none=True)
    story.show(run.changed(asked=asked))
    story.rest()


def _concluded(story: Story, **progress: int) -> None:
    """A sweep that is over, of two points of which both have succeeded, with other figures."""
    run, job_id = over(story)
    children = {"size": 2, "statusSummary": {"SUCCEEDED": 2}}
    story.world.batch.move(job_id, "SUCCEEDED", arrayProperties=children)
    sweep = Sweep(sweep_id=RUN_ID, size=2, objective="accuracy")
    record = json.loads(run.changed(asked=Asked(sweep=sweep)).model_dump_json(exclude_none=True))
    record["progress"] = {"best": "0.5", "complete": True, "failed": 0, "succeeded": 2, **progress}
    story.world.ledger.left[RUN_ID, 1] = [Left(1.0, 1, 0, True, 0.5)]
    watch = story.world.watch
    assert watch is not None
    watch.sweeps.written(record, 3.0)
    watch.sweeps.check_kept(record, "team/churn-model")


def _sweep_figures_are_true(story: Story) -> None:
    _concluded(story, succeeded=1, failed=1)


def _best_is_kept(story: Story) -> None:
    _concluded(story)


def _dead_letters_heal(story: Story) -> None:
    over(story)
    letter = Message("m1", "{}", sent_at=0, visible_at=0, sender="", first_received_at=0)
    letter.died_at = story.world.sqs.retry_seconds(RUNS)
    story.world.outages.let("batch", 0, letter.died_at)
    story.world.sqs.dead(RUNS).append(letter)
    story.rest()


AT_REST: Mapping[str, Callable[[Story], None]] = {
    "best-is-kept": _best_is_kept,
    "dead-letters-heal": _dead_letters_heal,
    "every-write-published": _every_write_published,
    "job-or-rejection": _job_or_rejection,
    "job-runs-on": _job_runs_on,
    "message-lost": _message_lost,
    "message-stuck": _message_stuck,
    "push-without-record": _push_without_record,
    "run-ends": _run_ends,
    "sweep-figures-are-true": _sweep_figures_are_true,
    "sweep-is-concluded": _sweep_is_concluded,
    "status-is-the-records": _status_is_the_records,
    "true-end": _true_end,
    "true-job": _true_job,
    "true-reason": _true_reason,
}
