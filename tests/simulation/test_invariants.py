"""Each invariant is violated once, in a small world made by hand, and found.

A check that cannot fail is none: that the names are all that there are is tested as well.
"""

import re
from pathlib import Path

import pytest

from shared.events import RunRequested, enclose
from shared.runs import ask_again
from tests.samples import (
    NOW,
    RUN_ID,
    a_job,
)
from tests.simulation import invariants
from tests.simulation.choices import Strike
from tests.simulation.job_endings import Ending
from tests.simulation.models.messages import Message
from tests.simulation.story import (
    RUNS,
    Story,
    begun,
    over,
    stopped,
    submitted,
)
from tests.simulation.violated import BREAKS
from tests.simulation.violations import Violation


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


def test_a_second_job_is_none_where_lists_lagged_for_longer_than_a_lease(story: Story) -> None:
    run, job_id = submitted(story)
    story.world.choices.struck.append(Strike(1, 1, "list-lag-beyond", a_job().name))
    second = story.submit(run)

    for job in (job_id, second):
        story.end(job, Ending("succeeded", None, 0))
    last = run.changed(version=4, state="succeeded", exit_code=0, stopped_at=NOW)
    story.publish(story.write(last))
    story.show(last)
    story.rest()


def test_a_second_job_that_nobody_ended_is_found_all_the_same(story: Story) -> None:
    run, _ = over(story)
    story.world.choices.struck.append(Strike(1, 1, "list-lag-beyond", a_job().name))
    story.submit(run)

    with pytest.raises(Violation, match=r"job-runs-on: run 77777777 attempt 1: job job-2"):
        story.rest()


def test_a_message_that_was_given_up_in_an_outage_is_no_violation_yet(story: Story) -> None:
    letter = Message("m1", "{}", sent_at=0, visible_at=0, sender="", first_received_at=0)
    letter.died_at = story.world.sqs.retry_seconds(RUNS)
    story.world.choices.struck.append(Strike(1, 1, "outage-batch", "all of it"))
    story.world.sqs.dead(RUNS).append(letter)

    story.look()
