"""Data that DVC lets a stage run without: in a folder of Git's, or what the stage made last."""

from pathlib import Path

import pytest

from tests.integration.job_site import Finished, Site, git

MIXED = {
    "dvc.yaml": """
stages:
  make:
    cmd: sed s/^/made_/ in.txt > data/made.csv
    deps: [in.txt]
    outs: [data/made.csv]
  read:
    cmd: cat data/*.csv n.txt > out.txt
    deps: [data, n.txt]
    outs:
    - out.txt: {cache: false}
  copy:
    cmd: cat *.bin n.txt > copy.txt
    deps: [one.bin, n.txt]
    outs:
    - copy.txt: {cache: false}
  list:
    cmd: ls data > listed.txt
    deps: [n.txt]
    outs:
    - listed.txt: {cache: false}
""",
    "data/labels.csv": "labels\n",
    "in.txt": "1\n",
    "n.txt": "1\n",
}
LEARNING = {
    "dvc.yaml": """
stages:
  learn:
    cmd: cat n.txt >> model.txt
    deps: [n.txt]
    outs:
    - model.txt: {persist: true}
  size:
    cmd: wc -l < model.txt > size.txt
    deps: [model.txt]
    outs:
    - size.txt: {cache: false}
""",
    "n.txt": "1\n",
}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A folder with a file in Git, one that was added to DVC, and one that a stage makes."""
    site = Site.with_project(tmp_path_factory.mktemp("mixed"), MIXED)
    added(site, "data/raw.csv")
    added(site, "one.bin")
    return run_at_home(site)


@pytest.fixture(scope="module")
def learning(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A stage that goes on from what it has made before."""
    return run_at_home(Site.with_project(tmp_path_factory.mktemp("learning"), LEARNING))


def added(site: Site, name: str) -> None:
    (site.project / name).write_text(f"{Path(name).stem}\n")
    site.dvc("add", "--quiet", name)


def run_at_home(site: Site) -> Site:
    site.dvc("repro", "--quiet")
    site.dvc("push", "--quiet")
    site.commit({})
    git(site.project, "push", "--quiet", "origin", "main")
    return site


def run(site: Site, branch: str, arguments: str | None = None, **files: str) -> Finished:
    """Run a job on a new branch with these files, which are named without their `.txt`."""
    commit = site.commit({f"{name.rstrip('_')}.txt": text for name, text in files.items()})
    git(site.project, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
    git(site.project, "reset", "--quiet", "--hard", "origin/main")
    return site.run(arguments, branch=branch, commit=commit, run_id=branch)


def ran(job: Finished) -> set[str]:
    lines = job.log.splitlines()
    return {line.split("'")[1] for line in lines if line.startswith("Running stage '")}


@pytest.mark.parametrize(
    ("branch", "arguments", "n"), [("all", "read", "2"), ("one", "--single-item read", "3")]
)
def test_a_folder_is_read_with_the_data_beside_its_files_of_git(
    mixed: Site, branch: str, arguments: str, n: str
) -> None:
    job = run(mixed, branch, arguments, n=f"{n}\n")

    assert job.code == 0, job.log
    assert ran(job) == {"read"}
    assert mixed.show(f"{branch}:out.txt").split() == ["labels", "made_1", "raw", n]


def test_an_output_that_is_made_anew_is_read_with_its_folder(mixed: Site) -> None:
    job = run(mixed, "anew", in_="2\n")

    assert job.code == 0, job.log
    assert ran(job) == {"make", "read"}
    assert mixed.show("anew:out.txt").split() == ["labels", "made_2", "raw", "1"]


def test_a_stage_whose_folder_has_not_changed_does_not_run(mixed: Site) -> None:
    job = run(mixed, "same")

    assert (job.code, job.result, ran(job)) == (0, [], set()), job.log


def test_data_in_a_folder_that_only_other_stages_read_stays_where_it_is(mixed: Site) -> None:
    job = run(mixed, "other", "list", n="2\n")

    assert job.code == 0, job.log
    names = mixed.show("other:listed.txt").split()
    assert "labels.csv" in names
    assert not {"raw.csv", "made.csv"} & set(names)


def test_a_stage_that_is_forced_to_run_has_the_data_that_it_reads(mixed: Site) -> None:
    job = run(mixed, "forced", "--single-item --force copy", n="2\n")

    assert job.code == 0, job.log
    assert mixed.show("forced:copy.txt").split() == ["one", "2"]


@pytest.mark.parametrize("arguments", ["read", "--single-item read"])
def test_no_stage_runs_on_a_folder_whose_data_nobody_has_pushed(
    mixed: Site, arguments: str
) -> None:
    added(mixed, "data/unpushed.csv")

    job = run(mixed, f"unpushed{len(arguments)}", arguments, n="2\n")

    assert job.code == 70, job.log
    assert job.said("data/unpushed.csv is not on the DVC remote")
    assert ran(job) == set()


def test_a_stage_goes_on_from_what_it_has_made_before(learning: Site) -> None:
    job = run(learning, "on", n="2\n")

    assert job.code == 0, job.log
    assert learning.show("on:size.txt").split() == ["2"]


def test_no_stage_goes_on_from_nothing_where_nobody_has_pushed_what_it_has_made(
    learning: Site,
) -> None:
    (learning.project / "n.txt").write_text("unpushed\n")
    learning.dvc("repro", "--quiet")

    job = run(learning, "nothing", n="3\n")

    assert job.code == 70, job.log
    assert job.said("model.txt is not on the DVC remote")
    assert ran(job) == set()


def test_a_stage_that_has_made_nothing_yet_begins(tmp_path: Path) -> None:
    site = Site.with_project(tmp_path, LEARNING)

    job = site.run()

    assert job.code == 0, job.log
    assert site.show("main:size.txt").split() == ["1"]
