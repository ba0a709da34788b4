"""Each invariant violated once: what has to happen for it."""

import json
from collections.abc import Callable, Mapping

from shared.events import Asked, CommitPushed, RunRequested, Sweep, enclose
from shared.runs import ask_again
from tests.samples import (
    COMMIT,
    GPU_JOB_QUEUE,
    JOB_QUEUE,
    NOW,
    REPOSITORY,
    RUN_ID,
    a_job,
    a_run,
    minutes,
)
from tests.simulation.job_endings import Ending
from tests.simulation.ledger import Ask
from tests.simulation.models.messages import Message
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
    letter.died_at = story.world.sqs.retry_seconds(RUNS) - 60
    story.world.outages.let("batch", 0, letter.died_at)
    story.world.sqs.dead(RUNS).append(letter)
    story.look()


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


def _dead_letters_heal(story: Story) -> None:
    over(story)
    letter = Message("m1", "{}", sent_at=0, visible_at=0, sender="", first_received_at=0)
    letter.died_at = story.world.sqs.retry_seconds(RUNS)
    story.world.outages.let("batch", 0, letter.died_at)
    story.world.sqs.dead(RUNS).append(letter)
    story.rest()


BREAKS: Mapping[str, Callable[[Story], None]] = {
    "attempt-unasked": _attempt_unasked,
    "attempts-by-one": _attempts_by_one,
    "dead-letters-heal": _dead_letters_heal,
    "early-dead-letter": _early_dead_letter,
    "every-write-published": _every_write_published,
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
    "job-or-rejection": _job_or_rejection,
    "job-runs-on": _job_runs_on,
    "job-stays": _job_stays,
    "job-without-record": _job_without_record,
    "message-lost": _message_lost,
    "message-stuck": _message_stuck,
    "newer-is-kept": _newer_is_kept,
    "no-secret-told": _no_secret_told,
    "no-unforeseen-error": _complained("no-unforeseen-error"),
    "one-job": _one_job,
    "one-record": _one_record,
    "published-was-written": _published_was_written,
    "push-without-record": _push_without_record,
    "record-is-as-asked": _record_is_as_asked,
    "record-unasked": _record_unasked,
    "result-starts-run": _result_starts_run,
    "run-ends": _run_ends,
    "states-forward": _states_forward,
    "sweep-is-concluded": _sweep_is_concluded,
    "status-is-the-records": _status_is_the_records,
    "status-of-a-record": _status_of_a_record,
    "stop-passed-on": _stop_passed_on,
    "stop-is-kept": _stop_is_kept,
    "stop-unasked": _stop_unasked,
    "true-end": _true_end,
    "true-job": _true_job,
    "true-reason": _true_reason,
    "unsigned-accepted": _complained("unsigned-accepted"),
    "unsigned-has-no-effect": _unsigned_has_no_effect,
    "unsigned-not-told": _unsigned_not_told,
    "versions-by-one": _versions_by_one,
}
