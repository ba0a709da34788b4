"""The README's two examples on the example project, and what a job does to a project's data."""

import hashlib
from pathlib import Path

import pytest

from container.log import PREFIX
from local.example import BASELINE, OUTPUTS, objects
from tests.integration.job_site import Finished, Site, git


@pytest.fixture(scope="module")
def single_item(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, Finished]:
    site = Site.with_example(tmp_path_factory.mktemp("single-item"))
    return site, site.run("--single-item featurize_data", run_id="4f2a", attempt="2")


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, Finished]:
    site = Site.with_example(tmp_path_factory.mktemp("experiment"))
    return site, site.run("--params learning_rate=0.01", experiment=True)


def test_one_stage_is_run_and_its_lock_committed(single_item: tuple[Site, Finished]) -> None:
    site, job = single_item

    assert job.code == 0
    assert job.result[1] == "main"
    assert site.branches() == {"main": job.result[0]}
    assert git(site.origin, "rev-parse", "main^") == site.head
    assert site.changed("main") == {"dvc.lock"}
    assert "degree: 2" in site.show("main:dvc.lock")


def test_the_commit_says_what_ran_and_for_whom(single_item: tuple[Site, Finished]) -> None:
    site, _ = single_item

    lines = site.message("main").splitlines()
    assert lines[0] == "dvc repro --single-item featurize_data"
    assert f"Results of {site.head} on main, from AWS Batch." in lines
    assert lines[-2:] == ["Cloud-Run-Id: 4f2a", "Cloud-Run-Attempt: 2"]


def test_each_step_says_when_it_starts_and_how_long_it_took(
    single_item: tuple[Site, Finished],
) -> None:
    _, job = single_item

    lines = [line.removeprefix(PREFIX) for line in job.log.splitlines() if line.startswith(PREFIX)]
    started = [line.removesuffix(": started") for line in lines if line.endswith(": started")]
    ended = [line.split(": done seconds=") for line in lines if ": done seconds=" in line]
    assert started == [
        "clone team/parts",
        "dvc repro --single-item featurize_data",
        "push data",
        "commit the results",
        "push the result commit",
        "report",
    ]
    assert [end[0] for end in ended] == started
    assert all(float(end[1]) >= 0 for end in ended)


def test_a_run_that_changes_nothing_makes_no_commit(single_item: tuple[Site, Finished]) -> None:
    site, first = single_item

    second = site.run("--single-item featurize_data", commit=first.result[0], run_id="another")

    assert second.code == 0
    assert second.result == []
    assert "no result commit" in second.log
    assert site.branches() == {"main": first.result[0]}


def test_an_experiment_shows_how_the_metrics_changed(experiment: tuple[Site, Finished]) -> None:
    site, job = experiment

    assert job.code == 0
    branch = job.result[1]
    assert branch.startswith(f"experiment/{site.head[:7]}-")
    assert site.branches() == {"main": site.head, branch: job.result[0]}
    assert site.changed(branch) == {"dvc.lock", "params.yaml"}
    assert "learning_rate: 0.01" in site.show(f"{branch}:params.yaml")
    table = [
        [cell.strip() for cell in line.removeprefix(PREFIX).split("|")[1:-1]]
        for line in job.log.splitlines()
        if line.startswith(f"{PREFIX}| ")
    ]
    changes = {row[0]: row[-1] for row in table if row[0] in ("accuracy", "log_loss")}
    assert changes["accuracy"].startswith("▲ +")
    assert changes["log_loss"].startswith("▼ -")
    assert ["learning_rate", "0.001", "0.01"] in table
    stages = [row[:2] for row in table if row[1:2] == ["ran"]]
    assert stages == [["featurize_data", "ran"], ["train", "ran"], ["evaluate", "ran"]]


def test_everybody_can_pull_what_the_commit_names(experiment: tuple[Site, Finished]) -> None:
    site, job = experiment

    named = outputs_in(site.show(f"{job.result[0]}:dvc.lock"))
    stored = {path.parent.name + path.name for path in site.data.glob("files/md5/*/*")}
    assert len(named) == len(OUTPUTS)
    assert stored.issuperset(named.values())


def test_the_examples_baseline_is_what_its_first_commit_makes(tmp_path: Path) -> None:
    site = Site.with_example(tmp_path)

    lock = (BASELINE / "dvc.lock").read_text()
    read_from_git = {
        path: md5 for path, md5 in paths_in(lock).items() if (site.project / path).exists()
    }
    assert read_from_git
    for path, md5 in read_from_git.items():
        assert md5_of((site.project / path).read_bytes()) == md5, "python -m local.example"
    named = {f"files/md5/{md5[:2]}/{md5[2:]}" for md5 in outputs_in(lock).values()}
    assert named == objects().keys()


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
  folder:
    cmd: mkdir -p folder && cp two.in folder/file
    deps: [two.in]
    outs: [folder]
  reader:
    cmd: cp folder/file read.out
    deps: [folder/file]
    outs: [read.out]
  copy:
    cmd: cp two.out copy.out
    deps: [two.out]
    outs: [copy.out]
  there:
    cmd: ls *.out > there.txt
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


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A project all of whose stages have been run."""
    site = Site.with_project(tmp_path_factory.mktemp("parts"), PARTS)
    site.dvc("repro", "--quiet")
    site.dvc("push", "--quiet")
    site.commit({})
    return site


def test_only_the_data_that_changed_stages_need_is_pulled(parts: Site) -> None:
    commit = parts.commit({"params.yaml": "n: 2\n"})
    git(parts.project, "push", "--quiet", "origin", "HEAD:refs/heads/param")

    job = parts.run(branch="param", commit=commit)

    assert job.code == 0
    assert parts.show("param:there.txt").split() == ["one.out"]


def test_a_stage_whose_data_was_made_anew_elsewhere_is_not_taken_for_unchanged(
    parts: Site,
) -> None:
    parts.commit({"two.in": "new"})
    parts.dvc("repro", "--quiet", "two", "folder")
    parts.dvc("push", "--quiet")
    commit = parts.commit({})
    git(parts.project, "push", "--quiet", "origin", "HEAD:refs/heads/data")

    job = parts.run("--single-item reader copy", branch="data", commit=commit)

    assert job.code == 0
    named = outputs_in(parts.show("data:dvc.lock"))
    assert named["read.out"] == named["copy.out"] == md5_of(b"new")


def test_new_outputs_that_git_keeps_are_committed_and_stray_files_are_not(tmp_path: Path) -> None:
    stages = """
stages:
  write:
    cmd: sh write.sh
    outs:
    - data.bin
    - kept.txt:
        cache: false
    - out:
        cache: false
"""
    script = """
mkdir -p out && touch "out/ä 'b'.txt" ignored.txt :stray
echo 1 > kept.txt
cp kept.txt data.bin
"""
    files = {"dvc.yaml": stages, "write.sh": script, ".gitignore": "/ignored.txt\n"}
    site = Site.with_project(tmp_path, {**files, ".dvc/config": ""})

    job = site.run()

    assert job.code == 0
    assert site.changed("main") == {"dvc.lock", ".gitignore", "kept.txt", "out/ä 'b'.txt"}
    left = "New files are not in the result commit, since dvc.yaml does not name them: :stray"
    assert job.said(left)
    assert "this project has no DVC remote" in job.log


def paths_in(lock: str) -> dict[str, str]:
    """Every path of a dvc.lock with its MD5."""
    lines = lock.splitlines()
    return {
        line.removeprefix("    - path: "): lines[number + 2].removeprefix("      md5: ")
        for number, line in enumerate(lines)
        if line.startswith("    - path: ")
    }


def outputs_in(lock: str) -> dict[str, str]:
    """The outputs of a dvc.lock with their MD5."""
    blocks = lock.split("\n    outs:\n")[1:]
    return {path: md5 for block in blocks for path, md5 in paths_in(outs_only(block)).items()}


def outs_only(block: str) -> str:
    lines = block.splitlines()
    end = next((at for at, line in enumerate(lines) if not line.startswith("    ")), len(lines))
    return "\n".join(lines[:end])


def md5_of(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
