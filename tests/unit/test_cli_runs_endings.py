"""What the command says of bugs, of a pipe that is closed, and of AWS that is away."""

import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from cli.endings import MEANINGS, NotSuccessful
from cli.main import cloud_runner, main
from shared.bitbucket import NotFound
from shared.errors import Rejected, Unavailable

End = Callable[[BaseException], tuple[int, str]]


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> End:
    """Types a command that ends by an exception; the exit code, and what was said of it."""
    monkeypatch.setattr("cli.main.signal.signal", lambda *_: None)
    monkeypatch.setattr("sys.excepthook", sys.excepthook)  # main's own goes with the test

    def typed(error: BaseException) -> tuple[int, str]:
        def callback() -> None:
            raise error

        monkeypatch.setitem(cloud_runner.commands, "x", click.Command("x", callback=callback))
        monkeypatch.setattr(sys, "argv", ["cloud-runner", "x"])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, capsys.readouterr().err.strip()

    return typed


@pytest.mark.parametrize(
    "error", [Unavailable("listing runs: 503"), Rejected("no such run"), NotFound("asking: 404")]
)
def test_what_services_raise_is_a_line_here(end: End, error: Exception) -> None:
    assert end(error) == (1, f"error: {error}")


def test_what_was_watched_and_failed_has_its_own_code(end: End) -> None:
    assert end(NotSuccessful("run 4f2a failed")) == (3, "Error: run 4f2a failed")


def test_a_bug_is_one_line_and_a_file(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("sys.excepthook", sys.excepthook)
    monkeypatch.setattr("cli.main.signal.signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["cloud-runner", "--version"])
    main()
    try:
        "".strip(1)  # type: ignore[arg-type] # a bug
    except TypeError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    said = capsys.readouterr().err
    (file,) = tmp_path.iterdir()

    assert said.startswith("error: this is a bug: TypeError: strip arg must be None or str")
    assert said.endswith(f": see {file}\n")
    assert '"".strip(1)' in file.read_text()


def test_every_code_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    cloud_runner(["--help"], standalone_mode=False)
    said = capsys.readouterr().out

    assert all(f"{code:>3}  {meaning}" in said for code, meaning in MEANINGS.items())
