"""`cloud-runner project` as people and programs call it: what it asks, shows and prints."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.project import place
from cli.project.commands import project
from tests.integration.project_world import TOKEN, World, brief, world


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as one:
        yield one


Run = Callable[..., Result]


@pytest.fixture
def run(site: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Calls the command with arguments, and `answers` to what it asks."""
    for name, value in site.endpoints.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setattr(place.Outside, "sleep", staticmethod(brief))

    def call(*arguments: str, answers: str = "") -> Result:
        return CliRunner().invoke(project, arguments, input=answers, catch_exceptions=False)

    return call


def test_a_first_project_is_asked_for_credentials_and_told_what_is_next(
    site: World, run: Run
) -> None:
    site.repository("acme/asked")
    answers = f"access_token\n{TOKEN}\ny\n"
    added = run("add", "acme/asked", "--timeout", "3600", answers=answers)
    first = added.output
    again = run("add", "acme/asked", "--yes")
    second = again.output

    assert (added.exit_code, again.exit_code) == (0, 0)
    assert "store Bitbucket's credentials in acme/development/bitbucket-auth" in first
    assert "cloud-runner image push acme/asked --environment development" in first
    assert ":ACME_RUN:" in first
    assert TOKEN not in first
    assert "nothing to change" in second
    assert "nothing was changed, and it works" in second


def test_a_no_changes_nothing(site: World, run: Run, tmp_path: Path) -> None:
    site.repository("acme/declined")
    declined = run(
        "add", "acme/declined", "--credentials-file", credentials(tmp_path), answers="n\n"
    )

    assert declined.exit_code == 1
    assert site.place("acme/declined").stack.state() is None


def test_a_dry_run_changes_nothing_and_says_what_it_would(
    site: World, run: Run, tmp_path: Path
) -> None:
    site.repository("acme/dry")
    dry = run(
        "add", "acme/dry", "--dry-run", "--own-credentials",
        "--credentials-file", credentials(tmp_path),
    )  # fmt: skip  # the command's options in pairs
    shown = dry.output

    assert dry.exit_code == 0
    assert "create the stack acme-development-project-dry" in shown
    assert "nothing was changed" in shown
    assert site.place("acme/dry").stack.state() is None
    assert site.secret("acme/development/bitbucket-auth/dry") is None


def test_what_is_there_is_listed_and_shown_to_people_and_programs(
    site: World, run: Run, tmp_path: Path
) -> None:
    site.repository("acme/shown")
    run("add", "acme/shown", "--yes", "--credentials-file", credentials(tmp_path))
    listed = json.loads(run("list", "--json").output)
    table = run("list").output
    shown = json.loads(run("show", "Acme/Shown", "--json").output)
    lines = run("show", "acme/shown").output

    assert "acme/shown" in [one["repository"] for one in listed]
    assert "acme/shown" in table
    assert shown["webhook"]["works"] is True
    assert shown["image"] is None
    assert "webhook.webhooks.1.entered" in lines


def test_a_project_is_removed_after_its_name_was_typed(
    site: World, run: Run, tmp_path: Path
) -> None:
    site.repository("acme/removed")
    run("add", "acme/removed", "--yes", "--credentials-file", credentials(tmp_path))
    kept = run("remove", "acme/removed", "--delete-data", answers="acme/other\n")
    gone = run("remove", "acme/removed", "--delete-data", answers="acme/removed\n")
    again = run("remove", "acme/removed", "--yes")
    shown = again.output

    assert (kept.exit_code, gone.exit_code, again.exit_code) == (1, 0, 0)
    assert "nothing to remove" in shown


def test_an_environment_without_a_stack_is_said(run: Run) -> None:
    result = CliRunner().invoke(project, ["list", "--environment", "staging"])

    assert result.exit_code == 1
    assert "make deploy ENVIRONMENT=staging" in result.output


def credentials(folder: Path) -> str:
    """A file with the credentials."""
    path = folder / "credentials.json"
    path.write_text(json.dumps({"kind": "access_token", "token": TOKEN}))
    path.chmod(0o600)
    return str(path)
