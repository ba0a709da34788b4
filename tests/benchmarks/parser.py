"""How fast commit messages are read, and that the time grows with their length, and no faster."""

import time
from collections.abc import Callable
from contextlib import suppress
from statistics import median

from services.parser.keywords import Limits, read
from shared.errors import Rejected
from shared.events import RunId
from tests.benchmarks.tables import against, show

# Twice the time per byte would still be nothing like quadratic, which would be a thousand times.
GOAL = 2.0
ROUNDS = 7
SMALL, LARGE = 1024, 1024 * 1024
# Small messages are read this often at a time, or one could not time them.
_REPEATED = 200
_LIMITS = Limits(gpus=8, memory_mib=249_856, vcpus=64, points=1000, failed_percent=0)
_PROSE = "Train on the whole of the data, since the sample was too small to tell them apart.\n"


def _repeated(text: str) -> Callable[[int], str]:
    return lambda length: (text * (length // len(text) + 1))[:length]


MESSAGES: dict[str, Callable[[int], str]] = {
    "prose": _repeated(_PROSE),
    "prose, then keywords": lambda n: (
        _repeated(_PROSE)(n - 40) + "\n:ACME_RUN: train\n:ACME_GPUS: 2\n"
    ),
    "keywords, all the same": _repeated(":ACME_RUN: --single-item featurize_data\n"),
    "keywords, all different": lambda n: "".join(f":ACME_RUN: {i:05}\n" for i in range(n // 17)),
    "unknown keywords": lambda n: "".join(f":ACME_X{i:05}: 1\n" for i in range(n // 17)),
    "no newline": _repeated("x"),
    "colons alone": _repeated(":"),
    "lines of one colon": _repeated(":\n"),
    ":ACME_ without end": _repeated(":ACME_"),
    "a keyword's name without end": lambda n: ":ACME_" + "A" * (n - 6),
    "digits": lambda n: ":ACME_RUN:\n:ACME_MEMORY: " + "1" * (n - 26),
    "a quote that never ends": lambda n: ":ACME_RUN: '" + "x" * (n - 12),
    "many quoted arguments": lambda n: ":ACME_RUN: " + _repeated("-S 'note=two words' ")(n - 11),
    "many quotes": lambda n: ":ACME_RUN: " + _repeated("a='")(n - 11),
    "spaces": lambda n: ":ACME_RUN: x" + " " * (n - 13) + "x",
    "params": lambda n: ":ACME_RUN_EXP:\n:ACME_RUN: --params " + _repeated("a=1,")(n - 36) + "b=1",
}


def section() -> None:
    """Print the table."""
    rows = []
    for name, message in MESSAGES.items():
        small = _seconds(message(SMALL), _REPEATED) / SMALL
        large = _seconds(message(LARGE), 1) / LARGE
        rows.append(
            (
                name,
                f"{1 / small / SMALL:,.0f}",
                f"{1 / large / 1e6:,.0f}",
                *against(large / small, GOAL),
            )
        )
    show(
        f"Reading a commit message (goal: a byte of 1 MB takes at most {GOAL:.0f} of one of 1 KB)",
        ("", "1 KB: messages/s", "1 MB: MB/s", "growth per byte", "goal"),
        rows,
        f"medians of {ROUNDS}, CPU time; below 1, a message costs more than its bytes",
        "a push of Bitbucket's is cut at 200 KiB before it is read",
    )


def _seconds(message: str, times: int) -> float:
    """CPU seconds that one reading takes."""
    samples = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(times):
            with suppress(Rejected):
                read(message, "ACME", _LIMITS, RunId("4f2a"))
        samples.append((time.process_time() - start) / times)
    return median(samples)
