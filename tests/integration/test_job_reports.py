"""The report as people get it: one comment for each run, where they look, with nothing secret."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from container.report import marker
from tests.integration.job_site import HttpHost, Site, git, served

TOKEN = "tok-3n-f0r-th3-r3p0rt"
PASSWORD = "s3cr3t-0f-th3-pr0j3ct"
STAGES = """
stages:
  one:
    cmd: cp in.txt one.txt
    deps: [in.txt]
    outs: [one.txt]
  two:
    cmd: cat one.txt; echo "password $TEAM_PASSWORD"; test -e {root}/mended && cp one.txt two.txt
    deps: [one.txt]
    outs: [two.txt]
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[HttpHost]:
    with served(tmp_path / "origin", "x-token-auth", TOKEN) as host:
        yield host


def of(project: Site, host: HttpHost, **environment: str) -> Site:
    secret = json.dumps({"kind": "access_token", "token": TOKEN})
    return Site(project.root, host.url, {"BITBUCKET_AUTH": secret, **environment})


@pytest.fixture
def failing(tmp_path: Path, host: HttpHost) -> Site:
    """A project whose second stage fails until the file `mended` is there."""
    files = {"dvc.yaml": STAGES.format(root=tmp_path), "in.txt": "1\n"}
    return of(Site.with_project(tmp_path, files), host, TEAM_PASSWORD=PASSWORD)


def test_a_failure_is_reported_on_its_commit_with_the_last_lines_of_the_log(
    failing: Site, host: HttpHost
) -> None:
    job = failing.run()

    assert job.code == 71
    assert list(host.comments) == [failing.head]
    (comment,) = host.comments[failing.head]
    assert comment.startswith("**Failed** after ")
    assert "password ***" in comment
    assert "the stage two failed" in comment
    assert "| two | **failed** |" in comment
    assert "| one | ran |" in comment
    assert marker("run1") in comment


def test_a_later_attempt_puts_its_report_in_the_place_of_the_first(
    failing: Site, host: HttpHost
) -> None:
    failing.run()
    (failing.root / "mended").touch()

    job = failing.run(attempt="2")

    (link,) = host.comments[failing.head]
    (report,) = host.comments[job.result[0]]
    assert job.code == 0, job.log
    assert link.startswith("**Succeeded** in ")
    assert "The report is on the result commit." in link
    assert "attempt 2, try 1" in report
    assert "| one | from the run cache |" in report


def test_two_runs_of_a_commit_have_a_report_each(failing: Site, host: HttpHost) -> None:
    failing.run(run_id="run1")
    failing.run(run_id="run10")

    assert len(host.comments[failing.head]) == 2


def test_no_secret_is_in_the_log_or_the_report(failing: Site, host: HttpHost) -> None:
    job = failing.run()

    (comment,) = host.comments[failing.head]
    for text in (job.log, comment):
        assert TOKEN not in text
        assert PASSWORD not in text


def test_a_run_that_changes_nothing_says_so_on_its_commit(failing: Site, host: HttpHost) -> None:
    (failing.root / "mended").touch()
    first = failing.run()

    failing.run(commit=first.result[0], run_id="again")

    comments = host.comments[first.result[0]]
    assert any(marker("run1") in comment for comment in comments)
    (again,) = (comment for comment in comments if marker("again") in comment)
    assert "nothing changed that Git keeps, so there is no result commit" in again


def test_a_projects_own_report_is_the_middle_of_the_comment(tmp_path: Path, host: HttpHost) -> None:
    stages = "stages: {one: {cmd: cp in.txt one.txt, deps: [in.txt], outs: [one.txt]}}"
    project = Site.with_project(tmp_path, {"dvc.yaml": stages, "in.txt": "1\n"})
    script = project.project / "diff-report.sh"
    script.write_text('#!/bin/sh\necho "## Ours"\necho "$# $1 $2 $3"\nenv\n')
    script.chmod(0o755)
    head = project.commit({})
    git(project.project, "push", "--quiet", "origin", "main")

    job = of(project, host).run()

    (report,) = host.comments[job.result[0]]
    assert "## Ours" in report
    assert f"3 {head} {job.result[0]} --all" in report
    assert "ACME_RUNNER_SCRIPTS_DIR=" in report
    assert TOKEN not in report
    assert "BITBUCKET_AUTH" not in report
    assert report.startswith("**Succeeded** in ")
    assert marker("run1") in report


def test_an_own_report_that_fails_is_said_and_replaced(tmp_path: Path, host: HttpHost) -> None:
    stages = "stages: {one: {cmd: cp in.txt one.txt, deps: [in.txt], outs: [one.txt]}}"
    project = Site.with_project(tmp_path, {"dvc.yaml": stages, "in.txt": "1\n"})
    script = project.project / "diff-report.sh"
    script.write_text("#!/bin/sh\nexit 4\n")
    script.chmod(0o755)
    project.commit({})
    git(project.project, "push", "--quiet", "origin", "main")

    job = of(project, host).run()

    (report,) = host.comments[job.result[0]]
    assert job.code == 0
    assert "diff-report.sh ended with exit code 4" in report
    assert "This project has no metrics" in report


def test_a_project_without_a_remote_is_warned_in_its_report(tmp_path: Path, host: HttpHost) -> None:
    stages = "stages: {one: {cmd: cp in.txt one.txt, deps: [in.txt], outs: [one.txt]}}"
    files = {"dvc.yaml": stages, "in.txt": "1\n", ".dvc/config": ""}
    project = Site.with_project(tmp_path, files)

    job = of(project, host).run()

    (report,) = host.comments[job.result[0]]
    assert "This project has no DVC remote" in report


def test_a_report_that_cannot_be_posted_is_in_the_log_and_changes_no_result(
    tmp_path: Path, host: HttpHost
) -> None:
    stages = "stages: {one: {cmd: cp in.txt one.txt, deps: [in.txt], outs: [one.txt]}}"
    project = Site.with_project(tmp_path, {"dvc.yaml": stages, "in.txt": "1\n"})
    host.comments_refused = True

    job = of(project, host).run()

    assert (job.code, job.result[1]) == (0, "main")
    assert job.said("(403); the report would have been:")
    assert job.said("This project has no metrics")
