"""What the job's machine or Bitbucket may do to a run without taking anything from its results."""

from pathlib import Path

from tests.e2e.gates import queues_paused
from tests.e2e.jobs_projects import PIPELINES, SPOT, Project, empty_cache, pipeline
from tests.e2e.world import World, until

# The metric is not cached by DVC, and `first` is the one stage that makes it.
STAGES = """
stages:
  first:
    cmd: echo first >> {folder}/trace && cp first.in first.txt && echo '{"m":1}' > first.json
    deps: [first.in]
    outs: [first.txt]
    metrics:
    - first.json: {cache: false}
  second:
    cmd: echo second >> {folder}/trace && mkdir -p second && cp first.txt second/file
    deps: [first.txt]
    outs: [second]
  third:
    cmd: >-
      echo third >> {folder}/trace &&
      (test -e {folder}/reached || (touch {folder}/reached; exec sleep 3600)) &&
      cp second/file third.txt
    deps: [second]
    outs: [third.txt]
  fourth:
    cmd: echo fourth >> {folder}/trace && cp third.txt fourth.txt
    deps: [third.txt]
    outs: [fourth.txt]
"""
HELD = """
stages:
  only:
    cmd: >-
      touch {folder}/reached && echo only >> {folder}/trace &&
      while ! test -e {folder}/go-on; do sleep 0.1; done && cp only.in only.txt
    deps: [only.in]
    outs: [only.txt]
"""


def test_a_machine_lost_in_stage_three_costs_stage_three(world: World, tmp_path: Path) -> None:
    project = Project(world, SPOT, "main", tmp_path)
    empty_cache(world, SPOT)  # what other tests' stages have left there would be saved, too
    asked = project.push(":ACME_RUN:\n", pipeline(tmp_path, STAGES, **{"first.in": "1\n"}))
    assert until((tmp_path / "reached").exists), asked.log()
    # The first two have ended: they are saved while the third one runs.
    assert until(lambda: project.remembered() == 2), asked.log()

    # The next machine is another one: it comes when the first one's cache is gone.
    with queues_paused(world):
        world.batch_control(f"/_control/jobs/{asked.job()['jobId']}/reclaim", {})
        assert until(lambda: asked.job()["status"] == "RUNNABLE")
        empty_cache(world, SPOT)

    assert asked.ended()[0] == "SUCCESSFUL"
    assert project.executions() == ["first", "second", "third", "third", "fourth"]
    run = asked.record("succeeded")
    assert (run.attempt, run.try_number) == (1, 2)
    commit, branch = asked.result()
    assert branch == "main"
    assert asked.file(commit, "first.json") == '{"m":1}'
    assert "attempt 1, try 2" in asked.comment(commit)


def test_results_wait_for_a_bitbucket_that_is_away(world: World, tmp_path: Path) -> None:
    project = Project(world, PIPELINES, "away", tmp_path)
    asked = project.push(":ACME_RUN:\n", pipeline(tmp_path, HELD, **{"only.in": "1\n"}))
    assert until((tmp_path / "reached").exists), asked.log()
    asked.record("running")

    world.bitbucket.go_away()
    try:
        (tmp_path / "go-on").touch()
        # Two tries were in vain, and the next one is 8 s away.
        assert until(lambda: "trying again in 8 s" in asked.log()), asked.log()
    finally:
        world.bitbucket.clear_faults()

    assert asked.ended()[0] == "SUCCESSFUL"
    commit, branch = asked.result()
    assert branch == "away"
    assert "**Succeeded**" in asked.comment(commit)
    assert project.executions() == ["only"]


def test_nothing_is_left_in_a_dead_letter_queue(world: World) -> None:
    assert until(lambda: not any(world.messages().values())), world.messages()
    assert world.dead_letters() == {}
