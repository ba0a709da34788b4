"""`cloud-runner project` as people and programs call it: what it asks, shows and prints."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.project import place
from cli.project.commands import project
from cli.project.parameters import template
from cli.project.template import KEY
from local.projects import store_template
from shared.errors import Unavailable
from shared.events import Asked, Repository, RunId
from shared.run_store import RunStore
from shared.runs import new_run
from tests.integration.project_world import BUCKET, TOKEN, World, brief, world
from tests.integration.service_chain import TABLE
from tests.samples import REPOSITORY


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
    for name in [one for one in os.environ if one.startswith("CLOUD_RUNNER_")]:
        monkeypatch.delenv(name)
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
    assert "cloud-runner image push acme/asked\n" in first
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
    (arn,) = [line for line in lines.splitlines() if line.startswith("parameters.AuthSecretArn")]
    assert arn.endswith(shown["parameters"]["AuthSecretArn"])


def test_submodules_are_repeated_options_and_one_parameter(
    site: World, run: Run, tmp_path: Path
) -> None:
    site.repository("acme/composed")
    named = ("--submodule", "Acme/Library", "--submodule", "acme/words")
    given = ("add", "acme/composed", "--credentials-file", credentials(tmp_path), "--dry-run")
    several = run(*given, *named, "--parameter", "Submodules=acme/other")
    added = run(
        "add", "acme/composed", "--yes", "--credentials-file", credentials(tmp_path), *named
    )
    shown = json.loads(run("show", "acme/composed", "--json").output)

    assert several.exit_code == 2
    assert "--submodule and --parameter Submodules=… say different things" in several.output
    assert added.exit_code == 0
    assert shown["parameters"]["Submodules"] == "acme/library,acme/words"


def test_the_template_of_another_version_is_noted_and_a_missing_one_refused(
    site: World, run: Run, tmp_path: Path
) -> None:
    site.repository("acme/versions")
    s3 = site.outside.s3
    given = ("add", "acme/versions", "--yes", "--credentials-file", credentials(tmp_path))
    same = run(*given)
    try:
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=f"# other\n{template()}".encode())
        other = run(*given)
        s3.delete_object(Bucket=BUCKET, Key=KEY)
        missing = run(*given)
    finally:
        store_template(s3, BUCKET)

    assert (same.exit_code, other.exit_code, missing.exit_code) == (0, 0, 1)
    assert "another version" not in same.output
    assert "the stack was deployed from another version of this project" in other.output
    assert "run cloud-runner deploy --skip-build" in missing.output


def test_a_repository_that_is_not_there_is_said_with_the_command_that_adds_it(run: Run) -> None:
    shown = run("show", "acme/nowhere", "--region", "eu-west-1")

    assert shown.exit_code == 1
    assert "cloud-runner project add acme/nowhere --region eu-west-1" in shown.output


def test_a_token_that_has_expired_is_said_with_how_to_give_another(
    site: World, run: Run, tmp_path: Path
) -> None:
    site.repository("acme/expired")
    run("add", "acme/expired", "--yes", "--credentials-file", credentials(tmp_path))
    site.bitbucket.add_fault(status=401, path_prefix="/2.0/repositories/acme/expired")
    refused = run("remove", "acme/expired", "--yes")
    site.bitbucket.clear_faults()

    assert refused.exit_code == 1
    assert "give others with --webhook-credentials-file" in refused.output


def test_a_project_is_removed_after_its_name_was_typed(
    site: World, run: Run, tmp_path: Path
) -> None:
    site.repository("acme/removed")
    run("add", "acme/removed", "--yes", "--credentials-file", credentials(tmp_path))
    before = site.snapshot("acme/removed")
    kept = run("remove", "acme/removed", "--delete-data", answers="acme/other\n")
    after = site.snapshot("acme/removed")
    gone = run("remove", "acme/removed", "--delete-data", answers="acme/removed\n")
    again = run("remove", "acme/removed", "--yes")
    shown = again.output

    assert (kept.exit_code, gone.exit_code, again.exit_code) == (1, 0, 0)
    assert after == before
    assert site.place("acme/removed").stack.state() is None
    assert "nothing to remove" in shown


def test_runs_that_a_removal_would_hurt_are_told_of_before(
    site: World, run: Run, tmp_path: Path
) -> None:
    site.repository("acme/busy")
    run("add", "acme/busy", "--yes", "--credentials-file", credentials(tmp_path))
    busy = Repository(full_name="Acme/busy", uuid=REPOSITORY.uuid)
    records = RunStore(site.endpoints.client("dynamodb"), TABLE)
    now = datetime.now(UTC)
    for digit, repository in [("1", busy), ("2", busy), ("3", REPOSITORY)]:
        one = new_run(RunId(digit * 24), Asked(keyword="RUN"), now, repository=repository)
        records.create(one)
    records.create(
        new_run(RunId("4" * 24), Asked(keyword="RUN"), now, repository=busy, rejection="no")
    )
    declined = run("remove", "acme/busy", answers="n\n")
    shown = " ".join(declined.output.split())

    assert declined.exit_code == 1
    assert "2 runs of it are open" in shown
    assert "cloud-runner runs list --repository acme/busy" in shown
    assert site.place("acme/busy").stack.state() is not None


def test_that_nobody_can_look_for_open_runs_keeps_no_removal_back(
    site: World, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        message = "listing runs: DynamoDB is away"
        raise Unavailable(message)

    site.repository("acme/unlooked")
    run("add", "acme/unlooked", "--yes", "--credentials-file", credentials(tmp_path))
    monkeypatch.setattr(RunStore, "latest", away)
    removed = run("remove", "acme/unlooked", "--yes")
    shown = " ".join(removed.output.split())

    assert removed.exit_code == 0
    assert "DynamoDB is away: try again: nobody knows whether runs of it are open" in shown
    assert site.place("acme/unlooked").stack.state() is None


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
