"""The Bitbucket stand-in as a child process: how it starts, ends, and what outlives it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.bitbucket.client import Client
from tests.integration.bitbucket_stand_in import (
    REPOSITORY,
    TOKEN,
    begun_push,
    clone,
    commit,
    eventually,
    git,
    processes_in,
    push,
)

STATUS = {"key": "run-1", "state": "INPROGRESS", "url": "https://example.com/run"}


@contextmanager
def started(state: Path, log: Path) -> Iterator[tuple[subprocess.Popen[str], Client]]:
    """The program, ready, and a client for it; it is dead afterwards in any case."""
    with (
        log.open("a") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "local.bitbucket", "--state-dir", str(state)],
            env={**os.environ, "STAND_IN_TOKEN": TOKEN},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            with Client(ready["port"], TOKEN) as client:
                yield process, client
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_when_told_to(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path / "state", tmp_path / "log") as (process, client):
        client.create_repository(REPOSITORY)
        process.send_signal(number)
        code = process.wait(60)
        assert process.stdout is not None
        rest = process.stdout.read()

    assert code == 0
    assert rest == ""
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_all_it_knew_is_there_after_a_kill_and_a_restart(tmp_path: Path) -> None:
    state, log = tmp_path / "state", tmp_path / "log"
    at = f"/2.0/repositories/{REPOSITORY}/commit/main"
    with started(state, log) as (process, client):
        created = client.create_repository(REPOSITORY)
        hook = client.add_hook(REPOSITORY, "http://127.0.0.1:9/x", "secret")
        work = clone(client, tmp_path / "work")
        head = commit(work, files={"a.txt": "text"})
        push(work, "origin", "HEAD")
        client.request("POST", f"{at}/statuses/build", STATUS)
        client.request("POST", f"{at}/comments", {"content": {"raw": "a comment"}})
        process.kill()
        process.wait(60)

    with started(state, log) as (_, client):
        again = clone(client, tmp_path / "again")

        assert client.create_repository(REPOSITORY)["uuid"] == created["uuid"]
        assert [one["uuid"] for one in client.hooks(REPOSITORY)] == [hook["uuid"]]
        assert git(again, "rev-parse", "HEAD").stdout.strip() == head
        assert [one["key"] for one in client.statuses(REPOSITORY, head)] == ["run-1"]
        assert client.comments(REPOSITORY, head)[0]["content"]["raw"] == "a comment"
        assert client.deliveries(REPOSITORY)[0]["heads"] == [head]


def test_a_kill_in_the_middle_of_a_push_leaves_no_process_behind(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with started(state, tmp_path / "log") as (process, client):
        client.create_repository(REPOSITORY)
        with begun_push(client):
            eventually(lambda: bool(processes_in(state)))
            process.kill()
            process.wait(60)

    eventually(lambda: not processes_in(state))


def test_its_log_has_a_line_for_each_request_and_no_secret(tmp_path: Path) -> None:
    with started(tmp_path / "state", tmp_path / "log") as (process, client):
        client.create_repository(REPOSITORY)
        client.add_hook(REPOSITORY, "http://127.0.0.1:9/x", "the hook's secret")
        clone(client, tmp_path / "work")
        process.terminate()
        process.wait(60)
        arguments = process.args

    log = (tmp_path / "log").read_text()
    assert f"POST /2.0/repositories/{REPOSITORY} 200" in log
    assert f"GET /{REPOSITORY}.git/info/refs 200" in log
    assert TOKEN not in log
    assert "the hook's secret" not in log
    assert TOKEN not in str(arguments)


def test_two_cannot_share_a_state_directory(tmp_path: Path) -> None:
    with started(tmp_path / "state", tmp_path / "log"):
        second = subprocess.run(
            [sys.executable, "-m", "local.bitbucket", "--state-dir", str(tmp_path / "state")],
            env={**os.environ, "STAND_IN_TOKEN": TOKEN},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert second.returncode == 2
    assert "another stand-in is running" in second.stderr
    assert second.stdout == ""


def test_without_a_token_it_says_what_to_set(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "STAND_IN_TOKEN"}
    ended = subprocess.run(
        [sys.executable, "-m", "local.bitbucket", "--state-dir", str(tmp_path / "state")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 2
    assert "STAND_IN_TOKEN" in ended.stderr
