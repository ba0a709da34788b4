"""How much is tried, and how long one try may take.

pytest tests/fuzz                             the same examples each time, a minute of them
pytest tests/fuzz --hypothesis-profile=long   fifty times as many, and others each time
FUZZ_EXAMPLES=20000 pytest tests/fuzz         as many, and others each time
"""

import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings

_Result = TypeVar("_Result")
_Refusal = TypeVar("_Refusal", bound=Exception)

_EXAMPLES = 200
_TIMES_LONGER = 50
# CPU seconds: they do not count what else the machine does. All that is read here takes
# milliseconds; what grows faster than its input takes minutes of a megabyte.
MOST_SECONDS = 3.0


def fuzzed(share: float = 1.0) -> Callable[[Any], Any]:
    """The settings of a test that takes this share of the examples."""
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
    """What `act` returns, which it does within `MOST_SECONDS`."""
    before = time.process_time()
    result = act()
    took = time.process_time() - before
    assert took < MOST_SECONDS, f"{took:.1f} s"
    return result
