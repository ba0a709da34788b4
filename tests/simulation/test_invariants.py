"""Each invariant is violated once, in a small world made by hand, and found.

A check that cannot fail is none: that the names are all that there are is tested as well.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.errors import Unavailable
from shared.events import RunRequested, enclose
from shared.runs import ask_again
from tests.samples import (
    COMMIT,
    NOW,
    RUN_ID,
    a_job,
)
from tests.simulation import aws_errors, invariants
from tests.simulation.choices import Strike
from tests.simulation.foreseen import is_foreseen
from tests.simulation.job_endings import Ending
from tests.simulation.models.messages import Message
from tests.simulation.models.ports import refused
from tests.simulation.story import (
    RUNS,
    Story,
    begun,
    over,
    stopped,
    submitted,
)
from tests.simulation.violated import ON_THE_WAY
from tests.simulation.violated_at_rest import AT_REST
from tests.simulation.violations import Violation

BREAKS = {**ON_THE_WAY, **AT_REST}


def hide(story: Story, job_id: str, seconds: float) -> None:
    """Let ListJobs know a job that was submitted now only in some seconds; 225 are allowed."""
    story.world.batch.lag_seconds = 225
    story.world.batch.listed_from[job_id] = story.world.scheduler.now + seconds


@pytest.fixture
def story() -> Story:
    """A world in which somebody has asked for a run."""
    return begun()


def test_a_run_that_went_well_violates_nothing(story: Story) -> None:
    over(story)

    story.rest()


def test_a_run_that_was_stopped_and_run_again_violates_nothing(story: Story) -> None:
    story.world.ledger.asked_to_stop(RUN_ID, "anna")
    run, job_id = submitted(story)
    run = stopped(story, run)
    story.world.batch.terminations.append((job_id, "stopped by anna"))
    story.end(job_id, Ending("stopped", None, 137), "FAILED")
    ended = run.changed(version=5, state="stopped", exit_code=137, stopped_at=NOW)
    ended = story.write(ended.changed(reason="stopped by anna: the wrong branch"))
    story.world.ledger.reruns[RUN_ID] += 1
    again = story.write(ask_again(ended, NOW).changed(version=6))
    again = story.write(again.changed(version=7, job=a_job(2), lease_until=NOW))
    second = story.submit(again)
    story.end(second, Ending("failed", "exit code 42", 42), "FAILED")
    last = again.changed(version=8, state="failed", reason="exit code 42", exit_code=42)
    last = last.changed(job=a_job(2, second), lease_until=None)
    story.publish(story.write(last))
    story.show(last)

    story.rest()


@pytest.mark.parametrize("name", sorted(BREAKS))
def test_an_invariant_that_does_not_hold_is_found(story: Story, name: str) -> None:
    with pytest.raises(Violation) as found:
        BREAKS[name](story)

    assert found.value.name == name
    assert found.value.text


def test_every_invariant_is_broken_here_and_listed_with_the_others() -> None:
    folder = Path(invariants.__file__).parent
    texts = [path.read_text() for path in folder.glob("*.py") if not path.name.startswith("test_")]
    raised = {name for text in texts for name in re.findall(r'Violation\(\s*"([a-z-]+)"', text)}
    complained = {name for text in texts for name in re.findall(r'complain\(\s*"([a-z-]+)"', text)}
    listed = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", invariants.__doc__ or ""))

    assert raised | complained == listed
    assert listed == set(BREAKS)


def test_a_stop_is_as_good_as_passed_on_while_somebody_has_the_message(story: Story) -> None:
    body = enclose(RunRequested(run_id=RUN_ID))
    story.world.sqs.send_message(QueueUrl=RUNS, MessageBody=body)

    BREAKS["stop-passed-on"](story)


def test_a_second_job_is_none_where_the_first_is_hidden_for_longer_than_a_lease(
    story: Story,
) -> None:
    run, job_id = submitted(story)
    hide(story, job_id, 400)
    story.world.scheduler.now += 331
    second = story.submit(run)

    for job in (job_id, second):
        story.end(job, Ending("succeeded", None, 0))
    last = run.changed(version=4, state="succeeded", exit_code=0, stopped_at=NOW)
    story.publish(story.write(last))
    story.show(last)
    story.rest()


@pytest.mark.parametrize(
    ("hidden", "waited"),
    [(400, 60), (200, 150), (400, 600)],
    ids=["it came too soon", "the lists were no later than allowed", "it was listed by then"],
)
def test_a_second_job_is_not_excused_by_lists_that_did_not_hide_the_first(
    story: Story, hidden: float, waited: float
) -> None:
    run, job_id = submitted(story)
    hide(story, job_id, hidden)
    story.world.scheduler.now += waited

    with pytest.raises(Violation, match="one-job"):
        story.submit(run)


def test_a_second_job_is_not_excused_by_being_hidden_itself(story: Story) -> None:
    run, _ = submitted(story)
    story.world.choices.struck.append(Strike(1, 1, "list-lag-beyond", a_job().name))
    story.world.scheduler.now += 331

    with pytest.raises(Violation, match="one-job"):
        story.submit(run)


def test_a_second_job_that_nobody_ended_is_found_all_the_same(story: Story) -> None:
    run, job_id = over(story)
    hide(story, job_id, 400)
    story.world.scheduler.now += 331
    story.submit(run)

    with pytest.raises(Violation, match=r"job-runs-on: run 77777777 attempt 1: job job-2"):
        story.rest()


def test_what_was_written_has_to_be_told_once_nothing_is_on_its_way(story: Story) -> None:
    run, _ = submitted(story)
    with pytest.raises(Violation, match="every-write-published"):
        story.quiet()
    story.publish(run)
    story.write(run.changed(version=4, state="running"))
    story.publish(run.changed(version=4, state="running"))

    with pytest.raises(Violation, match="status-is-the-records"):
        story.quiet()


def test_what_was_written_need_not_be_told_while_something_is_on_its_way(story: Story) -> None:
    submitted(story)
    story.world.scheduler.bring(1, lambda: None, "an event")
    story.quiet()
    story.world.scheduler.step()
    story.world.sqs.put(RUNS, enclose(RunRequested(run_id=RUN_ID)), "")

    story.quiet()


def test_a_secret_is_looked_for_wherever_somebody_can_read(story: Story) -> None:
    world = story.world
    over(story)
    told: list[Callable[[], None]] = [
        lambda: world.answers.append("{'body': 's3cr3t'}"),
        lambda: world.batch.terminations.append(("job-1", "s3cr3t")),
        lambda: world.bitbucket.comments.update({("team/churn-model", COMMIT): {1: "s3cr3t"}}),
    ]

    for tell in told:
        tell()
        with pytest.raises(Violation, match="no-secret-told"):
            story.rest()


def test_an_exception_is_foreseen_only_if_all_that_it_tells_of_is_a_fault() -> None:
    denied, away = aws_errors.denied("GetItem"), Unavailable("reading a run")

    assert is_foreseen(ExceptionGroup("asking", [denied, away]))
    assert not is_foreseen(ExceptionGroup("asking", [denied, KeyError("run_id")]))
    assert not is_foreseen(refused("PutItem", "ValidationException"))


@pytest.mark.parametrize(("begins", "ends"), [(-500, -100), (1000, 1900), (0, 0)])
def test_a_message_is_not_given_up_for_an_outage_that_it_outlasts(
    story: Story, begins: float, ends: float
) -> None:
    letter = Message("m1", "{}", sent_at=0, visible_at=0, sender="", first_received_at=0)
    letter.died_at = story.world.sqs.retry_seconds(RUNS)
    story.world.outages.let("batch", begins, ends)
    story.world.sqs.dead(RUNS).append(letter)

    with pytest.raises(Violation, match="early-dead-letter"):
        story.look()


def test_a_message_that_was_given_up_in_an_outage_is_no_violation_yet(story: Story) -> None:
    letter = Message("m1", "{}", sent_at=0, visible_at=0, sender="", first_received_at=0)
    letter.died_at = story.world.sqs.retry_seconds(RUNS)
    story.world.outages.let("batch", 0, letter.died_at)
    story.world.sqs.dead(RUNS).append(letter)

    story.look()


def test_nor_is_one_that_was_given_up_while_its_repository_was_hidden(story: Story) -> None:
    letter = Message("m1", "{}", sent_at=0, visible_at=0, sender="", first_received_at=0)
    letter.died_at = story.world.sqs.retry_seconds(RUNS)
    story.world.ledger.hidden.append((0, letter.died_at))
    story.world.sqs.dead(RUNS).append(letter)

    story.look()
