"""What goes wrong while a sweep is looked after: forks, cut-offs, lost messages, refusals."""

from typing import Any

import pytest

from shared.bitbucket import CredentialsRefused, UnexpectedAnswer
from shared.errors import Unavailable
from shared.events import RunStateChanged, SweepDue, enclose
from shared.sweep_results import SweepResults
from tests.fakes import NO_ANSWER
from tests.integration.service_chain import BUCKET, SWEEP_SECONDS, Chain
from tests.integration.sweep_chain import JUDGED, SIX, comment, look, looks
from tests.samples import COMMIT


def test_an_event_without_the_count_of_children_does_not_end_a_sweep(chain: Chain) -> None:
    run_id = chain.swept(SIX)
    chain.batch.children("job-1", SUCCEEDED=5, FAILED=1)
    bare = chain.batch.event("job-1", arrayProperties={"size": 6})
    chain.hear(bare)

    assert chain.run(run_id).state == "submitted"

    look(chain)

    assert chain.run(run_id).reason == "1 of 6 points failed"


def test_an_event_of_a_child_changes_nothing(chain: Chain) -> None:
    run_id = chain.swept(SIX)
    before = chain.run(run_id)
    chain.hear(
        chain.batch.event("job-1", jobId="job-1:3", status="FAILED", arrayProperties={"index": 3})
    )

    assert chain.run(run_id) == before


def test_a_second_chain_of_looks_ends(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    chain.batch.children("job-1", RUNNING=6)
    chain.clock.advance(8)
    chain.send("sweeps", enclose(SweepDue(run_id=run_id)))
    assert looks(chain) == 2

    chain.settle(5 * SWEEP_SECONDS)

    assert looks(chain) == 1


@pytest.mark.parametrize("apart", range(1, 30, 2))
def test_two_chains_of_looks_become_one_however_far_they_are_apart(
    chain: Chain, apart: int
) -> None:
    run_id = chain.swept(JUDGED)
    chain.batch.children("job-1", RUNNING=6)
    chain.settle(apart)
    chain.send("sweeps", enclose(SweepDue(run_id=run_id)))
    chain.settle(4 * SWEEP_SECONDS)

    assert looks(chain) == 1


def test_a_look_that_is_delivered_twice_leaves_one_chain(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    chain.batch.children("job-1", RUNNING=6)
    look(chain)
    (due,) = [message.body for message in chain.messages]
    chain.send("sweeps", due)
    chain.settle(4 * SWEEP_SECONDS)

    assert looks(chain) == 1
    assert chain.run(run_id).progress is not None


def test_a_look_given_back_after_it_sent_the_next_leaves_one_chain(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = chain.swept(JUDGED)
    chain.batch.children("job-1", RUNNING=6)
    publish = chain.publish
    away = [Unavailable("putting events: away")]

    def halfway(events: Any) -> None:
        publish(events)
        if away:
            raise away.pop()

    monkeypatch.setattr(chain, "publish", halfway)
    chain.settle(SWEEP_SECONDS + 20)
    assert looks(chain) == 2

    chain.settle(4 * SWEEP_SECONDS)

    assert looks(chain) == 1
    assert chain.run(run_id).state == "running"


def test_a_stop_whose_terminate_was_lost_is_repeated_by_the_next_look(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    chain.batch.children("job-1", RUNNING=6)
    look(chain)
    chain.batch.fail_next("terminate_job", NO_ANSWER)
    with pytest.raises(Unavailable):
        chain.stop(run_id)
    look(chain)

    assert [job_id for job_id, _ in chain.batch.terminated] == ["job-1"]


@pytest.mark.parametrize(
    "body",
    [
        b"[1]",
        b'{"parameters": {"lr": 0.',
        b'{"parameters": [1]}',
        b'{"parameters": {"lr": NaN}}',
        b'{"parameters": {"lr": "\\ud800"}}',
        b'{"parameters": {}, "reason": 3}',
        b"\xff",
        b"[" * 200_000,
        None,
    ],
)
def test_a_result_that_cannot_be_read_is_reported_and_not_kept(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, body: bytes | None
) -> None:
    run_id = chain.swept(JUDGED)
    chain.leave(run_id, 0, 0.7)
    for key in (chain.leave(run_id, 1, 0.9), chain.leave(run_id, 2, reason="stage failed")):
        if body is not None:
            chain.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    if body is None:
        vanish(monkeypatch, "_00001_", "_00002_")
    chain.hear(chain.batch.children("job-1", SUCCEEDED=5, FAILED=1))
    look(chain)

    text = comment(chain, run_id)
    assert "| 1 | 0.9 |" in text
    assert "- point 2 (): its result cannot be read" in text
    assert [one.index for one in chain.best.read("team/churn-model", "accuracy")] == [0]
    assert chain.messages == []


def vanish(monkeypatch: pytest.MonkeyPatch, *parts: str) -> None:
    """Let results be gone between their listing and their reading."""
    read = SweepResults.body

    def gone(results: SweepResults, key: str) -> Any:
        if any(part in key for part in parts):
            raise LookupError(key)
        return read(results, key)

    monkeypatch.setattr(SweepResults, "body", gone)


def test_a_job_that_batch_does_not_know_yet_is_waited_for(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    hidden = chain.batch.jobs.pop("job-1")
    look(chain)
    assert chain.run(run_id).state == "submitted"

    chain.batch.jobs["job-1"] = hidden
    chain.batch.children("job-1", SUCCEEDED=1, RUNNING=5)
    look(chain)

    assert chain.run(run_id).state == "running"
    assert looks(chain) == 1


def test_a_sweep_whose_job_batch_has_forgotten_ends_after_seven_days(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    chain.batch.forget("job-1")
    chain.messages.clear()  # 20,160 looks
    chain.clock.advance(7 * 86_400 - 60)
    chain.send("sweeps", enclose(SweepDue(run_id=run_id)))
    look(chain)
    assert chain.run(run_id).state == "submitted"

    chain.settle(3 * SWEEP_SECONDS)

    assert chain.run(run_id).reason == (
        "Batch does not know the job any more: how it ended is not known"
    )
    assert looks(chain) == 0


def test_many_chains_of_looks_become_one_while_batch_does_not_show_the_job(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    hidden = chain.batch.jobs.pop("job-1")
    for _ in range(5):
        chain.clock.advance(1)
        chain.send("sweeps", enclose(SweepDue(run_id=run_id)))
    chain.settle(3 * SWEEP_SECONDS)

    assert looks(chain) == 1
    assert chain.run(run_id).state == "submitted"

    chain.settle(3600)
    assert (looks(chain), chain.reconcile()) == (1, [])
    chain.batch.jobs["job-1"] = hidden
    chain.batch.children("job-1", SUCCEEDED=6)
    chain.settle(3 * SWEEP_SECONDS)

    assert chain.run(run_id).state == "succeeded"
    assert looks(chain) == 0


@pytest.mark.parametrize("ends_after", [300, 600, 1500, 6000])
def test_a_look_that_finds_the_sweep_over_sends_no_other_however_long_it_took(
    chain: Chain, ends_after: int
) -> None:
    run_id = chain.swept(JUDGED)
    chain.batch.children("job-1", RUNNING=6)
    chain.settle(ends_after)
    assert looks(chain) == 1

    chain.hear(chain.batch.children("job-1", SUCCEEDED=6))
    chain.settle(2 * SWEEP_SECONDS)

    assert looks(chain) == 0
    assert comment(chain, run_id)


def test_the_figures_are_in_the_record_while_the_comment_is_refused(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    chain.leave(run_id, 0, 0.7)
    chain.hear(chain.batch.children("job-1", SUCCEEDED=6))
    chain.bitbucket.refusals = [CredentialsRefused("commenting: 403")]
    look(chain)

    run = chain.run(run_id)
    assert run.progress is not None
    assert (run.progress.best, run.progress.complete) == ("0.7", False)


def test_a_comment_that_bitbucket_calls_malformed_is_left_out(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    chain.leave(run_id, 0, 0.7)
    chain.hear(chain.batch.children("job-1", SUCCEEDED=6))
    chain.bitbucket.refusals = [UnexpectedAnswer("commenting: 400: too long")]
    look(chain)

    run = chain.run(run_id)
    assert run.progress is not None
    assert run.progress.complete
    assert chain.bitbucket.comments == {}
    assert chain.messages == []


def test_an_attempt_run_again_before_it_was_concluded_leaves_its_best_results(
    chain: Chain,
) -> None:
    run_id = chain.swept(JUDGED)
    chain.leave(run_id, 0, 0.7)
    chain.hear(chain.batch.children("job-1", FAILED=6))
    chain.rerun(run_id)
    look(chain)

    assert [one.objective for one in chain.best.read("team/churn-model", "accuracy")] == [0.7]
    assert chain.bitbucket.comments == {}
    assert looks(chain) == 1


def test_an_attempt_run_again_while_it_is_concluded_tells_nothing_that_no_record_said(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = chain.swept(JUDGED)
    chain.leave(run_id, 0, 0.7)
    chain.hear(chain.batch.children("job-1", FAILED=6))
    comment_on = chain.bitbucket.comment

    def run_again_meanwhile(*told: Any) -> None:
        monkeypatch.setattr(chain.bitbucket, "comment", comment_on)
        comment_on(*told)
        chain.rerun(run_id)

    monkeypatch.setattr(chain.bitbucket, "comment", run_again_meanwhile)
    look(chain)

    told = [event for event in chain.events if isinstance(event, RunStateChanged)]
    assert chain.run(run_id).attempt == 2
    assert [event for event in told if event.progress and event.progress.complete] == []


def test_a_look_cut_off_before_it_told_is_made_good(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    chain.batch.children("job-1", SUCCEEDED=1, RUNNING=5)
    chain.leave(run_id, 0, 0.9)
    chain.publishing_crashes = 1
    chain.settle(SWEEP_SECONDS + 1)
    assert chain.run(run_id).state == "running"
    assert "submitted" in chain.status["description"]

    chain.settle(400)

    assert chain.status["description"] == "1 of 6 done, best accuracy 0.9"
    assert looks(chain) == 1


def test_a_look_that_could_not_tell_goes_on_as_soon_as_it_can(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = chain.swept(JUDGED)
    chain.batch.children("job-1", SUCCEEDED=1, RUNNING=5)
    publish = chain.publish
    away = [Unavailable("sending to a queue: away")]

    def refusing(events: Any) -> None:
        if away:
            raise away.pop()
        publish(events)

    monkeypatch.setattr(chain, "publish", refusing)
    chain.settle(SWEEP_SECONDS + 20)

    assert chain.run(run_id).state == "running"
    assert chain.status["description"] == "1 of 6 done"
    assert looks(chain) == 1


def test_the_reconciler_begins_the_looks_anew_where_they_were_lost(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    chain.messages.clear()
    chain.batch.children("job-1", SUCCEEDED=2, RUNNING=4)
    chain.settle(400)
    assert chain.run(run_id).progress is None

    found = chain.reconcile()
    look(chain)

    assert SweepDue(run_id=run_id) in found
    assert chain.status["description"] == "2 of 6 done"
    assert looks(chain) == 1


def test_the_reconciler_leaves_a_sweep_alone_that_is_looked_after(chain: Chain) -> None:
    chain.swept(JUDGED)
    chain.batch.children("job-1", RUNNING=6)
    chain.settle(20 * SWEEP_SECONDS)

    assert chain.reconcile() == []


def test_a_comment_that_bitbucket_refuses_is_tried_again_and_stands_once(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    chain.leave(run_id, 0, 0.7)
    chain.hear(chain.batch.children("job-1", SUCCEEDED=6))
    chain.bitbucket.refusals = [CredentialsRefused("commenting: 403")]
    look(chain)
    assert chain.bitbucket.comments == {}

    chain.settle(30)

    assert "best accuracy 0.7" in comment(chain, run_id)
    assert chain.messages == []


def test_a_conclusion_cut_off_before_it_told_is_told_by_the_next_delivery(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    chain.hear(chain.batch.children("job-1", SUCCEEDED=6))
    chain.leave(run_id, 0, 0.7)
    chain.publishing_crashes = 1
    look(chain)
    assert chain.status["description"].endswith("6 of 6 done")

    chain.settle(400)

    assert chain.status["description"].endswith("6 of 6 done, best accuracy 0.7")
    assert chain.messages == []


def test_the_last_figures_are_marked_so_that_nobody_is_mailed_twice(chain: Chain) -> None:
    chain.swept(JUDGED)
    chain.hear(chain.batch.children("job-1", FAILED=6))
    look(chain)

    ends = [e for e in chain.events if isinstance(e, RunStateChanged) and e.state == "failed"]
    assert [one.progress and one.progress.complete for one in ends] == [False, True]


def test_a_report_is_kept_for_a_commit_that_is_not_visible_for_a_moment(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    chain.leave(run_id, 0, 0.7)
    chain.bitbucket.gone.add(COMMIT)
    chain.hear(chain.batch.children("job-1", SUCCEEDED=6))
    look(chain)
    assert chain.bitbucket.comments == {}

    chain.bitbucket.gone.clear()
    chain.settle(80)

    assert "best accuracy 0.7" in comment(chain, run_id)
    assert chain.messages == []


def test_a_gone_commit_keeps_nothing_from_ending(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    chain.bitbucket.gone.add(COMMIT)
    chain.hear(chain.batch.children("job-1", SUCCEEDED=6))
    look(chain)
    chain.settle(1200)

    run = chain.run(run_id)
    assert run.progress is not None
    assert run.progress.complete
