"""How the command ends where it did not get to its end: what it says, and its exit code."""

import io
import sys
from collections.abc import Callable

import botocore.exceptions
import click
import pytest

from cli.endings import INTERRUPTED, TERMINATED, ended_by_ctrl_c
from cli.main import cloud_runner, main
from tests.fakes import refusal

End = Callable[[str, BaseException], tuple[int, str]]


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> End:
    """Types a command that ends by an exception; the exit code, and what was said of it."""
    monkeypatch.setattr("cli.main.signal.signal", lambda *_: None)

    def typed(name: str, error: BaseException) -> tuple[int, str]:
        def callback() -> None:
            raise error

        monkeypatch.setitem(cloud_runner.commands, name, click.Command(name, callback=callback))
        monkeypatch.setattr(sys, "argv", ["cloud-runner", name])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, capsys.readouterr().err.strip()

    return typed


def test_a_no_is_said_to_have_done_nothing(end: End) -> None:
    assert end("deploy", click.Abort()) == (1, "nothing was done (--yes does not ask)")


def test_a_command_that_ends_with_a_code_of_its_own_ends_with_that(end: End) -> None:
    assert end("sweep", click.exceptions.Exit(130)) == (130, "")


def test_an_interrupted_command_says_that_it_can_go_on(end: End) -> None:
    assert end("deploy", KeyboardInterrupt()) == (
        130,
        "interrupted: the same command goes on from here",
    )


@pytest.mark.parametrize("name", ["demo", "local", "remote", "sweep"])
def test_what_ctrl_c_ends_anyway_or_tells_itself_how_to_go_on_ends_without_a_word(
    end: End, name: str
) -> None:
    assert end(name, KeyboardInterrupt()) == (130, "")


@pytest.mark.parametrize(
    ("ended", "code", "words"),
    [
        (KeyboardInterrupt(), INTERRUPTED, "\nit goes on\n"),
        (SystemExit(TERMINATED), TERMINATED, "\nit goes on\n"),
        (SystemExit(1), 1, ""),
    ],
    ids=["Ctrl-C", "SIGTERM", "its own end"],
)
def test_what_goes_on_is_said_however_the_command_is_ended(
    capsys: pytest.CaptureFixture[str], ended: BaseException, code: int, words: str
) -> None:
    with pytest.raises(SystemExit) as raised, ended_by_ctrl_c("it goes on"):
        raise ended

    assert raised.value.code == code
    assert capsys.readouterr().err == words


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_encoding_without_a_character_prints_its_number(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    printed = io.BytesIO()
    monkeypatch.setattr("cli.main.signal.signal", lambda *_: None)
    monkeypatch.setattr("sys.excepthook", sys.excepthook)
    monkeypatch.setattr(sys, "argv", ["cloud-runner", "x"])
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, encoding=encoding))
    # As rich writes; click has a way of its own around ASCII.
    says = click.Command("x", callback=lambda: sys.stdout.writelines(["\u2713 wait \u2026\n"]))
    monkeypatch.setitem(cloud_runner.commands, "x", says)
    main()
    sys.stdout.flush()

    assert printed.getvalue() == b"\\u2713 wait \\u2026\n"


@pytest.mark.parametrize(
    "error",
    [
        botocore.exceptions.ReadTimeoutError(endpoint_url="https://cloudformation"),
        refusal("Throttling", 400, "DescribeStacks"),
    ],
)
def test_what_aws_refuses_is_one_line(end: End, error: Exception) -> None:
    code, said = end("deploy", error)

    assert code == 1
    assert said.startswith("error: ")
    assert len(said.splitlines()) == 1
