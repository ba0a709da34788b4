"""The main job: a pushed commit becomes a job, a status and a result commit, on real DVC."""

from pathlib import Path
from typing import Any

from local.layout import Tools
from local.results import metric_differences, result_commit
from tests.e2e.gates import queues_paused
from tests.e2e.world import World, until

EXAMPLE = "acme/faulty-parts"


def _resources(job: dict[str, Any]) -> dict[str, str]:
    return {r["type"]: r["value"] for r in job["container"]["resourceRequirements"]}


def _environment(job: dict[str, Any]) -> dict[str, str]:
    return {
        e["name"]: e["value"]
        for e in job["container"]["environment"]
        if e["name"].startswith("ACME")
    }


def test_the_first_example_of_the_readme_runs_one_stage_with_the_asked_memory(
    world: World, tmp_path: Path
) -> None:
    clone = world.clone(EXAMPLE, tmp_path / "clone")
    message = (
        "Features only\n\n:ACME_RUN: --single-item featurize_data\n:ACME_GPUS: 0\n"
        ":ACME_MEMORY: 32768\n"
    )
    commit = clone.push(message, "features")

    assert world.final_status(EXAMPLE, commit)[0] == "SUCCESSFUL"
    run = world.run(EXAMPLE, "features", commit)
    assert run is not None
    (job,) = world.jobs(run.run_id)
    assert _resources(job) == {"VCPU": "2", "MEMORY": "32768"}
    assert _environment(job) == {"ACME_RUN_ARGS": "--single-item featurize_data"}
    assert run.job is not None
    assert job["jobName"] == run.job.name
    assert job["parameters"] == {
        "workspaceName": "acme",
        "repositoryName": "faulty-parts",
        "branchName": "features",
        "commitHash": commit,
        "runId": run.run_id,
        "attempt": "1",
    }


def test_the_second_example_of_the_readme_runs_an_experiment_whose_result_comes_back(
    world: World, tmp_path: Path
) -> None:
    clone = world.clone(EXAMPLE, tmp_path / "clone")
    message = "Slower\n\n:ACME_RUN: --params learning_rate=0.01\n:ACME_RUN_EXP:\n:ACME_GPUS:\n"
    with queues_paused(world):
        commit = clone.push(message, "slower")
        # Nobody need hurry to post that a run has begun: one that is over says so at once.
        assert until(lambda: world.statuses(EXAMPLE, commit))

    assert world.final_status(EXAMPLE, commit)[0] == "SUCCESSFUL"
    states = [state for state, _ in world.statuses(EXAMPLE, commit)]
    assert states[0] == "INPROGRESS"
    assert set(states[: states.index("SUCCESSFUL")]) == {"INPROGRESS"}
    run = world.run(EXAMPLE, "slower", commit)
    assert run is not None
    (job,) = world.jobs(run.run_id)
    assert _resources(job) == {"VCPU": "2", "MEMORY": "7168", "GPU": "1"}
    assert _environment(job) == {
        "ACME_RUN_ARGS": "--params learning_rate=0.01",
        "ACME_RUN_EXP": "1",
    }

    clone.git("fetch", "--quiet", "origin")
    result = result_commit(clone.folder, commit)
    assert result is not None
    assert clone.git("rev-parse", "origin/slower") == commit
    branches = clone.git(
        "branch", "--remotes", "--contains", result, "--format=%(refname:lstrip=3)"
    )
    assert branches.startswith(f"experiment/{commit[:7]}-")
    trailers = clone.git("show", "--no-patch", "--format=%(trailers)", result)
    assert f"Cloud-Run-Id: {run.run_id}" in trailers
    assert "Cloud-Run-Attempt: 1" in trailers
    differences = {d[0]: d[3] for d in metric_differences(clone.folder, commit, result, Tools())}
    assert float(differences["accuracy"]) != 0

    # The push of the result is a push like any other, and asks for nothing.
    (delivered,) = until(lambda: world.delivered(EXAMPLE, result))
    assert delivered["status"] == 202
    assert until(lambda: not any(world.messages().values())), world.messages()
    assert world.run(EXAMPLE, "slower", result) is None
    # A late event may have been posted in between; once all is quiet the record has the last word.
    assert world.statuses(EXAMPLE, commit)[-1][0] == "SUCCESSFUL"


def test_arguments_that_dvc_does_not_take_become_a_failed_status_that_says_so(
    world: World, tmp_path: Path
) -> None:
    clone = world.clone(EXAMPLE, tmp_path / "clone")
    commit = clone.push("Typo\n\n:ACME_RUN: no-such-stage\n", "typo")

    state, description = world.final_status(EXAMPLE, commit)
    assert state == "FAILED"
    assert "exit code 64" in description


def test_nothing_is_left_in_a_dead_letter_queue(world: World) -> None:
    assert world.dead_letters() == {}
