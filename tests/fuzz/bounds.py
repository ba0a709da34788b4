"""How much is tried, and how long one try may take.

pytest tests/fuzz                             the same examples each time, a minute of them
pytest tests/fuzz --hypothesis-profile=long   fifty times as many, and others each time
FUZZ_EXAMPLES=20000 pytest tests/fuzz         as many, and others each time
"""

import functools
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

_Result = TypeVar("_Result")
_Refusal = TypeVar("_Refusal", bound=Exception)

_EXAMPLES = 200
_TIMES_LONGER = 50
# CPU seconds: they do not count what else the machine does. All that is read here takes
# milliseconds, and a flooded folder a second or two; what grows faster than its input takes
# minutes of a megabyte.
MOST_SECONDS = 20.0
# Seconds of the clock after which one example hangs: no machine is so busy.
HANGS_SECONDS = 300.0


def fuzzed(share: float = 1.0) -> Callable[[Any], Any]:
    """What a test is marked with that takes this share of the examples, none of which may hang."""

    def mark(test: Any) -> Any:
        test.hypothesis.inner_test = _bounded(test.hypothesis.inner_test)
        return _settings(share)(test)

    return mark


def _settings(share: float) -> settings:
    asked = os.environ.get("FUZZ_EXAMPLES", "")
    is_long = settings.get_current_profile_name() == "long"
    examples = int(asked) if asked else _EXAMPLES * (_TIMES_LONGER if is_long else 1)
    return settings(
        max_examples=max(1, round(examples * share)),
        # In CI a fault is one of the commit, not of the day.
        derandomize=not (asked or is_long),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def outcome_of(act: Callable[[], _Result], refusal: type[_Refusal]) -> _Result | _Refusal:
    """What `act` returns, or the refusal that it raises; what else it raises is a fault."""
    try:
        return act()
    except refusal as refused:
        return refused


def timed(act: Callable[[], _Result]) -> _Result:
    """What `act` returns, which it does within `MOST_SECONDS`; where it hangs it is cut off."""
    before = time.process_time()
    with cut_off(HANGS_SECONDS):
        result = act()
    took = time.process_time() - before
    assert took < MOST_SECONDS, f"{took:.1f} s"
    return result


def _bounded(test: Callable[..., None]) -> Callable[..., None]:
    """One example of a test, which fails where it hangs."""

    @functools.wraps(test)
    def bounded(*given: Any, **named: Any) -> None:
        with cut_off(HANGS_SECONDS):
            test(*given, **named)

    return bounded


@contextmanager
def cut_off(seconds: float) -> Iterator[None]:
    """Fail what has not come to its end after so long, whether it works or waits.

    It is cut off by a signal, which Python's own loops, its waiting and its regular expressions
    hear. pytest's failure is none that an `except Exception` of the product catches, and one of
    which hypothesis tells the example.
    """

    def fail(_signal: int, _frame: FrameType | None) -> None:
        pytest.fail(f"it hangs: no end after {seconds:g} s")

    handler = signal.signal(signal.SIGALRM, fail)
    outer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        # One that stands around this one goes on.
        signal.setitimer(signal.ITIMER_REAL, *outer)
        signal.signal(signal.SIGALRM, handler)
