"""Which repository, branch and commit a folder is a working copy of."""

from pathlib import Path

import click
import pytest

from cli.working_copy import WorkingCopy, repository_of
from tests.integration.bitbucket_stand_in import GIT_ENVIRONMENT, git


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository; git knows nothing of the machine's settings."""
    for name, value in GIT_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    return tmp_path


def test_a_folder_inside_is_found_with_its_branch_and_commit(folder: Path) -> None:
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "first")
    git(folder, "remote", "add", "origin", "git@bitbucket.org:Team/churn.git")
    (folder / "src").mkdir()
    found = WorkingCopy.find(folder / "src")

    assert found is not None
    assert found.root == folder.resolve()
    assert found.full_name() == "team/churn"
    assert found.branch() == "main"
    assert found.head() == git(folder, "rev-parse", "HEAD").stdout.strip()


def test_a_commit_on_no_branch_has_no_branch(folder: Path) -> None:
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "first")
    git(folder, "checkout", "--quiet", "--detach")
    found = WorkingCopy.find(folder)

    assert found is not None
    assert found.branch() is None


def test_a_repository_without_a_commit_says_so(folder: Path) -> None:
    found = WorkingCopy.find(folder)

    assert found is not None
    assert found.full_name() is None
    with pytest.raises(click.ClickException, match="has no commit yet"):
        found.head()


def test_a_folder_without_a_repository_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert WorkingCopy.find(tmp_path) is None


def test_a_machine_without_git_has_no_working_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert WorkingCopy.find(tmp_path) is None


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://bitbucket.org/team/churn.git", "team/churn"),
        ("https://someone@bitbucket.org/team/churn.model/", "team/churn.model"),
        ("ssh://git@altssh.bitbucket.org:443/team/churn.git", "team/churn"),
        ("git@bitbucket.org:team/churn", "team/churn"),
        ("bitbucket.org:team/churn.git", "team/churn"),
        ("http://x-token-auth:t%2Fk@127.0.0.1:41234/acme/my.repo.git", "acme/my.repo"),
        ("https://github.com/team/churn.git", None),
        ("https://evil.example/bitbucket.org/team/churn.git", None),
        ("https://notbitbucket.org/team/churn.git", None),
        ("/srv/git/team/churn.git", None),
        ("../churn.git", None),
        ("", None),
    ],
)
def test_a_remote_names_a_repository_of_bitbuckets_or_none(url: str, name: str | None) -> None:
    assert repository_of(url) == name
