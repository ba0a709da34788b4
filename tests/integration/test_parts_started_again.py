"""A part of the embedded stack that crashes can be started again, where it was and as it was."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from local.bitbucket.client import AnswerError, Client
from local.layout import PROJECT, StackError
from local.parts import Part, ready_port, start, start_again

TOKEN = "a token of the tests"
REPOSITORY = "acme/kept"


@contextmanager
def bitbucket(folder: Path) -> Iterator[tuple[Part, int, ExitStack]]:
    """A running stand-in, its port, and what ends other parts that a test starts."""
    with ExitStack() as ends:
        part = start(
            "bitbucket",
            [sys.executable, "-m", "local.bitbucket", "--state-dir", str(folder / "state")],
            env={**os.environ, "STAND_IN_TOKEN": TOKEN},
            cwd=PROJECT,
            logs=folder / "logs",
        )
        ends.callback(part.end)
        yield part, ready_port(part), ends


def test_a_part_that_crashed_is_found_again_at_its_port_with_what_it_knew(tmp_path: Path) -> None:
    with bitbucket(tmp_path) as (part, port, ends), Client(port, TOKEN) as client:
        made = client.create_repository(REPOSITORY)
        part.crash()
        again = start_again(part, port)
        ends.callback(again.end)

        assert part.ended() is not None
        assert again.ended() is None
        assert client.request("GET", f"/2.0/repositories/{REPOSITORY}")["uuid"] == made["uuid"]
        with Client(port, "another token") as stranger, pytest.raises(AnswerError):
            stranger.request("GET", f"/2.0/repositories/{REPOSITORY}")


def test_a_part_can_crash_more_than_once(tmp_path: Path) -> None:
    with bitbucket(tmp_path) as (part, port, ends), Client(port, TOKEN) as client:
        for _ in range(2):
            part.crash()
            part = start_again(part, port)  # noqa: PLW2901 - the same part, once more
            ends.callback(part.end)

        assert client.values("/_control/deliveries") == []


def test_a_part_that_cannot_be_started_again_says_so_with_its_log(tmp_path: Path) -> None:
    with bitbucket(tmp_path) as (part, port, _):
        part.crash()
        broken = Part(
            part.name, part.process, part.log, (*part.argv, "--no-such"), part.env, PROJECT
        )

        with pytest.raises(StackError, match=r"(?s)bitbucket did not start.*--no-such"):
            start_again(broken, port)


def test_what_a_part_was_started_with_is_not_shown_with_it(tmp_path: Path) -> None:
    with bitbucket(tmp_path) as (part, _, _):
        shown = repr(part)

    assert TOKEN not in shown
