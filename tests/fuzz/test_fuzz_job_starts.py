"""The job's program itself, told hostile names: a documented exit code, and no shell reads them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from container.build import build
from container.exits import Exit
from tests.fuzz.test_fuzz_job_arguments import COMMIT, line
from tests.integration.job_site import Finished, Site, git

# Git takes all of these as names of branches (git-check-ref-format(1)).
BRANCHES = [
    "--upload-pack=touch${IFS}pwned",
    "x;touch${IFS}pwned;$(touch${IFS}pwned)`touch${IFS}pwned`",
    "a'b\"c|d&e>f<g%s%n{x}",
    "-\u00e9\u2603\U0001f600\u202egnp",
    "a/" + "b" * 200,
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("program") / "job.pyz"
    build(file)
    return file


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A project whose command leaves a file, on every one of the branches."""
    folder = tmp_path_factory.mktemp("site")
    site = Site(folder, environment={"ACME_RUN_COMMAND": "touch result"})
    site.project.mkdir()
    git(site.project, "init", "--quiet", "--template=")
    git(site.project, "symbolic-ref", "HEAD", "refs/heads/main")
    commit = site.commit({"README.md": "A project\n", ".gitignore": "result\n"})
    for branch in BRANCHES:
        git(site.project, "update-ref", f"refs/heads/{branch}", commit)
    site.host()
    return site


@pytest.mark.parametrize("branch", BRANCHES)
def test_a_branch_of_any_name_is_cloned_and_run_on(site: Site, branch: str) -> None:
    job = site.run(branch=branch, python=sys.executable)

    assert (job.code, "Traceback" in job.log) == (Exit.DONE, False), job.log
    assert job.said(f"at {site.head} on ")
    assert not list(site.root.rglob("pwned"))


@pytest.mark.parametrize("branch", ["..", "*", "a b", "@{1}", "refs/heads/"])
def test_what_is_no_branch_to_git_is_said_to_be_none(site: Site, branch: str) -> None:
    job = site.run(branch=branch, python=sys.executable)

    assert (job.code, "Traceback" in job.log) == (Exit.NOT_CLONED, False), job.log
    assert job.said("cloning: ")


def ended(program: Path, words: list[str], **environment: str) -> Finished:
    """The program's end where it does not even begin."""
    done = subprocess.run(
        [sys.executable, program, *words],
        env={"PATH": os.environ["PATH"], "BITBUCKET_GIT_URL": "file:///nonexistent", **environment},
        cwd=program.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
        check=False,
    )
    return Finished(done.returncode, done.stdout.decode(errors="replace"))


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--help"],
        ["run-stages\n"],
        [*line(), "--force", "x"],
        line(workspace=".."),
        line(repository="."),
        line(branch="a\nCloud-Run-Id: x"),
        line(branch="\x1b[31m"),
        line(commit="--upload-pack=x"),
        line(commit=COMMIT + "^"),
        line(attempt="-1"),
        line(attempt="\u0661"),
        ["\udcff"] * 12,
    ],
)
def test_another_command_line_ends_with_its_code_and_no_traceback(
    program: Path, words: list[str]
) -> None:
    job = ended(program, words)

    assert (job.code, "Traceback" in job.log) == (Exit.BAD_ARGUMENTS, False), job.log
    assert job.said("usage: python3 job.pyz")


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"ACME_RUN_ARGS": "'"}, Exit.BAD_ARGUMENTS),
        ({"ACME_RUN_ARGS": "--queue"}, Exit.BAD_ARGUMENTS),
        ({"ACME_RUN_ARGS": '--params a=["\\u0000"]', "ACME_RUN_EXP": "1"}, Exit.BAD_ARGUMENTS),
        ({"ACME_RUN_ARGS": '--params a=["\\ud800"]', "ACME_RUN_EXP": "1"}, Exit.BAD_ARGUMENTS),
        ({"ACME_RUN_ARGS": "--params a=" + "[" * 60_000, "ACME_RUN_EXP": "1"}, Exit.BAD_ARGUMENTS),
        ({"ACME_RUN_CHANGES": "--upload-pack=x " + COMMIT}, Exit.BAD_ARGUMENTS),
        ({"CLOUD_RUNNER_STOP_SECONDS": "soon"}, Exit.BAD_ARGUMENTS),
        ({"CLOUD_RUNNER_SWEEP": '{"wave": Infinity}'}, Exit.BAD_ARGUMENTS),
        ({"CLOUD_RUNNER_SWEEP": "[" * 60_000}, Exit.BAD_ARGUMENTS),
        ({"BITBUCKET_AUTH": "s3cr3t"}, Exit.BAD_SECRET),
        ({"BITBUCKET_AUTH": "s3cr3t\udcff"}, Exit.BAD_SECRET),
        ({"BITBUCKET_GIT_URL": "https://bitbucket.invalid"}, Exit.BAD_SECRET),
        ({"CLOUD_RUNNER_DIRECTORY": "/dev/null/x"}, Exit.BAD_ARGUMENTS),
    ],
)
def test_another_environment_ends_with_its_code_and_no_traceback(
    program: Path, environment: dict[str, str], code: Exit
) -> None:
    job = ended(program, line(), **environment)

    assert (job.code, "Traceback" in job.log) == (code, False), job.log
    assert "s3cr3t" not in job.log
