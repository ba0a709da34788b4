"""Experiments of a workspace that differs from the commit, as DVC's queue stashes them."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.job_site import JOB_ENVIRONMENT, LIMIT_SECONDS, Finished, Site, git

STAGES = """
stages:
  train:
    cmd: cat params.yaml code/*.txt > model.txt && echo '{"m":1}' > m.json
    deps: [code]
    params: [rate]
    outs: [model.txt]
    metrics:
    - m.json: {cache: false}
"""
FILES = {
    "dvc.yaml": STAGES,
    "params.yaml": "rate: 1\n",
    "code/kept.txt": "kept\n",
    "code/gone.txt": "gone\n",
}
REF = "refs/cloud-runner/4f2a"


def queued(root: Path) -> tuple[Site, str]:
    """A project with an experiment in the queue, pushed to a ref; the commit of that."""
    site = Site.with_project(root, FILES)
    (site.project / "code/kept.txt").write_text("changed\n")
    (site.project / "code/new.txt").write_text("new\n")
    git(site.project, "rm", "--quiet", "code/gone.txt")
    git(site.project, "add", "code/new.txt")
    dvc(site, "exp", "run", "--queue", "--name", "wet-lynx", "-S", "rate=3")
    commit = git(site.project, "rev-parse", "refs/exps/celery/stash")
    assert ".dvc/tmp/repro.dat" in git(site.project, "ls-tree", "-r", "--name-only", commit)
    git(site.project, "push", "--quiet", "origin", f"{commit}:{REF}")
    return site, commit


def dvc(site: Site, *arguments: str) -> str:
    """What DVC says to somebody at home who has an identity."""
    identity = {
        f"GIT_{who}_{what}": "someone@localhost"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(
        [JOB_ENVIRONMENT / "bin/dvc", *arguments],
        cwd=site.project,
        env={"PATH": f"{JOB_ENVIRONMENT / 'bin'}:/usr/bin:/bin", "CI": "1", **identity},
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=LIMIT_SECONDS,
    )
    return done.stdout.decode()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, Finished]:
    site, commit = queued(tmp_path_factory.mktemp("queued"))
    changed = site.with_environment(ACME_RUN_CHANGES=f"{REF} {commit}")
    return site, changed.run("--name wet-lynx")


def test_the_experiment_holds_the_workspace_as_it_was(ran: tuple[Site, Finished]) -> None:
    site, job = ran

    assert job.code == 0, job.log
    branch = job.result[1]
    assert branch == f"experiment/{site.head[:7]}-wet-lynx"
    files = set(git(site.origin, "ls-tree", "-r", "--name-only", branch).splitlines())
    ours = {"dvc.yaml", "params.yaml", "code/kept.txt", "code/new.txt"}
    assert files == {*ours, "dvc.lock", "m.json", ".gitignore", ".dvc/config", ".dvc/.gitignore"}
    assert site.show(f"{branch}:params.yaml") == "rate: 3"
    assert site.show(f"{branch}:code/kept.txt") == "changed"
    assert site.branches()["main"] == site.head


def test_it_is_pulled_and_shown_below_the_commit_that_it_was_made_on(
    ran: tuple[Site, Finished],
) -> None:
    site, _ = ran

    dvc(site, "queue", "remove", "--queued")
    dvc(site, "exp", "pull", "origin", "wet-lynx")

    shown = json.loads(dvc(site, "exp", "show", "--json"))[1]
    (experiment,) = (one for one in shown["experiments"] if one["name"] == "wet-lynx")
    assert shown["rev"] == site.head
    assert experiment["revs"][0]["data"]["params"]["params.yaml"]["data"] == {"rate": 3}
    assert experiment["revs"][0]["data"]["metrics"]["m.json"]["data"] == {"m": 1}
    apart = git(site.project, "rev-parse", experiment["revs"][0]["rev"])
    git(site.project, "checkout", "--quiet", "--force", apart)
    dvc(site, "pull", "--quiet")
    assert (site.project / "model.txt").read_text() == "rate: 3\nchanged\nnew\n"
    git(site.project, "checkout", "--quiet", "--force", "main")


def test_a_retry_finds_what_was_pushed_although_the_ref_is_gone(tmp_path: Path) -> None:
    site, commit = queued(tmp_path)
    changed = site.with_environment(ACME_RUN_CHANGES=f"{REF} {commit}")
    first = changed.run("--name wet-lynx")
    git(site.origin, "update-ref", "-d", REF)

    again = changed.run("--name wet-lynx")

    assert (again.code, again.result) == (0, first.result)


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        (f"refs/cloud-runner/gone {'c' * 40}", 66, "is gone from Bitbucket: submit"),
        (f"{REF} {'c' * 40}", 66, "by now, not at cccc"),
        ("main", 64, "is no ref and no full commit hash"),
        (f"--upload-pack=x {'c' * 40}", 64, "is no ref and no full commit hash"),
    ],
    ids=["gone", "moved", "form", "option"],
)
def test_changes_that_cannot_be_had_are_named(
    tmp_path: Path, changes: str, code: int, reason: str
) -> None:
    site, _ = queued(tmp_path)

    job = site.with_environment(ACME_RUN_CHANGES=changes).run()

    assert job.code == code, job.log
    assert job.said(reason)
    assert site.branches() == {"main": site.head}


@pytest.mark.parametrize("own", [{"ACME_RUN_COMMAND": "true"}, {}], ids=["command", "script"])
def test_changes_never_reach_the_branch_by_a_program_of_the_projects(
    tmp_path: Path, own: Mapping[str, str]
) -> None:
    site, commit = queued(tmp_path)
    git(site.project, "reset", "--quiet", "--hard")
    (site.project / "job-run.sh").write_text("#!/bin/sh\nexit 0\n")
    (site.project / "job-run.sh").chmod(0o755 if not own else 0o644)
    head = site.commit({})
    git(site.project, "push", "--quiet", "origin", "main")

    job = site.with_environment(ACME_RUN_CHANGES=f"{REF} {commit}", **own).run(commit=head)

    assert job.code == 64, job.log
    assert job.said("run as an experiment of DVC, but this project runs")
    assert site.branches() == {"main": head}
