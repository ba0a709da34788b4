"""A sweep that a commit message asks for: points on real DVC, one status, one report."""

from pathlib import Path

from shared.best import BestResults
from tests.e2e.world import World, until

EXAMPLE = "acme/faulty-parts"
SPACE = "learning_rate=0.001,0.01 train.epochs=20,40"


def test_a_sweep_of_a_commit_ends_with_one_status_one_report_and_its_best_results(
    world: World, tmp_path: Path
) -> None:
    clone = world.clone(EXAMPLE, tmp_path / "clone")
    message = f"Sweep\n\n:ACME_RUN:\n:ACME_SWEEP: {SPACE}\n:ACME_OBJECTIVE: max accuracy\n"
    commit = clone.push(message, "swept")

    state, description = world.final_status(EXAMPLE, commit)
    assert state == "SUCCESSFUL", description
    run = world.run(EXAMPLE, "swept", commit)
    assert run is not None
    # A look comes every 30 s, and the report after the one that finds the end.
    comments = until(lambda: world.bitbucket.comments(EXAMPLE, commit))
    (job,) = world.jobs(run.run_id)
    assert job["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 4
    (text,) = [comment["content"]["raw"] for comment in comments]
    assert "4 of 4 done" in text
    assert "| point | accuracy | learning_rate | train.epochs |" in text
    assert len(world.bitbucket.status_history(EXAMPLE, commit)) == 1
    until(lambda: "best accuracy" in world.last_status(EXAMPLE, commit)[1])
    assert "4 of 4 done, best accuracy 0.9" in world.last_status(EXAMPLE, commit)[1]
    dynamodb = world.client("dynamodb")
    (table,) = [name for name in dynamodb.list_tables()["TableNames"] if "BestResults" in name]
    kept = BestResults(dynamodb, table).read(EXAMPLE, "accuracy")
    assert len(kept) == 3
    assert {one.sweep_id for one in kept} == {run.run_id}
    assert not any(world.dead_letters().values())
