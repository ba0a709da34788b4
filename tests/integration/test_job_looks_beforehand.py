"""What a job learns of a project and of its arguments before any stage runs."""

from pathlib import Path

from tests.integration.job_site import Site, git

STAGES = "stages: {one: {cmd: cp in.txt one.txt, deps: [in.txt], outs: [one.txt]}}"
OUTSIDE = """
stages:
  make:
    cmd: mkdir -p {folder} && cp in.txt {folder}/1
    deps: [in.txt]
    outs:
    - {folder}: {{cache: false}}
  read:
    cmd: cp {folder}/1 out.txt
    deps: [{folder}, {folder}/1]
    outs:
    - out.txt
"""
UNKNOWN = "what has changed cannot be told beforehand"


def test_a_run_that_asks_dvc_for_help_gets_it_once_and_is_not_told_as_good(tmp_path: Path) -> None:
    site = Site.with_project(tmp_path, {"dvc.yaml": STAGES, "in.txt": "1\n"})

    job = site.run("--help")

    assert job.code == 64, job.log
    assert job.log.count("usage: dvc repro") == 1
    assert not job.said(UNKNOWN)


def test_stages_may_read_what_others_have_made_outside_the_project(tmp_path: Path) -> None:
    stages = OUTSIDE.format(folder=tmp_path / "outside")
    site = Site.with_project(tmp_path, {"dvc.yaml": stages, "in.txt": "1\n"})
    site.dvc("repro", "--quiet")
    site.dvc("push", "--quiet")
    site.commit({"in.txt": "2\n"})
    git(site.project, "push", "--quiet", "origin", "main")

    job = site.run()

    assert job.code == 0, job.log
    assert not job.said(UNKNOWN)
