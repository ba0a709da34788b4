"""Experiments: their branch, their ref at the remote, the stage that tracks them, and sweeps."""

import subprocess
from pathlib import Path

import pytest

from tests.integration.job_site import JOB_ENVIRONMENT, LIMIT_SECONDS, Finished, Site, git

PROJECT = {
    "dvc.yaml": """
stages:
  train:
    cmd: cp params.yaml model.txt && echo '{"m":1}' > m.json
    params: [rate, layers]
    outs: [model.txt]
    metrics:
    - m.json: {cache: false}
  experiment:
    frozen: true
    cmd: grep rate params.yaml >> {root}/tracked && cp model.txt tracked.txt
    deps: [model.txt]
    outs:
    - tracked.txt: {cache: false}
""",
    "params.yaml": "rate: 1\nlayers: [1, 2]\n",
}


def project(root: Path) -> dict[str, str]:
    return {**PROJECT, "dvc.yaml": PROJECT["dvc.yaml"].replace("{root}", str(root))}


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, Finished]:
    root = tmp_path_factory.mktemp("tracked")
    site = Site.with_project(root, project(root))
    return site, site.run("-S rate=2", experiment=True)


def experiments_at(site: Site) -> str:
    """What somebody who has cloned the project sees of the experiments at the remote."""
    listed = subprocess.run(
        [JOB_ENVIRONMENT / "bin" / "dvc", "exp", "list", str(site.origin), "--rev", site.head],
        cwd=site.project,
        check=True,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
    )
    return listed.stdout


def test_an_experiment_is_listed_at_the_remote(tracked: tuple[Site, Finished]) -> None:
    site, job = tracked

    name = job.result[1].removeprefix(f"experiment/{site.head[:7]}-")
    assert job.code == 0, job.log
    assert name in experiments_at(site)


def test_the_frozen_stage_tracks_the_experiment_and_stays_frozen(
    tracked: tuple[Site, Finished],
) -> None:
    site, job = tracked

    assert (site.root / "tracked").read_text() == "rate: 2\n"
    branch = job.result[1]
    assert "tracked.txt" in site.changed(branch)
    assert site.show(f"{branch}:dvc.yaml") == git(site.project, "show", "HEAD:dvc.yaml")
    assert "Cloud-Run-Id: run1" in site.message(branch)
    assert "Cloud-Run-Id: run1" in site.message(f"{branch}~1")  # the experiment's own commit


def test_a_retry_finds_the_experiment_and_shares_it_again(tracked: tuple[Site, Finished]) -> None:
    site, job = tracked
    git(site.origin, "update-ref", "-d", refs_of_experiments(site)[0])
    assert refs_of_experiments(site) == []

    again = site.run("-S rate=2", experiment=True)

    assert (again.code, again.result) == (0, job.result)
    assert job.result[1].removeprefix(f"experiment/{site.head[:7]}-") in experiments_at(site)
    assert (site.root / "tracked").read_text() == "rate: 2\n"


def test_an_experiments_own_name_and_message_are_kept(tmp_path: Path) -> None:
    site = Site.with_project(tmp_path, project(tmp_path))

    job = site.run("-n lucky -m 'My words' -S rate=3", experiment=True, run_id="r9")

    branch = f"experiment/{site.head[:7]}-lucky"
    assert (job.code, job.result[1]) == (0, branch)
    assert site.message(f"{branch}~1") == "My words"
    assert "Cloud-Run-Id: r9" in site.message(branch)


def test_a_run_of_a_sweep_is_an_experiment_on_a_branch_of_the_sweep(tmp_path: Path) -> None:
    site = Site.with_project(tmp_path, project(tmp_path)).with_environment(
        WANDB_SWEEP_ID="ab12cd34", WANDB_RUN_ID="x9y8"
    )

    job = site.run("--rate=0.5 layers=[3,4]")
    git(site.origin, "update-ref", "-d", refs_of_experiments(site)[0])
    again = site.run("--rate=0.5 layers=[3,4]")

    assert (job.code, job.result[1]) == (0, "sweep/ab12cd34/x9y8"), job.log
    assert site.show("sweep/ab12cd34/x9y8:params.yaml") == "rate: 0.5\nlayers:\n- 3\n- 4"
    assert "x9y8" in experiments_at(site)
    assert (again.code, again.result) == (0, job.result)


def test_a_tracking_stage_that_fails_keeps_the_experiment_and_fails_the_run(tmp_path: Path) -> None:
    files = project(tmp_path)
    files["dvc.yaml"] = files["dvc.yaml"].replace("grep rate", "false && grep rate")
    site = Site.with_project(tmp_path, files)

    job = site.run("-S rate=2", experiment=True)

    assert job.code == 71
    assert job.result[1].startswith(f"experiment/{site.head[:7]}-")
    assert site.branches()[job.result[1]] == job.result[0]
    assert job.said("The frozen stage `experiment` failed")


def test_an_experiment_in_a_temporary_directory_is_taken_as_it_is(tmp_path: Path) -> None:
    site = Site.with_project(tmp_path, project(tmp_path))

    job = site.run("--temp -S rate=4", experiment=True)

    assert job.code == 0, job.log
    assert "rate: 4" in site.show(f"{job.result[1]}:params.yaml")


def refs_of_experiments(site: Site) -> list[str]:
    listed = git(site.origin, "for-each-ref", "--format=%(refname)", "refs/exps")
    return listed.splitlines()
