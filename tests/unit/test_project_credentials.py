"""Credentials come from a file that nobody else can read, or from the terminal."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli.project import credentials, inputs
from shared.bitbucket import Credentials

ACCESS = {"kind": "access_token", "token": "t0ken"}


def written(folder: Path, content: object, mode: int = 0o600) -> Path:
    path = folder / "file.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(mode)
    return path


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    found = credentials.from_file(written(tmp_path, ACCESS))

    assert found == Credentials(kind="access_token", token="t0ken")
    assert credentials.parse(credentials.written(found), "it") == found


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(click.ClickException, match="chmod 600"):
        credentials.from_file(written(tmp_path, ACCESS, mode))


@pytest.mark.parametrize(
    "content",
    [
        "t0ken",
        "[]",
        {"kind": "password", "token": "t0ken"},
        {"kind": "access_token", "token": ""},
        {"kind": "access_token", "token": "t0ken\n"},
        {"kind": "access_token", "token": "t0ken\u00e9"},
        {"kind": "access_token", "token": "t0 ken"},
        {"kind": "api_token", "token": "t0ken"},
        {"kind": "oauth", "user": "", "token": "t0ken"},
    ],
)
def test_what_cannot_be_credentials_is_refused_without_being_shown(
    tmp_path: Path, content: object
) -> None:
    with pytest.raises(click.ClickException) as caught:
        credentials.from_file(written(tmp_path, content))

    assert "of the form" in caught.value.message
    assert "t0ken" not in caught.value.message


def test_a_file_that_is_not_utf_8_is_refused_without_being_shown(tmp_path: Path) -> None:
    file = written(tmp_path, "")
    file.write_bytes(b'{"kind": "access_token", "token": "t0ken\xff"}')

    with pytest.raises(click.ClickException, match="is not UTF-8") as caught:
        credentials.from_file(file)
    assert "t0ken" not in caught.value.message
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("token", ["t0ken\n", "t0ken\u00e9", "\nt0ken", "t0\x00ken"])
def test_credentials_with_a_token_for_no_header_cannot_be(token: str) -> None:
    with pytest.raises(ValueError, match="token") as caught:
        Credentials(kind="access_token", token=token)
    assert "ken" not in str(caught.value).replace("token", "")


def test_credentials_do_not_show_their_token() -> None:
    assert "t0ken" not in repr(Credentials(kind="access_token", token="t0ken"))


def test_what_is_typed_and_cannot_be_a_token_is_not_shown() -> None:
    @click.command()
    def command() -> None:
        credentials.ask("needed")

    result = CliRunner().invoke(command, input="access_token\nt0ken\u00e9\n")

    assert "is no token" in result.output
    assert "t0ken" not in result.output


def test_what_is_typed_as_a_token_is_not_shown() -> None:
    @click.command()
    def command() -> None:
        found = credentials.ask("needed")
        click.echo(f"{found.kind} {found.user} {len(found.token)}")

    shown = CliRunner().invoke(command, input="api_token\nme@example.com\nt0ken\n").output

    assert "api_token me@example.com 5" in shown
    assert "t0ken" not in shown


def test_variables_come_from_a_file_and_from_the_terminal(tmp_path: Path) -> None:
    file = written(tmp_path, {"WANDB_API_KEY": "k"})

    @click.command()
    def command() -> None:
        click.echo(json.dumps(inputs.variables(("HF_TOKEN",), file)))

    shown = CliRunner().invoke(command, input="hidden\n").output

    assert json.loads(shown.splitlines()[-1]) == {"WANDB_API_KEY": "k", "HF_TOKEN": "hidden"}


@pytest.mark.parametrize("content", ["{", [], {"A B": "x"}, {"A": 7}, {"1A": "x"}])
def test_a_file_that_holds_no_variables_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(click.ClickException, match=r"cannot be a variable|not a JSON object"):
        inputs.variables((), written(tmp_path, content))


def test_an_option_and_a_parameter_cannot_say_different_things() -> None:
    given = ("Vcpus=4", "KeptImages=5")

    assert inputs.parameters(given, {"vcpus": 4, "timeout": None}) == {
        "Vcpus": "4",
        "KeptImages": "5",
    }
    with pytest.raises(click.BadParameter, match="Vcpus is given twice, as '4' and as '8'"):
        inputs.parameters(("Vcpus=4", "Vcpus=8"), {})
    with pytest.raises(click.UsageError, match="different things"):
        inputs.parameters(given, {"vcpus": 8})
