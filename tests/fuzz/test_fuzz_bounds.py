"""What hangs is a failure of the test that shows it, and no suite that stands still."""

import re
import signal
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import bounds
from tests.fuzz.bounds import cut_off, fuzzed, timed


def works() -> None:
    while True:
        pass


def waits() -> None:
    threading.Event().wait()


def backtracks() -> None:
    re.fullmatch(r"(a|a)*b", "a" * 64)


def swallows() -> None:
    while True:
        try:
            waits()
        except Exception:  # noqa: BLE001 - such an `except` is what is tried here
            continue


@pytest.mark.parametrize("hang", [works, waits, backtracks, swallows])
def test_what_hangs_is_cut_off(hang: Callable[[], None]) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"no end after 0\.1 s"), cut_off(0.1):
        hang()

    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_a_limit_within_another_leaves_the_outer_one_on() -> None:
    def wait_behind_a_limit() -> None:
        timed(lambda: None)
        waits()

    with pytest.raises(pytest.fail.Exception, match=r"after 0\.2 s"), cut_off(0.2):
        wait_behind_a_limit()


def test_each_example_of_a_fuzzed_test_has_such_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    @fuzzed(0.01)
    @given(st.booleans())
    def test(_given: bool) -> None:
        seen.append(signal.getitimer(signal.ITIMER_REAL)[0])

    monkeypatch.setattr(bounds, "HANGS_SECONDS", 30.0)
    test()

    assert seen
    assert all(0 < left <= 30 for left in seen)
