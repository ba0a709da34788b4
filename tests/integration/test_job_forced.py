"""`--force` on data that a commit has only named, since a job's clone has none of it."""

from pathlib import Path

import pytest

from tests.integration.job_site import Site, git

STAGES = """
stages:
  count:
    cmd: wc -l < raw.txt > count.txt && echo count >> TRACE
    deps: [raw.txt]
    outs: [count.txt: {cache: false}]
  again:
    cmd: cat count.txt > again.txt && echo again >> TRACE
    deps: [count.txt]
    outs: [again.txt]
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A project that has run, whose data is on its remote."""
    stages = STAGES.replace("TRACE", str(tmp_path / "trace"))
    site = Site.with_project(tmp_path, {"dvc.yaml": stages})
    (site.project / "raw.txt").write_text("one\ntwo\n")
    site.dvc("add", "--quiet", "raw.txt")
    site.dvc("repro", "--quiet")
    site.dvc("push", "--quiet")
    site.commit({})
    git(site.project, "push", "--quiet", "origin", "main")
    (tmp_path / "trace").unlink()
    return site


@pytest.mark.parametrize(
    ("arguments", "ran"),
    [
        ("--force", ["count", "again"]),
        ("-f count", ["count"]),
        ("--force --all-pipelines", ["count", "again"]),
        ("--single-item --force count", ["count"]),
        ("--single-item --force again", ["again"]),
        ("--force-downstream", []),
    ],
)
def test_stages_that_are_forced_run_on_the_data_that_a_commit_names(
    site: Site, arguments: str, ran: list[str]
) -> None:
    job = site.run(arguments)

    assert job.code == 0, job.log
    assert site.trace() == ran


def test_an_experiment_that_is_forced_runs_on_the_data_that_its_commit_names(site: Site) -> None:
    job = site.run("--force", experiment=True)

    assert job.code == 0, job.log
    assert site.trace() == ["count", "again"]
