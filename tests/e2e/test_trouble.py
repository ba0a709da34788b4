"""What people and platforms do to a run: stop it, repeat it, lose its events, refuse its status."""

from datetime import UTC, datetime
from pathlib import Path

from shared import control
from shared.batch_jobs import BatchJobs
from shared.runs import Run
from tests.e2e.gates import events_lost, queues_paused, schedule_off
from tests.e2e.trivial import TRIVIAL, trivial_job
from tests.e2e.world import NAMES, World, until


def _run_until(world: World, branch: str, commit: str, state: str) -> Run:
    def look() -> Run | None:
        run = world.run(TRIVIAL, branch, commit)
        return run if run is not None and run.state == state else None

    found = until(look)
    assert found is not None, world.run(TRIVIAL, branch, commit)
    return found


def test_a_bitbucket_that_answers_429_and_503_for_a_while_delays_a_status_and_loses_none(
    world: World, tmp_path: Path
) -> None:
    trivial_job(world, ["true"])
    clone = world.clone(TRIVIAL, tmp_path / "clone")
    every = {"count": 3, "path_prefix": "/2.0/repositories"}
    ordered = [{"status": 429, "retry_after": 2, **every}, {"status": 503, **every}]
    try:
        faults = [world.bitbucket.add_fault(**fault)["id"] for fault in ordered]
        commit = clone.push("Patience\n\n:ACME_RUN:\n", "patience")
        # Given back twice at the most, a message comes after 15 s and another 30 s.
        assert world.final_status(TRIVIAL, commit)[0] == "SUCCESSFUL"
        met = {fault["id"]: fault["injected"] for fault in world.bitbucket.faults()}
    finally:
        world.bitbucket.clear_faults()

    # No status is posted before each of them has happened as often as it was ordered.
    assert [met[fault] for fault in faults] == [3, 3]
    assert until(lambda: not any(world.messages().values())), world.messages()
    assert world.last_status(TRIVIAL, commit)[0] == "SUCCESSFUL"


def test_events_of_batch_that_never_arrive_are_made_good_by_the_reconciler(
    world: World, tmp_path: Path
) -> None:
    trivial_job(world, ["true"])
    clone = world.clone(TRIVIAL, tmp_path / "clone")

    def reconciled() -> bool:
        world.reconcile()
        return world.last_status(TRIVIAL, commit)[0] == "SUCCESSFUL"

    # Were it on schedule, it might come before anybody has seen the record unmoved.
    with schedule_off(world), events_lost(world):
        commit = clone.push("Silence\n\n:ACME_RUN:\n", "silence")
        run = _run_until(world, "silence", commit, "submitted")
        assert until(lambda: [j for j in world.jobs(run.run_id) if j["status"] == "SUCCEEDED"])
        unmoved = world.run(TRIVIAL, "silence", commit)
        assert unmoved is not None
        assert unmoved.state == "submitted"
        assert until(reconciled)


def test_a_stopped_run_ends_stopped_and_says_by_whom_and_why(world: World, tmp_path: Path) -> None:
    trivial_job(world, ["sleep", "300"])
    clone = world.clone(TRIVIAL, tmp_path / "clone")
    commit = clone.push("Long\n\n:ACME_RUN:\n", "stopped")
    run = _run_until(world, "stopped", commit, "running")

    control.stop(
        run.run_id,
        by="Someone",
        why="the wrong branch",
        now=datetime.now(UTC),
        runs=world.runs,
        jobs=BatchJobs(world.client("batch")),
        publisher=world.publisher(),
    )

    assert world.final_status(TRIVIAL, commit) == (
        "STOPPED",
        "stopped: stopped by Someone: the wrong branch",
    )


def test_a_second_attempt_gets_a_job_and_a_status_of_its_own(world: World, tmp_path: Path) -> None:
    trivial_job(world, ["false"])
    clone = world.clone(TRIVIAL, tmp_path / "clone")
    commit = clone.push("Again\n\n:ACME_RUN:\n", "again")
    assert world.final_status(TRIVIAL, commit)[0] == "FAILED"
    run = world.run(TRIVIAL, "again", commit)
    assert run is not None
    trivial_job(world, ["true"])

    control.rerun(run.run_id, now=datetime.now(UTC), runs=world.runs, publisher=world.publisher())

    assert until(lambda: world.last_status(TRIVIAL, commit)[0] == "SUCCESSFUL")
    assert "attempt 2" in world.last_status(TRIVIAL, commit)[1]
    assert sorted(job["parameters"]["attempt"] for job in world.jobs(run.run_id)) == ["1", "2"]


def test_a_missing_job_definition_is_a_failed_status_that_says_what_to_do(
    world: World, tmp_path: Path
) -> None:
    name = NAMES.job_definition("trivial.jobs")
    trivial_job(world, ["true"])
    batch = world.client("batch")
    active = batch.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")
    for definition in active["jobDefinitions"]:
        batch.deregister_job_definition(jobDefinition=definition["jobDefinitionArn"])
    clone = world.clone(TRIVIAL, tmp_path / "clone")
    commit = clone.push("Too early\n\n:ACME_RUN:\n", "too-early")

    # A definition that was there within the last minute may still be believed in.
    state, description = world.final_status(TRIVIAL, commit)
    assert state == "FAILED"
    assert f"no job definition {name}: add the project, then rerun" in description

    trivial_job(world, ["true"])
    run = world.run(TRIVIAL, "too-early", commit)
    assert run is not None
    control.rerun(run.run_id, now=datetime.now(UTC), runs=world.runs, publisher=world.publisher())
    assert until(lambda: world.last_status(TRIVIAL, commit)[0] == "SUCCESSFUL")


def test_a_lost_machine_is_a_second_try_of_the_same_attempt(world: World, tmp_path: Path) -> None:
    # The first machine has to be seen at work before it is lost, however late anybody looks.
    trivial_job(world, ["sh", "-c", 'test "$AWS_BATCH_JOB_ATTEMPT" -gt 1 || sleep 300'])
    clone = world.clone(TRIVIAL, tmp_path / "clone")
    commit = clone.push("Spot\n\n:ACME_RUN:\n", "spot")
    run = _run_until(world, "spot", commit, "running")
    (job,) = world.jobs(run.run_id)
    # The second one comes once the status has told of it: it is at work for a moment only.
    with queues_paused(world):
        world.batch_control(f"/_control/jobs/{job['jobId']}/reclaim", {})
        assert until(lambda: "try 2" in world.last_status(TRIVIAL, commit)[1])

    assert world.final_status(TRIVIAL, commit)[0] == "SUCCESSFUL"
    ended = world.run(TRIVIAL, "spot", commit)
    assert ended is not None
    assert (ended.attempt, ended.try_number) == (1, 2)


def test_nothing_is_left_in_a_dead_letter_queue(world: World) -> None:
    assert until(lambda: not any(world.messages().values())), world.messages()
    assert world.dead_letters() == {}
