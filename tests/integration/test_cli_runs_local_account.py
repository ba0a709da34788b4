"""`--local`: the account of the embedded stack that runs on this machine, or why there is none."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from werkzeug.wrappers import Request, Response

from cli.account import Account, account_options
from cli.local_account import DEFAULT_STATE_DIR
from cli.shown import command
from local import ready
from local.layout import StateDir
from local.serving import serving

ELSEWHERE = {
    "batch_endpoint_url": "http://127.0.0.1:2",
    "cloudformation_endpoint_url": "http://127.0.0.1:3",
    "machines_endpoint_url": "http://127.0.0.1:4",
}


@click.command()
@account_options
def tell(account: Account) -> None:
    """Tell where the clients are, and name a next command."""
    for service in ("batch", "cloudformation", "dynamodb", "ec2"):
        click.echo(account.client(service).meta.endpoint_url)
    click.echo(f"{account.region} {account.session.get_credentials().access_key}")
    click.echo(account.local.job_logs if account.local is not None else None)
    click.echo(command(account, "next"))


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody whose shell names an account, a profile and a region that are not there."""
    for name in [one for one in os.environ if one.startswith(("AWS_", "CLOUD_RUNNER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_REGION", "us-east-2")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))


@pytest.fixture
def aws_url() -> Iterator[str]:
    """An address that answers as MiniStack does when it is asked how it is."""

    @Request.application
    def healthy(request: Request) -> Response:
        return Response(status=200 if request.path == "/_ministack/health" else 404)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with serving(healthy, listener, port):
            yield f"http://127.0.0.1:{port}"


def run(*words: str, **variables: str) -> Result:
    return CliRunner().invoke(tell, words, env=variables, catch_exceptions=False)


def test_every_client_finds_the_running_stack_whatever_the_shell_says(
    tmp_path: Path, aws_url: str
) -> None:
    ready.write({"aws_endpoint_url": aws_url, **ELSEWHERE}, tmp_path / "ready.json")
    told = run("--local", "--state-dir", str(tmp_path)).output.splitlines()

    assert told == [
        "http://127.0.0.1:2",
        "http://127.0.0.1:3",
        aws_url,
        "http://127.0.0.1:4",
        "eu-west-1 123456789012",
        str(tmp_path / "batch/logs"),
        f"cloud-runner next --local --state-dir {tmp_path}",
    ]


def test_the_state_directory_may_come_from_the_shell(tmp_path: Path, aws_url: str) -> None:
    ready.write({"aws_endpoint_url": aws_url, **ELSEWHERE}, tmp_path / "ready.json")
    told = run("--local", CLOUD_RUNNER_STATE_DIR=str(tmp_path))

    assert f"next --local --state-dir {tmp_path}" in told.output


def test_the_ready_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = ready.ready_file(StateDir(tmp_path))
    ready.write({"secret": "s3cret"}, path)
    ready.write({"secret": "other"}, path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text()) == {"secret": "other"}
    assert [one.name for one in tmp_path.iterdir()] == ["ready.json"]


def test_a_stack_that_is_not_started_is_said_with_what_starts_it(tmp_path: Path) -> None:
    told = run("--local", "--state-dir", str(tmp_path))

    assert told.exit_code == 1
    assert f"no stack runs in {tmp_path}: cloud-runner local up" in told.output


def test_what_a_killed_stack_left_behind_is_no_stack(tmp_path: Path) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        ready.write({"aws_endpoint_url": nobody, **ELSEWHERE}, tmp_path / "ready.json")
        told = run("--local", "--state-dir", str(tmp_path))

    assert told.exit_code == 1
    assert "does not answer; it was killed, perhaps: cloud-runner local up" in told.output


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"aws_endpoint_url": "http://127.0.0.1:1"}'])
def test_a_ready_file_of_another_version_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "ready.json").write_text(text)
    told = run("--local", "--state-dir", str(tmp_path))

    assert told.exit_code == 1
    assert "no ready file of this version" in told.output


@pytest.mark.parametrize(
    ("words", "variables", "said"),
    [
        (("--local", "-e", "testing"), {}, "--local is acme/development and has no acme/testing"),
        (("--local",), {"CLOUD_RUNNER_ORGANIZATION": "beta"}, "has no beta/development"),
        (("--local", "--profile", "mine"), {}, "leave out --profile"),
        (("--local", "--region", "eu-west-1"), {}, "leave out --region"),
        (("--state-dir", "."), {}, "--state-dir is about the embedded stack: add --local"),
    ],
)
def test_what_has_no_meaning_with_or_without_it_is_said(
    words: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    told = run(*words, **variables)

    assert told.exit_code == 2
    assert said in " ".join(told.output.split())


def test_the_state_directory_is_that_of_local_up() -> None:
    assert DEFAULT_STATE_DIR.parts[-2:] == (".cloud-runner", "stack")
