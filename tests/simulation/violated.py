"""Each invariant that a step can violate, violated once: what has to happen for it."""

from collections.abc import Callable, Mapping

from shared.best_entries import Best, attribute
from shared.events import Asked, CommitPushed, Sweep, enclose
from shared.runs import ask_again
from tests.samples import COMMIT, GPU_JOB_QUEUE, NOW, REPOSITORY, RUN_ID, a_job, a_run
from tests.simulation import dead_letters, names
from tests.simulation.ledger import Ask, Left
from tests.simulation.models.messages import Message
from tests.simulation.models.scope import Item
from tests.simulation.pushes import Commit
from tests.simulation.story import (
    PUSHES,
    RUNS,
    Story,
    claimed,
    ended_without_a_job,
    over,
    requested,
    stopped,
    submitted,
)


def _record_unasked(story: Story) -> None:
    story.write(a_run(commit="f" * 40))


def _result_starts_run(story: Story) -> None:
    commit = Commit("e" * 40, "Cloud-Run-Id: 1", None)
    story.world.ledger.asked(Ask(REPOSITORY, "main", commit, "results"))
    story.write(a_run(commit="e" * 40))


def _one_record(story: Story) -> None:
    requested(story)
    requested(story, run_id="8" * 24)


def _record_is_as_asked(story: Story) -> None:
    requested(story, asked=Asked(arguments="evaluate"))


def _newer_is_kept(story: Story) -> None:
    run = requested(story)
    story.world.aged.age(story.world.dynamodb, newer=True)
    story.write(run.changed(version=2, updated_at=NOW))


def _versions_by_one(story: Story) -> None:
    story.write(claimed(story))


def _attempts_by_one(story: Story) -> None:
    story.world.ledger.reruns[RUN_ID] += 1
    run, _ = submitted(story)
    story.write(run.changed(version=4, attempt=2, state="requested", job=None))


def _attempt_unasked(story: Story) -> None:
    run, _ = over(story)
    story.write(ask_again(run, NOW).changed(version=5))


def _states_forward(story: Story) -> None:
    run, _ = submitted(story)
    running = story.write(run.changed(version=4, state="running"))
    story.write(running.changed(version=5, state="submitted"))


def _final_forever(story: Story) -> None:
    run, _ = over(story)
    story.write(run.changed(version=5, state="failed"))


def _job_stays(story: Story) -> None:
    run, _ = submitted(story)
    story.write(run.changed(version=4, job=a_job(job_id="job-2")))


def _stop_unasked(story: Story) -> None:
    stopped(story, requested(story))


def _stop_is_kept(story: Story) -> None:
    story.world.ledger.asked_to_stop(RUN_ID, "anna")
    run = stopped(story, requested(story))
    story.write(run.changed(version=3, stop=None))


def _stop_passed_on(story: Story) -> None:
    story.world.ledger.asked_to_stop(RUN_ID, "anna")
    run = claimed(story)
    job_id = story.submit(run)
    run = stopped(story, run)
    job = a_job(job_id=job_id)
    story.write(run.changed(version=4, job=job, state="submitted", lease_until=None))


def _one_job(story: Story) -> None:
    run, _ = submitted(story)
    story.submit(run)


def _job_without_record(story: Story) -> None:
    story.submit(a_run())


def _job_of_its_attempt(story: Story) -> None:
    run = ended_without_a_job(story, state="rejected", reason="no job definition")
    story.submit(run)


def _job_after_stop(story: Story) -> None:
    story.world.ledger.asked_to_stop(RUN_ID, "anna")
    run = stopped(story, requested(story))
    run = story.write(run.changed(version=3, job=a_job(), lease_until=NOW))
    story.submit(run)


def _job_as_noted(story: Story) -> None:
    submitted(story, jobName="acme-testing-ml-experiment-another")


def _job_is_as_asked(story: Story) -> None:
    submitted(story, jobQueue=GPU_JOB_QUEUE)


def _foreign_job_ended(story: Story) -> None:
    story.world.ledger.foreign_jobs.add("job-9")
    story.world.batch.terminations.append(("job-9", "a second job"))
    story.look()


def _job_ended_unasked(story: Story) -> None:
    _, job_id = submitted(story)
    story.world.batch.terminations.append((job_id, "a second job"))
    story.look()


def _published_was_written(story: Story) -> None:
    run = requested(story)
    story.publish(run.changed(state="running"))


def _status_of_a_record(story: Story) -> None:
    run = requested(story)
    story.show(run.changed(state="succeeded"))


def _no_secret_told(story: Story) -> None:
    story.world.log_lines.append("info {'token': 's3cr3t'}")
    story.look()


def _unsigned_not_told(story: Story) -> None:
    story.world.ledger.canaries.add("forged-branch")
    story.world.log_lines.append("warning {'branch': 'forged-branch'}")
    story.look()


def _unsigned_has_no_effect(story: Story) -> None:
    pushed = CommitPushed(
        repository=REPOSITORY, branch="forged", commit=COMMIT, message="", pushed_at=NOW
    )
    story.world.sqs.send_message(QueueUrl=PUSHES, MessageBody=enclose(pushed))
    story.look()


def _complained(name: str) -> Callable[[Story], None]:
    def complain(story: Story) -> None:
        story.world.ledger.complaints.append((name, "it was answered so"))
        story.look()

    return complain


def _early_dead_letter(story: Story) -> None:
    letter = Message("m1", "{}", sent_at=0, visible_at=0, sender="", first_received_at=0)
    letter.died_at = dead_letters.least_seconds(story.world, RUNS) - 60
    story.world.outages.let("batch", 0, letter.died_at)
    story.world.sqs.dead(RUNS).append(letter)
    story.look()


def _sweep_best_is_true(story: Story) -> None:
    run, _ = over(story)
    sweep = Sweep(sweep_id=RUN_ID, size=2, objective="accuracy")
    record = run.changed(asked=Asked(sweep=sweep)).model_dump(mode="json", exclude_none=True)
    record["progress"] = {"best": "0.5", "complete": True}
    left = [Left(1.0, 1, 0, True, 0.5), Left(2.0, 2, 1, True, 0.9)]
    story.world.ledger.left[RUN_ID, 1] = left
    watch = story.world.watch
    assert watch is not None
    watch.sweeps.written(record, 3.0)


def keep(story: Story, *values: float) -> None:
    """Write the best results of a study, whatever was there."""
    best = [attribute(Best(value, {}, RUN_ID, 1, 0, None, NOW)) for value in values]
    key = {"target": {"S": REPOSITORY.full_name}, "study": {"S": "accuracy"}}
    item: Item = {**key, "best": {"L": best}, "direction": {"S": "maximize"}}
    story.world.dynamodb.put_item(TableName=names.ref("BestResultsTable"), Item=item)
    story.look()


def _best_was_left(story: Story) -> None:
    keep(story, 0.5)


def _best_never_worse(story: Story) -> None:
    left = [Left(1.0, 1, 0, True, 0.5), Left(2.0, 2, 0, True, 0.9)]
    story.world.ledger.left[RUN_ID, 1] = left
    keep(story, 0.9)
    keep(story, 0.5)


ON_THE_WAY: Mapping[str, Callable[[Story], None]] = {
    "attempt-unasked": _attempt_unasked,
    "attempts-by-one": _attempts_by_one,
    "best-never-worse": _best_never_worse,
    "best-was-left": _best_was_left,
    "early-dead-letter": _early_dead_letter,
    "final-forever": _final_forever,
    "foreign-accepted": _complained("foreign-accepted"),
    "foreign-job-ended": _foreign_job_ended,
    "genuine-ignored": _complained("genuine-ignored"),
    "genuine-refused": _complained("genuine-refused"),
    "job-after-stop": _job_after_stop,
    "job-as-noted": _job_as_noted,
    "job-ended-unasked": _job_ended_unasked,
    "job-is-as-asked": _job_is_as_asked,
    "job-of-its-attempt": _job_of_its_attempt,
    "job-stays": _job_stays,
    "job-without-record": _job_without_record,
    "newer-is-kept": _newer_is_kept,
    "no-secret-told": _no_secret_told,
    "no-unforeseen-error": _complained("no-unforeseen-error"),
    "one-job": _one_job,
    "one-record": _one_record,
    "points-are-listed": _complained("points-are-listed"),
    "published-was-written": _published_was_written,
    "record-is-as-asked": _record_is_as_asked,
    "record-unasked": _record_unasked,
    "result-starts-run": _result_starts_run,
    "states-forward": _states_forward,
    "status-of-a-record": _status_of_a_record,
    "stop-passed-on": _stop_passed_on,
    "stop-is-kept": _stop_is_kept,
    "stop-unasked": _stop_unasked,
    "sweep-best-is-true": _sweep_best_is_true,
    "unsigned-accepted": _complained("unsigned-accepted"),
    "unsigned-has-no-effect": _unsigned_has_no_effect,
    "unsigned-not-told": _unsigned_not_told,
    "versions-by-one": _versions_by_one,
}
