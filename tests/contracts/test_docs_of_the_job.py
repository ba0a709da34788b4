"""What docs/jobs.md lists, against the program that does it."""

import ast
import re

from container import scripts
from container.job import Job
from shared.exits import Exit
from tests.contracts.markdown import code, table
from tests.contracts.sources import modules
from tests.contracts.wiring import PROJECT

TEXT = (PROJECT / "docs/jobs.md").read_text(encoding="utf-8")
# Read by name from the environment of the job: settings of ours, not AWS's or git's own.
SETTING = re.compile(r"(?:CLOUD_RUNNER|BITBUCKET|WANDB|GIT_COMMITTER)_[A-Z_]+")
PREFIXED = re.compile(r"_(?:RUN|INPUT|OUTPUT)_[A-Z]+")
INTERNAL = {"CLOUD_RUNNER_SECRET_DESCRIPTOR"}
# The job gives these, instead of reading them.
GIVEN = {"_INPUT_DIR", "CLOUD_RUNNER_RETRY"}


def _words() -> set[str]:
    """Every text, and part of a text, in the program's code; docstrings too."""
    return {
        node.value
        for one in modules("container")
        if not one.name.startswith("container.agent")  # which is no part of a job
        for node in ast.walk(one.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_docs_list_every_exit_code_of_the_job() -> None:
    rows = table(TEXT, "Code")

    assert {int(row[0]) for row in rows} == set(Exit)
    assert all(row[1] for row in rows)


def test_docs_list_every_setting_of_the_job() -> None:
    listed = {name for row in table(TEXT, "Variable") for name in code(row[0])}
    words = _words()
    read = {word for word in words if SETTING.fullmatch(word)} - INTERNAL - GIVEN
    read |= {f"ACME{word}" for word in words if PREFIXED.fullmatch(word) and word not in GIVEN}

    assert listed == read


def test_docs_name_what_the_job_gives() -> None:
    words = _words()

    for name in GIVEN:
        assert name in words or any(word.endswith(name) for word in words)
        assert f"{'ACME' if name.startswith('_') else ''}{name}`" in TEXT


def test_docs_name_the_branches_of_the_job() -> None:
    job = Job("team", "churn", "BRANCH", "SHA7SHA", "RUN", "1")
    branches = (
        job.results_branch,
        job.experiment_branch("NAME", None),
        job.experiment_branch("", ("SWEEP", "RUN")),
    )
    shown = [
        ("BRANCH", "<branch>"),
        ("SHA7SHA", "<sha7>"),
        ("NAME", "<experiment name>"),
        ("SWEEP", "<sweep>"),
    ]

    for branch in branches:
        written = branch
        for word, name in shown:
            written = written.replace(word, name)
        run = "<run>" if branch.startswith("sweep/") else "<run id>"
        assert f"`{written.replace('RUN', run)}`" in TEXT


def test_docs_name_the_scripts_of_a_project() -> None:
    assert all(f"`{name}`" in TEXT for name in scripts.ACTIONS)
