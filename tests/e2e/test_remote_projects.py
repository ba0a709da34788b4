"""A commit of a project that runs on a machine of one's own, as it would run in AWS Batch."""

import json
from pathlib import Path

import pytest

from shared.runs import Run
from tests.e2e.jobs_projects import PIPELINES, Asked, Project, pipeline
from tests.e2e.machines_world import (
    archive,
    disk,
    has_ended,
    instance,
    named,
    run_of,
    specification,
)
from tests.e2e.test_runs_commands import going, typed
from tests.e2e.world import RUN_SECONDS, World, until

BRANCH = "of-ones-own"
TRAIN = """
import json, os, sys
rate = float(open("rate.txt").read())
json.dump({"loss": 1 - rate, "instance": bool(os.environ.get("CLOUD_RUNNER_RUN_ID"))},
          open("metrics.json", "w"))
print("trained at", rate)
"""
STAGES = """
stages:
  train:
    cmd: COMMAND
    deps: [train.py, rate.txt]
    metrics:
    - metrics.json: {cache: false}
"""
HELD = "while ! test -e {folder}/go-on; do sleep 0.1; done; python train.py"


@pytest.fixture(scope="module")
def ran(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Asked, Run, str]:
    """A commit that asks for nothing, its run on a machine, and that machine."""
    folder = tmp_path_factory.mktemp("own")
    project = Project(world, PIPELINES, BRANCH, folder)
    stages = STAGES.replace("COMMAND", HELD)
    files = pipeline(folder, stages, **{"train.py": TRAIN, "rate.txt": "0.25"})
    asked = project.push("Something for a machine of one's own\n", files)
    words = ("--git", PIPELINES, "--branch", BRANCH, "--tags", f"Name={BRANCH}")
    told = ("--launchspec", specification(folder), "--results-path", "metrics.json")
    with going(world, "remote", "create", "setup", "experiment", *told, *words) as command:
        # Its first status is there before its work can be over.
        assert until(lambda: world.statuses(PIPELINES, asked.commit)), command.poll()
        (folder / "go-on").touch()
        _, said = command.communicate(timeout=RUN_SECONDS)
        assert command.returncode == 0, said
    (machine,) = (one["InstanceId"] for one in named(world, BRANCH))
    run = run_of(world, machine)
    return Asked(project, asked.commit, run.run_id), run, machine


def test_its_record_and_its_build_status_are_those_of_the_commit(
    world: World, ran: tuple[Asked, Run, str]
) -> None:
    asked, run, machine = ran
    state, description = asked.ended()
    history = world.bitbucket.status_history(PIPELINES, asked.commit)

    assert (run.state, run.commit, run.branch) == ("succeeded", asked.commit, BRANCH)
    assert run.repository is not None
    assert run.repository.full_name == PIPELINES
    assert state == "SUCCESSFUL", description
    (status,) = history
    assert status["writes"][0]["state"] == "INPROGRESS"
    assert machine in json.dumps(status)


def test_its_results_are_a_commit_and_a_comment(ran: tuple[Asked, Run, str]) -> None:
    asked, _, _ = ran
    head, branch = asked.result()

    assert branch == BRANCH
    assert json.loads(asked.file(head, "metrics.json")) == {"loss": 0.75, "instance": True}
    assert "loss" in asked.comment(head)


def test_results_of_its_own_clone_are_in_the_archive(
    world: World, ran: tuple[Asked, Run, str]
) -> None:
    _, run, _ = ran
    assert run.machine is not None
    stored = archive(world, run.machine.archive)

    assert json.loads(stored["metrics.json"])["loss"] == 0.75


def test_its_machine_has_ended_and_has_no_secret_on_its_disk(
    world: World, ran: tuple[Asked, Run, str]
) -> None:
    _, _, machine = ran
    token = world.told["bitbucket_token"].encode()

    assert has_ended(world, machine)
    # Nothing of it changes any more.
    files = [path for path in disk(world, machine).rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if token in path.read_bytes()]


def test_a_commit_that_fails_has_a_failed_status(world: World, tmp_path: Path) -> None:
    project = Project(world, PIPELINES, f"{BRANCH}-that-fails", tmp_path)
    stages = STAGES.replace("COMMAND", "exit 9")
    files = pipeline(tmp_path, stages, **{"train.py": TRAIN, "rate.txt": "0.25"})
    asked = project.push("Something that cannot work\n", files)
    words = ("--git", PIPELINES, "--commit", asked.commit, "--tags", f"Name={BRANCH} fails")
    file = specification(tmp_path)
    actions = ("create", "setup", "experiment")
    typed(world, "remote", *actions, "--launchspec", file, *words, code=3)
    (machine,) = (one["InstanceId"] for one in named(world, f"{BRANCH} fails"))
    run = run_of(world, machine)

    assert Asked(project, asked.commit, run.run_id).ended()[0] == "FAILED"
    assert run.state == "failed"
    assert until(lambda: instance(world, machine)["State"]["Name"] == "terminated")
