"""Load: whose memory is counted."""

import subprocess
import sys

from tests.load.memory import watched

# A process that forks, and whose child never becomes a program of its own.
_FORKS = """
import os, sys
child = os.fork()
if child:
    print(child, flush=True)
sys.stdin.read()
"""


def test_a_process_that_was_forked_and_is_no_program_yet_is_not_counted_twice() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _FORKS, "-m ministack"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as forking:
        assert forking.stdout is not None
        child = int(forking.stdout.readline())
        with watched(forking.pid) as memory:
            pass

    assert child > 0
    assert memory.most_processes("emulator") == 1
    assert memory.peaks()["emulator"] > 0
