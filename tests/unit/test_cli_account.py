"""Which account a command works on, and what is said where AWS cannot be asked."""

import os
from pathlib import Path

import botocore.exceptions
import click
import pytest
from click.testing import CliRunner, Result

from cli.account import Account, AccountError, account_options, asking
from cli.shown import command
from shared.names import Names
from tests.fakes import refusal


@click.command()
@account_options
def tell(account: Account) -> None:
    """Tell the region, make a client, and name a next command."""
    click.echo(account.region)
    account.client("cloudformation").close()
    click.echo(command(account, "next"))


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An AWS configuration file; nothing of the environment's own reaches the commands."""
    for name in [one for one in os.environ if one.startswith(("AWS_", "CLOUD_RUNNER_"))]:
        monkeypatch.delenv(name)
    file = tmp_path / "config"
    file.write_text("[default]\nregion = us-east-2\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    return file


def run(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(tell, words, env=environment, catch_exceptions=False)


@pytest.mark.parametrize(
    ("words", "environment", "region"),
    [
        ((), {}, "us-east-2"),
        ((), {"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ((), {"AWS_REGION": "eu-central-1"}, "eu-central-1"),
        ((), {"AWS_REGION": ""}, "us-east-2"),
        ((), {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-central-1"),
        (("--region", "eu-north-1"), {"AWS_REGION": "eu-central-1"}, "eu-north-1"),
    ],
)
def test_the_region_is_the_one_that_was_said_nearest(
    words: tuple[str, ...], environment: dict[str, str], region: str
) -> None:
    told = run(*words, **environment)

    assert told.output.splitlines()[0] == region


@pytest.mark.parametrize(
    ("words", "environment", "expected"),
    [
        ((), {}, "cloud-runner next"),
        ((), {"AWS_REGION": "eu-north-1"}, "cloud-runner next"),
        (("--region", "eu-north-1"), {}, "cloud-runner next --region eu-north-1"),
        (
            ("-e", "testing", "--organization", "beta"),
            {},
            "cloud-runner next -e testing --organization beta",
        ),
        (
            ("-e", "development"),
            {"CLOUD_RUNNER_ENVIRONMENT": "staging"},
            "cloud-runner next -e development",
        ),
    ],
)
def test_a_next_command_works_on_the_same_account(
    words: tuple[str, ...], environment: dict[str, str], expected: str
) -> None:
    told = run(*words, **environment)

    assert told.output.splitlines()[-1] == expected


def test_an_endpoint_that_is_no_address_is_said() -> None:
    told = run(AWS_ENDPOINT_URL="nonsense")

    assert told.exit_code == 1
    assert "Invalid endpoint: nonsense: look at AWS_ENDPOINT_URL" in told.output


def test_a_broken_configuration_file_and_a_missing_profile_are_said(configuration: Path) -> None:
    missing = run("--profile", "nobody")
    configuration.write_text("[default\nregion")
    broken = run()

    assert (missing.exit_code, broken.exit_code) == (1, 1)
    assert "nobody" in missing.output
    assert "reading your AWS configuration: Unable to parse config file" in broken.output


@pytest.mark.parametrize(
    "code",
    [
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    ],
)
def test_stale_credentials_are_said_with_what_renews_them(code: str) -> None:
    with pytest.raises(AccountError, match=r"looking: .*aws sso login"), asking("looking"):
        raise refusal(code, 400, "DescribeStacks")


def test_a_signature_that_does_not_match_may_be_a_wrong_clock() -> None:
    with pytest.raises(AccountError, match="or the clock of this machine is wrong"), asking("x"):
        raise refusal("SignatureDoesNotMatch", 403, "DescribeStacks")


def test_where_there_is_no_stack_it_says_how_to_deploy_it_in_the_same_account() -> None:
    class Nothing:
        def describe_stacks(self, **_: object) -> dict[str, object]:
            raise refusal("ValidationError", 400, "DescribeStacks")

    class Session:
        profile_name = "work"
        region_name = "eu-north-1"

        def client(self, *_: object, **_settings: object) -> Nothing:
            return Nothing()

    account = Account(Names("acme", "testing"), Session(), "eu-north-1")

    with pytest.raises(
        AccountError,
        match="AWS_PROFILE=work AWS_REGION=eu-north-1 make deploy ENVIRONMENT=testing",
    ):
        account.deployed()


def test_other_refusals_speak_for_themselves() -> None:
    with pytest.raises(AccountError) as told, asking("looking"):
        raise refusal("AccessDenied", 403, "DescribeStacks")

    assert "sso" not in told.value.message


def test_an_answer_that_never_comes_is_said() -> None:
    with pytest.raises(AccountError, match="looking: Read timeout"), asking("looking"):
        raise botocore.exceptions.ReadTimeoutError(endpoint_url="https://cloudformation")
