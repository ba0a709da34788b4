"""What it takes to watch a sweep: calls to AWS, and memory of the process that watches."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.sweeps_sending import job_id_of
from tests.benchmarks.sweeps_stack import SweepStack, put_results

LOOKS = 10


class UnseenError(Exception):
    """Something broke: not every result was seen."""


@dataclass(frozen=True)
class Watched:
    """Calls of the first look, of each look after it, and of the last; the peak in MiB."""

    points: int
    first: Counter[str]
    looks: list[Counter[str]]
    last: Counter[str]
    peak_mib: float


def watch(stack: SweepStack, sweep_id: str, size: int) -> Watched:
    """Watch a sweep half of whose points had ended, as the others do and then its job."""
    waves, half = stack.waves(sweep_id), size // 2
    step = (size - half) // LOOKS
    put_results(waves, range(half))
    with _watcher(stack, sweep_id, size) as look:
        first = look()
        looks = []
        for number in range(LOOKS):
            put_results(waves, range(half + number * step, half + (number + 1) * step))
            looks.append(look())
        waves.batch.terminate_job(jobId=job_id_of(waves), reason="measured")
        last = look()
    if last["ended"] != size:
        message = f"{last['ended']} of {size} points have ended"
        raise UnseenError(message)
    return Watched(
        size,
        Counter(first["calls"]),
        [Counter(one["calls"]) for one in looks],
        Counter(last["calls"]),
        last["peak_kib"] / 1024,
    )


@contextmanager
def _watcher(stack: SweepStack, sweep_id: str, size: int) -> Iterator[Callable[[], Any]]:
    """A process that watches; what is called for a look answers what that one told."""
    argv = [str(stack.folder), sweep_id, str(size)]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.sweeps_watcher", *argv],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise UnseenError("the watcher has no pipes")
        asked, answers = process.stdin, process.stdout

        def look() -> Any:
            asked.write("look\n")
            return json.loads(answers.readline())

        yield look
        asked.close()
