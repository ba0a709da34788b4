"""What an experiment on a repository of the stack's Bitbucket is to run."""

from dataclasses import replace
from typing import Any

import click
import pytest

from cli.account import Account
from cli.asking import AccountError
from cli.deployed import Deployed
from cli.remote.options import Action, Wanted
from cli.remote.work import Work, find_work
from cli.sources import Source
from shared.names import Names
from tests.fakes import refusal
from tests.samples import COMMIT, REGION, REPOSITORY

DEPLOYED = Deployed(
    stack="acme-development-cloud-runner",
    parameters={
        "MaxGpus": "8",
        "MaxMemoryMiB": "65536",
        "MaxVcpus": "16",
        "MaxSweepPoints": "10",
        "ToleratedFailurePercent": "0",
    },
    outputs={
        "BitbucketGitUrl": "https://bitbucket.org",
        "BitbucketAuthSecretArn": "arn:shared",
        "KeywordPrefix": "ACME",
    },
)
WANTED = Wanted(actions=(Action.EXPERIMENT,), git="Team/Churn-Model", instance="i-0a")
STACK = "acme-development-project-churn-model"
REPOSITORY_URI = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/acme/churn-model"


class Session:
    """An account in which some projects are added: their stacks' parameters and outputs."""

    profile_name = "default"
    region_name = REGION

    def __init__(self, **projects: dict[str, str]) -> None:
        self.projects = projects

    def client(self, _service: str, **_settings: Any) -> "Session":
        return self

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - botocore's name
        if StackName != STACK or "added" not in self.projects:
            raise refusal("ValidationError", 400, "DescribeStacks")
        parameters = [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in self.projects["added"].items()
        ]
        outputs = [{"OutputKey": "RepositoryUri", "OutputValue": REPOSITORY_URI}]
        stack = {"StackName": STACK, "StackStatus": "CREATE_COMPLETE"}
        return {"Stacks": [{**stack, "Parameters": parameters, "Outputs": outputs}]}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None]]:
    """What Bitbucket was asked for; it has one commit."""
    asked: list[tuple[str, str | None]] = []

    def find(_account: Account, _deployed: Deployed, full_name: str, ref: str | None) -> Source:
        asked.append((full_name, ref))
        return Source(REPOSITORY, "main", COMMIT)

    monkeypatch.setattr("cli.remote.work.find_source", find)
    return asked


def found(wanted: Wanted, **projects: dict[str, str]) -> Work:
    account = Account(Names("acme", "development"), Session(**projects))
    return find_work(wanted, account, DEPLOYED)


def test_without_a_module_dvc_runs_with_the_words(asked: list[tuple[str, str | None]]) -> None:
    work = found(replace(WANTED, arguments=("train", "-S", "note=two words"), branch="main"))

    assert asked == [("team/churn-model", "main")]
    assert work.asked.module is None
    assert work.asked.arguments == "train -S note='two words'"
    assert work.source == Source(REPOSITORY, "main", COMMIT)
    assert (work.secret, work.image) == ("arn:shared", None)


def test_a_commit_runs_on_the_branch_that_is_named_with_it(
    asked: list[tuple[str, str | None]],
) -> None:
    work = found(replace(WANTED, commit=COMMIT[:7], branch="results"))

    assert asked == [("team/churn-model", COMMIT[:7])]
    assert work.source == Source(REPOSITORY, "results", COMMIT)


@pytest.mark.usefixtures("asked")
def test_a_project_with_credentials_of_its_own_uses_them() -> None:
    assert found(WANTED, added={"AuthSecretArn": "arn:own", "Image": ""}).secret == "arn:own"


@pytest.mark.usefixtures("asked")
def test_the_login_goes_to_the_submodules_that_it_goes_to_in_the_projects_jobs() -> None:
    shared = {"AuthSecretArn": "arn:shared", "OwnCredentials": "false", "Submodules": "team/lib"}

    assert found(WANTED, added=shared).submodules == "team/lib"
    assert found(WANTED, added={**shared, "OwnCredentials": "true"}).submodules == "*"
    assert found(WANTED, added={"AuthSecretArn": "arn:shared"}).submodules == ""
    assert found(WANTED).submodules == ""


@pytest.mark.usefixtures("asked")
def test_docker_alone_means_the_projects_image() -> None:
    in_ecr = found(replace(WANTED, docker=""), added={"Image": ""})
    public = found(replace(WANTED, docker=""), added={"Image": "ghcr.io/team/churn:1"})
    named = found(replace(WANTED, docker="python:3.12"), added={"Image": ""})

    assert in_ecr.image == f"{REPOSITORY_URI}:latest"
    assert (public.image, named.image) == ("ghcr.io/team/churn:1", "python:3.12")


@pytest.mark.usefixtures("asked")
def test_a_project_that_is_not_added_has_no_image() -> None:
    with pytest.raises(AccountError, match="has no image in acme-development-cloud-runner"):
        found(replace(WANTED, docker=""))


@pytest.mark.usefixtures("asked")
def test_arguments_that_dvc_would_not_get_are_refused() -> None:
    with pytest.raises(click.UsageError):
        found(replace(WANTED, arguments=("a\nb",)))


def test_what_is_no_repository_is_refused() -> None:
    with pytest.raises(click.UsageError):
        found(replace(WANTED, git="churn"))
