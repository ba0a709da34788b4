"""A sweep from its keyword to its report, through all services."""

import pytest

from shared.events import RunId, Sweep, SweepDue, enclose
from shared.runs import Run
from tests.integration.service_chain import Chain
from tests.integration.sweep_chain import JUDGED, ask, comment, look, looks


def test_a_sweep_of_one_point_is_a_plain_job_that_goes_its_way(chain: Chain) -> None:
    run_id = chain.swept(":ACME_RUN:\n:ACME_SWEEP: lr=0.1\n:ACME_OBJECTIVE: accuracy")
    chain.batch.move("job-1", "RUNNING")
    look(chain)
    running = chain.run(run_id)
    chain.leave(run_id, 0, 0.5)
    chain.hear(chain.batch.move("job-1", "SUCCEEDED"))
    look(chain)

    assert "arrayProperties" not in chain.batch.submissions[0]
    assert running.progress is not None
    assert (running.state, running.progress.running) == ("running", 1)
    assert chain.status["description"].endswith("1 of 1 done, best accuracy 0.5")


def test_a_sweep_tells_how_far_it_is_and_ends_with_one_report(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    chain.batch.children("job-1", PENDING=3, RUNNING=2, SUCCEEDED=1)
    chain.leave(run_id, 0, 0.9)
    look(chain)
    first = chain.status["description"]
    chain.batch.children("job-1", PENDING=1, RUNNING=2, SUCCEEDED=3)
    chain.leave(run_id, 1, 0.94)
    chain.leave(run_id, 2, 0.93)
    look(chain)
    second = chain.status["description"]
    for index in (3, 4, 5):
        chain.leave(run_id, index, 0.1 * index)
    chain.clock.advance(10)
    chain.hear(chain.batch.children("job-1", SUCCEEDED=6))
    look(chain)

    assert first == "1 of 6 done, best accuracy 0.9"
    assert second == "3 of 6 done, best accuracy 0.94"
    assert chain.status["state"] == "SUCCESSFUL"
    assert chain.status["description"].endswith(": 6 of 6 done, best accuracy 0.94")
    assert "| 1 | 0.94 | 0.1 | 2 |" in comment(chain, run_id)
    assert len(chain.bitbucket.comments) == 1
    assert [
        (one.objective, one.index) for one in chain.best.read("team/churn-model", "accuracy")
    ] == [
        (0.94, 1),
        (0.93, 2),
        (0.9, 0),
    ]
    assert chain.messages == []


def test_the_end_is_found_by_a_look_where_batch_says_nothing(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    for index in range(6):
        chain.leave(run_id, index, 0.1 * index)
    chain.batch.children("job-1", SUCCEEDED=6)
    look(chain)

    assert chain.run(run_id).state == "succeeded"
    assert "6 of 6 done, best accuracy 0.5" in chain.status["description"]
    assert chain.bitbucket.comments == {}

    look(chain)

    assert "6 of 6 done" in comment(chain, run_id)
    assert looks(chain) == 0


def test_watching_asks_batch_once_a_look_however_many_points_there_are(chain: Chain) -> None:
    chain.swept(":ACME_RUN:\n:ACME_SWEEP: seed=range(0,1000)")
    for done in (10, 500, 990):
        chain.batch.children("job-1", RUNNING=10, SUCCEEDED=done, PENDING=990 - done)
        look(chain)

    assert chain.batch.described == [1, 1, 1]


def test_a_status_is_posted_only_when_something_has_changed(chain: Chain) -> None:
    chain.swept(JUDGED)
    chain.batch.children("job-1", RUNNING=6)
    look(chain)
    posted = len(chain.bitbucket.posted)
    for _ in range(10):
        look(chain)

    assert len(chain.bitbucket.posted) == posted
    assert looks(chain) == 1


@pytest.mark.parametrize("failed", [0, 1, 3])
def test_failed_points_beyond_the_tolerated_share_fail_the_sweep(chain: Chain, failed: int) -> None:
    sweep = Sweep(sweep_id="s1", size=60, tolerated_percent=4)
    run_id = ask(chain, sweep)
    chain.hear(chain.batch.children("job-1", SUCCEEDED=60 - failed, FAILED=failed))

    run = chain.run(run_id)
    assert run.progress is not None
    assert (run.progress.succeeded, run.progress.failed) == (60 - failed, failed)
    if failed > 2:
        said = "3 of 60 points failed: more than the 4 % that are tolerated"
        assert (run.state, run.reason) == ("failed", said)
        assert chain.status["description"] == f"failed: {said} (60 of 60 done, 3 failed)"
    else:
        assert (run.state, run.reason) == ("succeeded", None)


def test_the_report_says_why_the_first_points_failed(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    for index in (5, 2, 3, 1):
        chain.leave(run_id, index, reason=f"stage train failed with {index}")
        chain.clock.advance(1)
    chain.leave(run_id, 0, 0.7)
    chain.hear(chain.batch.children("job-1", SUCCEEDED=1, FAILED=5))
    look(chain)

    text = comment(chain, run_id)
    assert "5 points failed, the first of them:" in text
    assert "- point 5 (lr=0.01, depth=3): stage train failed with 5" in text
    assert "failed with 1" not in text
    assert f"`cloud-runner sweep results {run_id}`" in text


def test_a_stopped_sweep_is_stopped_whatever_its_points_did(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    chain.leave(run_id, 0, 0.7)
    chain.batch.children("job-1", SUCCEEDED=1, RUNNING=5)
    look(chain)
    chain.stop(run_id)
    look(chain)
    look(chain)

    assert chain.run(run_id).state == "stopped"
    assert chain.status["description"].startswith("stopped: stopped by Someone: too slow (")
    assert "**Sweep stopped**" in comment(chain, run_id)


def test_a_rerun_is_another_attempt_whose_results_alone_count(chain: Chain) -> None:
    run_id = chain.swept(JUDGED)
    chain.leave(run_id, 0, 0.99)
    chain.hear(chain.batch.children("job-1", SUCCEEDED=1, FAILED=5))
    look(chain)
    chain.rerun(run_id)
    chain.settle()
    chain.leave(run_id, 0, 0.5)
    chain.batch.children("job-2", SUCCEEDED=1, RUNNING=5)
    look(chain)

    assert len(chain.batch.submissions) == 2
    assert chain.status["description"] == "attempt 2: 1 of 6 done, best accuracy 0.5"


def test_a_quiet_wave_is_followed_and_nothing_is_said_of_it(chain: Chain) -> None:
    run_id = ask(chain, Sweep(sweep_id="s1", size=6, objective="accuracy"), quiet=True)
    chain.leave(run_id, 0, 0.7)
    chain.batch.children("job-1", SUCCEEDED=1, RUNNING=5)
    look(chain)
    chain.hear(chain.batch.children("job-1", SUCCEEDED=6))
    look(chain)

    run = chain.run(run_id)
    assert run.progress is not None
    assert (run.state, run.progress.best) == ("succeeded", "0.7")
    assert chain.bitbucket.posted == []
    assert chain.bitbucket.comments == {}
    assert chain.messages == []


def test_a_message_about_another_attempt_or_no_sweep_is_acknowledged(chain: Chain) -> None:
    plain: RunId = chain.started()
    run: Run = chain.run(plain)
    for due in (
        SweepDue(run_id=plain),
        SweepDue(run_id=plain, attempt=7),
        SweepDue(run_id=RunId("f" * 24)),
    ):
        chain.send("sweeps", enclose(due))
    look(chain)

    assert chain.run(plain) == run
    assert chain.messages == []


def test_why_the_points_wait_is_shown_as_batch_says_it_of_one(chain: Chain) -> None:
    chain.swept(JUDGED)
    chain.batch.children("job-1", RUNNABLE=6)
    look(chain)
    of_a_child = {"jobId": "job-1:3", "status": "RUNNABLE", "arrayProperties": {"index": 3}}
    why = {"statusReason": "CAPACITY: none"}
    chain.hear(chain.batch.event("job-1", "Batch Job Queue Blocked", **of_a_child, **why))
    look(chain)
    before = chain.status["description"]
    chain.settle(660)
    after = chain.status["description"]
    chain.batch.children("job-1", RUNNING=1, RUNNABLE=5)
    look(chain)

    assert before == "submitted: 6 points wait for machines"
    assert after == "submitted: 6 points wait, because CAPACITY: none"
    assert chain.status["description"] == "0 of 6 done"
    assert looks(chain) == 1
