"""However the endpoint of machines ends, no process of theirs is left."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.layout import PROJECT
from local.machines import processes
from local.machines.sandbox import ROOT_VARIABLE
from local.parts import Part
from tests.integration.machines_endpoint import Region, region, until

# It ignores what it can ignore, and has left its session and its parent.
STUBBORN = """#!/bin/sh
setsid sh -c "trap '' TERM HUP; echo begun > ../tmp/said; while :; do sleep 1; done" &
"""


def begun(here: Region) -> str:
    """The root of a machine that runs something stubborn."""
    disk = here.disk(here.launch(STUBBORN))
    assert until((disk / "tmp/said").exists)
    assert processes.marked(ROOT_VARIABLE, str(disk))
    return str(disk)


def gone(root: str) -> bool:
    return until(lambda: not processes.marked(ROOT_VARIABLE, root))


def test_ending_the_endpoint_ends_its_machines(tmp_path: Path) -> None:
    with region(tmp_path) as here:
        root = begun(here)
        here.part.end()

        assert gone(root)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody adopts an orphan")
def test_an_endpoint_that_is_killed_takes_its_machines_along(tmp_path: Path) -> None:
    with region(tmp_path) as here:
        root = begun(here)
        os.kill(program_of(here.part), signal.SIGKILL)

        assert gone(root)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody adopts an orphan")
def test_a_parent_that_is_killed_takes_the_machines_along(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from tests.integration.test_machines_endpoint_ends import begun, region\n"
        "with region(Path(sys.argv[1])) as here:\n"
        "    print(begun(here), flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, cwd=PROJECT, text=True
    ) as parent:
        assert parent.stdout is not None
        root = parent.stdout.readline().rstrip("\n")
        parent.kill()

    assert root
    assert gone(root)


def program_of(part: Part) -> int:
    """The process of a part: a child of its tether, beside the tether's guard."""
    children = Path(f"/proc/{part.process.pid}/task/{part.process.pid}/children").read_text()
    named = (int(one) for one in children.split())
    begins = f"{sys.executable}\0-m\0local.machines\0".encode()
    return next(
        one for one in named if Path(f"/proc/{one}/cmdline").read_bytes().startswith(begins)
    )
