"""The tether: nothing that it starts outlives it, its parent, or its program."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import tether
from tests.integration.batch_endpoint import wait_for
from tests.integration.waiting import gone

SHOW_AND_SLEEP = "echo $$; sleep 600 & echo $!; wait"
IGNORE_SIGTERM = "trap '' TERM; echo $$; while :; do sleep 0.1; done"


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a shell script, or a program, through a tether; ends what the test did not end."""
    processes: list[subprocess.Popen[bytes]] = []

    def begin(*argv: str, script: str = "", grace: float = 5) -> "subprocess.Popen[bytes]":
        process = tether.start(
            argv or ["sh", "-c", script],
            env={"PATH": os.environ["PATH"]},
            cwd=Path("/"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            grace=grace,
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGQUIT)
            process.wait(60)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def read_pids(process: "subprocess.Popen[bytes]", count: int) -> list[int]:
    assert process.stdout is not None
    return [int(process.stdout.readline()) for _ in range(count)]


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if not gone(pid)]


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -15 $$", 143)]
)
def test_the_exit_code_is_the_programs(start: Start, script: str, code: int) -> None:
    process = start(script=script)

    assert process.wait(60) == code


def test_a_program_that_does_not_exist_is_127(start: Start) -> None:
    process = start("no-such-program")

    assert process.wait(60) == 127
    assert process.stderr is not None
    assert process.stderr.read() == b"tether: starting no-such-program: No such file or directory\n"


def test_it_runs_by_its_file_path_too() -> None:
    with subprocess.Popen(
        [sys.executable, tether.__file__, "--", "sh", "-c", "exit 5"], stdin=subprocess.PIPE
    ) as process:
        assert process.wait(60) == 5


def test_the_program_reads_nothing_from_the_parents_pipe(start: Start) -> None:
    process = start(script="cat; echo end")

    assert process.wait(60) == 0
    assert process.stdout is not None
    assert process.stdout.read() == b"end\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_whole_group(start: Start, number: signal.Signals) -> None:
    process = start(script="trap 'exit 9' TERM INT; " + SHOW_AND_SLEEP)
    pids = read_pids(process, 2)
    process.send_signal(number)

    assert process.wait(60) == 9
    assert alive(pids) == []


def test_a_program_that_ignores_sigterm_is_killed_after_the_grace(start: Start) -> None:
    process = start(script=IGNORE_SIGTERM, grace=0.3)
    pids = read_pids(process, 1)
    process.terminate()

    assert process.wait(60) == 137
    assert alive(pids) == []


def test_sigquit_ends_the_group_without_any_grace(start: Start) -> None:
    process = start(script=IGNORE_SIGTERM, grace=60)
    pids = read_pids(process, 1)
    process.send_signal(signal.SIGQUIT)

    assert process.wait(60) == 137
    assert alive(pids) == []


def test_what_a_program_leaves_behind_ends_with_it(start: Start) -> None:
    process = start(script="sleep 600 & echo $!; exit 4")
    pids = read_pids(process, 1)

    assert process.wait(60) == 4
    assert alive(pids) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets the tether adopt orphans")
def test_a_daemon_that_left_the_group_ends_with_its_program(start: Start, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    daemon = f"setsid sh -c 'echo $$; touch {begun}; exec sleep 600' &"
    process = start(script=f"{daemon}\nwhile ! test -e {begun}; do sleep 0.05; done; exit 0")
    pids = read_pids(process, 1)

    assert process.wait(60) == 0
    assert alive(pids) == []


def test_the_end_of_its_input_ends_the_group(start: Start) -> None:
    process = start(script=SHOW_AND_SLEEP)
    pids = read_pids(process, 2)
    assert process.stdin is not None
    process.stdin.close()

    assert process.wait(60) == 143
    assert alive(pids) == []


def test_a_parent_that_is_killed_takes_the_group_with_it() -> None:
    script = (
        "import sys, time; from pathlib import Path; from local import tether;"
        "one = tether.start(['sh', '-c', sys.argv[1]], env={'PATH': '/usr/bin:/bin'},"
        " cwd=Path('/'), stdout=None, stderr=None); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, SHOW_AND_SLEEP], stdout=subprocess.PIPE
    ) as parent:
        pids = read_pids(parent, 2)
        parent.kill()
        parent.wait(60)

        wait_for(lambda: not alive(pids))


def test_a_tether_that_is_killed_takes_the_group_with_it(start: Start) -> None:
    process = start(script=SHOW_AND_SLEEP)
    pids = read_pids(process, 2)
    process.kill()
    process.wait(60)

    wait_for(lambda: not alive(pids))


def test_whoever_reads_the_output_sees_its_end_with_the_program(start: Start) -> None:
    process = start(script="echo done")

    assert process.stdout is not None
    assert process.stdout.read() == b"done\n"
    assert process.wait(60) == 0
