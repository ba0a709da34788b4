"""What a job is told, and what it says in its commit."""

import os
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container import start
from container.credentials import Credentials, take
from container.exits import Exit, JobFailed
from container.job import Job
from container.result import message
from container.settings import Settings

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OPTIONS = {
    "--workspace": "team",
    "--repository": "churn",
    "--branch": "main",
    "--commit": COMMIT,
    "--run-id": "4f2a",
    "--attempt": "1",
}
VALUE = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1)
# What Bitbucket calls a workspace or a repository becomes a folder's name here.
FOLDER = VALUE.filter(lambda name: name not in {".", ".."})


def line(**changes: str) -> list[str]:
    options = {
        **OPTIONS,
        **{f"--{name.replace('_', '-')}": value for name, value in changes.items()},
    }
    return [word for pair in options.items() for word in pair]


@given(FOLDER, VALUE, VALUE)
def test_values_may_be_anything_on_one_line(workspace: str, branch: str, run_id: str) -> None:
    job = Job.parse(line(workspace=workspace, branch=branch, run_id=run_id))

    assert (job.workspace, job.branch, job.run_id) == (workspace, branch, run_id)


@pytest.mark.parametrize("branch", ["-x", "--commit", "--attempt", "a b", "'\"", "$(date)", "é"])
def test_a_value_that_looks_like_an_option_is_a_value(branch: str) -> None:
    assert Job.parse(line(branch=branch)).branch == branch


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ([], "--workspace is missing"),
        (line()[:-2], "--attempt is missing"),
        (line()[:-1], "every option takes one value"),
        ([*line(), "--branch", "other"], "--branch is given twice"),
        ([*line(), "--force", "yes"], "unknown option '--force'"),
        ([*line(), "branch", "yes"], "unknown option 'branch'"),
        (line(branch=""), "--branch is empty"),
        (line(workspace=".."), "--workspace is no name"),
        (line(repository="."), "--repository is no name"),
        (line(run_id="a\nCloud-Run-Id: b"), "holds control characters"),
        (line(commit="HEAD"), "--commit is not a full commit hash"),
        (line(commit="--upload-pack=x"), "--commit is not a full commit hash"),
        (line(attempt="one"), "--attempt is not a number"),
    ],
)
def test_another_command_line_is_refused_with_the_usage(arguments: list[str], what: str) -> None:
    with pytest.raises(JobFailed) as refused:
        Job.parse(arguments)

    assert refused.value.code == Exit.BAD_ARGUMENTS
    assert what in str(refused.value)
    assert "usage: python3 job.pyz --workspace VALUE" in str(refused.value)


def test_the_keywords_prefix_is_a_setting() -> None:
    settings = Settings.read(
        {"CLOUD_RUNNER_PREFIX": "LAB", "LAB_RUN_ARGS": "train", "ACME_RUN_EXP": "1"}
    )

    assert (settings.arguments, settings.experiment) == ("train", False)


def test_an_unset_environment_means_the_documented_defaults() -> None:
    settings = Settings.read({})

    assert settings.git_url == "https://bitbucket.org"
    assert settings.committer_name == "DVC Cloud Runner"
    assert settings.committer_email == "cloud-runner@users.noreply.bitbucket.org"
    assert (settings.arguments, settings.experiment) == ("", False)


@given(st.text(), VALUE, VALUE)
def test_no_line_of_the_result_commit_begins_with_a_keyword(
    arguments: str, branch: str, run_id: str
) -> None:
    job = Job.parse(line(branch=branch, run_id=run_id))

    lines = re.split("\r\n|\r|\n", message(job, Settings.read({"ACME_RUN_ARGS": arguments})))
    assert not [text for text in lines if text.startswith(":")]
    assert lines[-3:] == [f"Cloud-Run-Id: {run_id}", "Cloud-Run-Attempt: 1", ""]


def test_a_long_argument_is_cut_in_the_subject_and_whole_below() -> None:
    arguments = "--params " + ",".join(f"parameter_{number}=1" for number in range(20))

    lines = message(
        Job.parse(line()), Settings.read({"ACME_RUN_ARGS": arguments, "ACME_RUN_EXP": "1"})
    ).splitlines()
    assert len(lines[0]) == 72
    assert f"It ran: dvc exp run {arguments}" in lines


@pytest.mark.parametrize(
    ("kind", "user"),
    [
        ("access_token", "x-token-auth"),
        ("api_token", "x-bitbucket-api-token-auth"),
        ("oauth", "x-token-auth"),
    ],
)
def test_each_kind_of_credentials_has_its_git_user(kind: str, user: str) -> None:
    credentials = Credentials.parse(f'{{"kind": "{kind}", "user": "someone", "token": "s3cr3t"}}')

    assert credentials.git_user == user
    assert "s3cr3t" not in repr(credentials)


@pytest.mark.parametrize(
    "text",
    [
        "s3cr3t",
        '"s3cr3t"',
        '{"kind": "access_token", "token": "s3cr3t\\nquit=1"}',
        '{"kind": ["s3cr3t"]}',
    ],
)
def test_credentials_of_another_form_are_not_shown(text: str) -> None:
    with pytest.raises(JobFailed) as refused:
        Credentials.parse(text)

    assert refused.value.code == Exit.BAD_SECRET
    assert "s3cr3t" not in str(refused.value)


def test_a_secret_that_is_no_text_is_refused_as_one_of_another_form() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"s3cr3t\xff")
        file.seek(0)
        secret = take({"CLOUD_RUNNER_SECRET_DESCRIPTOR": str(os.dup(file.fileno()))})

    with pytest.raises(JobFailed) as refused:
        Credentials.parse(secret or "")
    assert refused.value.code == Exit.BAD_SECRET


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings.read({"CLOUD_RUNNER_DIRECTORY": str(tmp_path / "file" / "job")})

    with pytest.raises(JobFailed, match="reading CLOUD_RUNNER_DIRECTORY: ") as refused:
        start._directory(settings)
    assert refused.value.code == Exit.BAD_ARGUMENTS
