"""How a job's run ends where not all goes well, and that what had finished is safe then."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared import control
from shared.batch_jobs import BatchJobs
from tests.e2e.jobs_projects import PIPELINES, SPOT, Asked, Project, empty_cache, pipeline
from tests.e2e.world import World, until

STAGES = """
stages:
  first:
    cmd: echo first >> {folder}/trace && cp first.in first.txt
    deps: [first.in]
    outs: [first.txt]
  second:
    cmd: echo second >> {folder}/trace && SECOND && cp first.txt second.txt
    deps: [first.txt]
    outs: [second.txt]
"""
_HELD = "touch {folder}/reached && while ! test -e {folder}/go-on; do sleep 0.1; done"
_FAILING = "(test -e {folder}/mended || (seq 1000 1200; echo 'no | good'; exit 3))"

Pushed = dict[str, Asked]


@pytest.fixture(scope="module")
def pushed(world: World, tmp_path_factory: pytest.TempPathFactory) -> Pushed:
    """Three runs at once; the one that is held here ends with the first test."""
    seconds = {"moved": _HELD, "failing": _FAILING, "release/protected": _HELD}
    asked = {}
    empty_cache(world, SPOT)  # what other tests' stages have left there would be saved, too
    for branch, second in seconds.items():
        name = branch.rpartition("/")[2]
        full_name = SPOT if name == "failing" else PIPELINES
        project = Project(world, full_name, branch, tmp_path_factory.mktemp(name))
        asked[name] = project.push(":ACME_RUN: second\n", two_stages(project, name, second))
    # Now that the commit is there, and before its result can be.
    world.bitbucket.protect(PIPELINES, "release/*")
    (asked["protected"].project.folder / "go-on").touch()
    return asked


def two_stages(project: Project, content: str, second: str) -> dict[str, str]:
    stages = STAGES.replace("SECOND", second)
    return pipeline(project.folder, stages, **{"first.in": f"first of {content}\n"})


def test_a_branch_that_moves_during_the_run_keeps_what_was_pushed_to_it(pushed: Pushed) -> None:
    asked = pushed["moved"]
    assert until((asked.project.folder / "reached").exists), asked.log()
    moved = asked.project.push("Meanwhile\n")
    (asked.project.folder / "go-on").touch()

    assert asked.ended()[0] == "SUCCESSFUL"
    commit, branch = asked.result()
    beside = f"results/moved/{asked.commit[:7]}-{asked.run_id}"
    assert branch == beside
    assert asked.branches() == {"moved": moved.commit, beside: commit}
    assert asked.show("--format=%P", commit) == asked.commit
    assert f"results are on {beside}" in asked.comment(commit)
    assert moved.comments() == []


def test_a_protected_branch_is_left_alone_and_the_comment_says_where_the_results_are(
    pushed: Pushed,
) -> None:
    asked = pushed["protected"]

    assert asked.ended()[0] == "SUCCESSFUL"
    commit, branch = asked.result()
    beside = f"results/release/protected/{asked.commit[:7]}-{asked.run_id}"
    assert branch == beside
    assert asked.branches() == {"release/protected": asked.commit, beside: commit}
    comment = asked.comment(commit)
    assert "release/protected is protected from these credentials" in comment
    assert f"results are on {beside}" in comment
    assert beside in asked.comment()


def test_a_failing_stage_is_told_where_it_was_asked_for_and_costs_itself_alone(
    pushed: Pushed, world: World
) -> None:
    asked = pushed["failing"]
    project = asked.project

    state, words = asked.ended()
    assert state == "FAILED"
    assert "a stage failed: its last lines are in the commit's comment (exit code 71)" in words
    assert asked.branches() == {"failing": asked.commit}
    (first,) = asked.comments()
    assert "**Failed**" in first["content"]["raw"]
    assert "\n1200\nno | good\n" in first["content"]["raw"]
    assert "\n1000\n" not in first["content"]["raw"]
    assert "| second | **failed** |" in first["content"]["raw"]
    assert project.stored() == {"first of failing\n"}
    assert project.remembered() == 1
    assert b"\n1000\n" in asked.kept()["job.log"]

    (project.folder / "mended").touch()
    empty_cache(world, SPOT)
    control.rerun(asked.run_id, now=datetime.now(UTC), runs=world.runs, publisher=world.publisher())

    state, words = asked.ended(attempt=2)
    assert (state, words.partition(": ")[0]) == ("SUCCESSFUL", "attempt 2")
    assert project.executions() == ["first", "second", "second"]
    commit, branch = asked.result(attempt=2)
    assert branch == "failing"
    (second,) = asked.comments()
    assert second["id"] == first["id"]
    assert commit in second["content"]["raw"]
    assert "**Failed**" not in second["content"]["raw"]
    assert "attempt 2" in asked.comment(commit)


def test_a_run_that_is_stopped_in_a_stage_leaves_what_had_finished_and_no_commit(
    world: World, tmp_path: Path
) -> None:
    project = Project(world, PIPELINES, "stopped", tmp_path)
    asked = project.push(":ACME_RUN:\n", two_stages(project, "stopped", _HELD))
    assert until((tmp_path / "reached").exists), asked.log()
    asked.record("running")
    # Before it is asked to end, for which a container has half a minute.
    assert until(lambda: "first of stopped\n" in project.stored()), asked.log()

    control.stop(
        asked.run_id,
        by="Someone",
        why="the wrong data",
        now=datetime.now(UTC),
        runs=world.runs,
        jobs=BatchJobs(world.client("batch")),
        publisher=world.publisher(),
    )

    assert asked.ended() == ("STOPPED", "stopped: stopped by Someone: the wrong data")
    assert asked.job()["container"]["exitCode"] == 143
    assert project.executions() == ["first", "second"]
    assert "first of stopped\n" in project.stored()
    assert asked.branches() == {"stopped": asked.commit}
    assert b"interrupted by SIGTERM" in asked.kept()["job.log"]
