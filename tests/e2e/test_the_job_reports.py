"""What a person reads about a run on Bitbucket, and finds in S3."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from local.layout import Tools
from local.results import metric_differences
from tests.e2e.jobs_projects import PIPELINES, Asked, Project, pipeline
from tests.e2e.world import PATIENCE_SECONDS, WorkingCopy, World

EXAMPLE = "acme/faulty-parts"
PNG = b"\x89PNG\r\n\x1a\n"
OWN = """#!/bin/sh
echo "# Of our own: $1 to $2, $3"
echo
diff-report.sh "$@"
"""
STAGE = """
stages:
  count:
    cmd: cp count.in count.json
    deps: [count.in]
    metrics:
    - count.json:
        cache: false
"""
Pushed = dict[str, Asked]


@dataclass(frozen=True)
class Example(Project):
    """A branch of the example, whose clone has its history."""

    @property
    def copy(self) -> WorkingCopy:
        """The clone."""
        folder = self.folder / "clone"
        return (
            WorkingCopy(self.world, EXAMPLE, folder)
            if folder.exists()
            else self.world.clone(EXAMPLE, folder)
        )


@pytest.fixture(scope="module")
def pushed(world: World, tmp_path_factory: pytest.TempPathFactory) -> Pushed:
    """The README's examples and a project with a report of its own, all run at once."""
    experiment = Example(world, EXAMPLE, "told", tmp_path_factory.mktemp("experiment"))
    single = Example(world, EXAMPLE, "single", tmp_path_factory.mktemp("single"))
    own = Project(world, PIPELINES, "own-report", tmp_path_factory.mktemp("own"))
    files = {
        **pipeline(own.folder, STAGE, **{"count.in": '{"characters": 5}'}),
        "diff-report.sh": OWN,
    }
    return {
        "experiment": experiment.push(":ACME_RUN: --params learning_rate=0.05\n:ACME_RUN_EXP:\n"),
        "single": single.push(":ACME_RUN: --single-item featurize_data\n"),
        "own": own.push(":ACME_RUN:\n", files),
    }


@pytest.fixture
def ended(pushed: Pushed) -> Callable[[str], Asked]:
    """One of the runs, once it has ended well."""

    def ended(name: str) -> Asked:
        assert pushed[name].ended()[0] == "SUCCESSFUL", pushed[name].log()
        return pushed[name]

    return ended


def test_an_experiments_comment_shows_how_metrics_and_parameters_changed(
    ended: Callable[[str], Asked],
) -> None:
    asked = ended("experiment")
    commit, branch = asked.result()

    assert branch.startswith(f"experiment/{asked.commit[:7]}-")
    assert asked.branches() == {"told": asked.commit, branch: commit}
    text = asked.comment(commit)
    rows = {row[1]: row[2:] for row in cells(text)}
    folder = asked.project.copy.folder
    for name, old, _, change in metric_differences(folder, asked.commit, commit, Tools()):
        assert rows[name][0] == old
        assert rows[name][2].startswith("▲ +" if float(change) > 0 else "▼ -")
    assert {"accuracy", "log_loss"} < rows.keys()
    assert rows["learning_rate"][:2] == ["0.001", "0.05"]
    assert "attempt 1, try 1" in text
    assert "| train | ran |" in text


def test_an_experiments_comment_shows_the_plot_that_changed_as_a_picture(
    ended: Callable[[str], Asked], world: World
) -> None:
    asked = ended("experiment")
    (address,) = re.findall(
        r"!\[Loss while training\]\(([^)]+)\)", asked.comment(asked.result()[0])
    )

    page, _, name = address.rpartition("/")
    assert page == f"{world.bitbucket.url}/{EXAMPLE}/downloads"
    picture = world.bitbucket.download(EXAMPLE, name)
    assert picture.startswith(PNG)
    assert len(picture) > 5_000


def test_the_commit_that_asked_leads_to_the_report(
    ended: Callable[[str], Asked], world: World
) -> None:
    asked = ended("experiment")
    commit, branch = asked.result()

    text = asked.comment()
    assert len(text) < 1_000
    assert "**Succeeded**" in text
    assert branch in text
    (there,) = re.findall(r"\[The report is on the result commit\.\]\(([^)]+)\)", text)
    assert there.startswith(f"{world.bitbucket.url}/{EXAMPLE}/commits/{commit}")


def test_dvc_lists_the_experiment_that_bitbucket_has(ended: Callable[[str], Asked]) -> None:
    asked = ended("experiment")
    listed = subprocess.run(
        [Tools().job_environment / "bin/dvc", "exp", "list", "--rev", asked.commit, "origin"],
        cwd=asked.project.copy.folder,
        env=os.environ | {"DVC_NO_ANALYTICS": "1", "CI": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )

    name = asked.result()[1].removeprefix(f"experiment/{asked.commit[:7]}-")
    assert name in listed.stdout.split()
    ref = f"refs/exps/{asked.commit[:2]}/{asked.commit[2:]}/{name}"
    assert asked.project.copy.git("ls-remote", "origin", ref)


def test_the_log_and_the_whole_report_are_in_s3(ended: Callable[[str], Asked]) -> None:
    asked = ended("experiment")

    kept = asked.kept()
    assert b"Running stage 'train'" in kept["job.log"]
    assert b"[cloud-run] report: done" in kept["job.log"]
    assert "| train | ran |" in kept["report.md"].decode()
    assert f"runs/{asked.run_id}/1/report.md" in asked.comment(asked.result()[0])


def test_a_single_stage_is_reported_with_what_did_not_change(
    ended: Callable[[str], Asked],
) -> None:
    asked = ended("single")
    commit, branch = asked.result()

    assert branch == "single"
    assert asked.show("--format=%s", commit) == "dvc repro --single-item featurize_data"
    assert asked.show("--format=%P", commit) == asked.commit
    text = asked.comment(commit)
    # Another test's run may have left it in the run cache.
    assert re.search(r"\| featurize_data \| (ran|from the run cache) \|", text)
    assert "No metric changed" in text
    assert commit in asked.comment()


def test_a_projects_own_report_is_the_comment(ended: Callable[[str], Asked]) -> None:
    asked = ended("own")
    commit, branch = asked.result()

    assert branch == "own-report"
    assert json.loads(asked.file(commit, "count.json")) == {"characters": 5}
    text = asked.comment(commit)
    assert f"# Of our own: {asked.commit} to {commit}, --all" in text
    # Its own script has called the default one.
    assert "| characters | 5 |" in text
    assert "## Stages" not in text


def cells(markdown: str) -> list[list[str]]:
    """The rows of all tables: what stands before, between and behind the lines."""
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.split("|")] for row in rows]
