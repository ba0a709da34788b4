"""A short storm over a stack of its own; `make chaos` blows a longer one."""

import os
import re
import sys
from pathlib import Path

import pytest

from local import tether
from local.layout import PROJECT
from tests.e2e.conftest import processes_of
from tests.e2e.world import until

# The storm goes on until every kind of fault has struck, and only this bounds it.
_SECONDS = 3600
_GRACE_SECONDS = 120
_PUSHES = 6
# Half of its jobs wait until one was killed, and then run for three seconds.
_SEED = 31


@pytest.mark.skipif(sys.platform != "linux", reason="the storm needs Linux's /proc")
def test_a_storm_over_functions_jobs_batch_and_bitbucket_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "tests.chaos", "--pushes", str(_PUSHES), "--seed", str(_SEED)]
    state = tmp_path / "state"
    log = tmp_path / "log"
    with log.open("wb") as stream:
        process = tether.start(
            [*command, "--pause", "0.3", "--state-dir", str(state)],
            env=dict(os.environ),
            cwd=PROJECT,
            stdout=stream,
            stderr=stream,
            grace=_GRACE_SECONDS,
        )
        try:
            code = process.wait(timeout=_SECONDS)
        finally:
            process.terminate()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
    told = log.read_text()

    assert code == 0, told
    counted = f"{_PUSHES} pushed, {_PUSHES} records, {_PUSHES} jobs; statuses: "
    assert f"nothing lost, nothing doubled (seed {_SEED}): {counted}" in told
    for fault in ("function worker", "job", "Batch", "Bitbucket"):
        assert re.search(rf"^{fault} killed +[1-9]", told, re.MULTILINE), told
    assert until(lambda: not processes_of(tmp_path)), processes_of(tmp_path)
