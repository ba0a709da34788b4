"""The README's two examples on the example project, and what a job does to a project's data."""

from pathlib import Path

import pytest

from tests.integration.job_site import Site, git


@pytest.fixture
def example(tmp_path: Path) -> Site:
    return Site.with_example(tmp_path)


def test_one_stage_is_run_and_its_lock_committed_to_the_branch(example: Site) -> None:
    base = example.head

    job = example.run("--single-item featurize_data", run_id="4f2a", attempt="2")

    assert job.code == 0
    commit, branch = job.result
    assert branch == "main"
    assert example.branches() == {"main": commit}
    assert example.changed(commit) == {"dvc.lock"}
    assert "degree: 2" in example.show("main:dvc.lock")
    message = example.show("main").splitlines()
    assert message[0] == "dvc repro --single-item featurize_data"
    assert f"Results of {base} on main, from AWS Batch." in message
    assert message[-2:] == ["Cloud-Run-Id: 4f2a", "Cloud-Run-Attempt: 2"] or message[-3:-1] == [
        "Cloud-Run-Id: 4f2a",
        "Cloud-Run-Attempt: 2",
    ]
    assert git(example.origin, "rev-parse", "main^") == base


def test_an_experiment_shows_how_the_metrics_changed(example: Site) -> None:
    job = example.run("--params learning_rate=0.01", experiment=True)

    assert job.code == 0
    assert example.changed("main") == {"dvc.lock", "params.yaml"}
    assert "learning_rate: 0.01" in example.show("main:params.yaml")
    rows = [line.split("|") for line in job.log.splitlines() if "metrics.json" in line]
    changes = {row[2].strip(): float(row[5]) for row in rows}
    assert changes.keys() == {"accuracy", "log_loss"}
    assert changes["accuracy"] > 0
    assert changes["log_loss"] < 0


def test_everybody_can_pull_what_the_result_commit_names(example: Site, tmp_path: Path) -> None:
    example.run("--params learning_rate=0.01", experiment=True)

    lock = example.show("main:dvc.lock")
    outs = {line.split()[1] for line in lock.splitlines() if line.startswith("      md5:")}
    there = {path.parent.name + path.name for path in example.data.glob("files/md5/*/*")}
    in_git = {"data/measurements.csv", "src/evaluate.py", "src/featurize.py", "src/train.py"}
    assert len(outs - there) == len(in_git)


def test_a_run_that_changes_nothing_makes_no_commit(example: Site) -> None:
    first = example.run("--single-item featurize_data")
    git(example.project, "pull", "--quiet", "origin", "main")

    second = example.run("--single-item featurize_data", run_id="run2")

    assert second.code == 0
    assert second.result == []
    assert "no result commit" in second.log
    assert example.branches() == {"main": first.result[0]}


def test_each_step_has_a_heading_and_its_duration(example: Site) -> None:
    job = example.run("--single-item featurize_data")

    headings = [line[4:] for line in job.log.splitlines() if line.startswith("=== ")]
    ends = [line[4:].rsplit(": ", 1) for line in job.log.splitlines() if line.startswith("--- ")]
    assert headings == [
        "clone team/parts",
        "dvc repro --single-item featurize_data",
        "push data",
        "commit the results",
        "push the result commit",
        "summary",
    ]
    assert [end[0] for end in ends] == headings
    assert all(end[1].endswith(" s") for end in ends)


PARTS = {
    "dvc.yaml": """
stages:
  one:
    cmd: cp one.in one.out
    deps: [one.in]
    outs: [one.out]
  two:
    cmd: cp two.in two.out
    deps: [two.in]
    outs: [two.out]
  count:
    cmd: ls one.out two.out > there.txt || true
    deps: [one.out]
    params: [n]
    outs:
    - there.txt:
        cache: false
""",
    "one.in": "1",
    "two.in": "2",
    "params.yaml": "n: 1\n",
}


def test_only_the_data_that_the_stages_need_is_pulled(tmp_path: Path) -> None:
    site = Site.with_project(tmp_path, PARTS)
    site.run()
    git(site.project, "pull", "--quiet", "origin", "main")
    site.commit({"params.yaml": "n: 2\n"})
    git(site.project, "push", "--quiet", "origin", "main")

    job = site.run(run_id="run2")

    assert job.code == 0
    assert site.show("main:there.txt").split() == ["one.out"]


def test_new_outputs_that_git_keeps_are_committed_and_stray_files_are_not(tmp_path: Path) -> None:
    stages = """
stages:
  write:
    cmd: mkdir -p out && touch "out/ä 'b'.txt" ignored.txt ":stray" && echo 1 > kept.txt && cp kept.txt data.bin
    outs:
    - data.bin
    - kept.txt:
        cache: false
    - out:
        cache: false
"""
    site = Site.with_project(tmp_path, {"dvc.yaml": stages, ".gitignore": "/ignored.txt\n"})

    job = site.run()

    assert job.code == 0
    expected = {"dvc.lock", ".gitignore", "kept.txt", "out/ä 'b'.txt"}
    assert site.changed("main") == expected
    assert "left out, since no stage names them as outputs: :stray" in job.log


def test_a_project_without_a_remote_gets_its_commit_and_is_told(tmp_path: Path) -> None:
    stages = "stages: {one: {cmd: echo 1 > one.txt, outs: [one.txt]}}"
    site = Site.with_project(tmp_path, {"dvc.yaml": stages, ".dvc/config": ""})

    job = site.run()

    assert job.code == 0
    assert job.result == [site.branches()["main"], "main"]
    assert "this project has no DVC remote" in job.log
