"""Load: what is called too much memory, and what is called not measured."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from tests.load.bounds import BOUNDS, Work, memory_failures
from tests.load.memory import FUNCTIONS, PARTS, TETHERS, Memory, Sample

NOTHING: Mapping[str, float] = MappingProxyType({})


def measured(changed: Mapping[str, float] = NOTHING, times: int = 30) -> Memory:
    mib = dict.fromkeys(PARTS, 50.0) | dict(changed)
    processes = {part: 1 if mib[part] else 0 for part in PARTS}
    return Memory([Sample(2.0 * at, mib, processes) for at in range(times)])


def test_each_part_has_a_bound_with_its_reason() -> None:
    assert set(BOUNDS) == set(PARTS)
    assert all(bound.why and bound.base > 0 for bound in BOUNDS.values())


def test_parts_within_their_bounds_are_no_failure() -> None:
    assert memory_failures(measured(), Work(runs=1)) == ()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_beyond_its_bound_is_a_failure(part: str) -> None:
    bound = BOUNDS[part].mib(Work(runs=1))

    assert memory_failures(measured({part: bound}), Work(runs=1)) == ()
    assert memory_failures(measured({part: bound + 100}), Work(runs=1)) == (
        f"{part} had {bound + 100:.0f} MiB, more than {bound:.0f}",
    )


def test_what_keeps_runs_and_messages_may_have_more_after_more_of_them() -> None:
    bound = BOUNDS["emulator"]
    grown = bound.mib(Work(runs=1024)) - bound.base

    assert grown == bound.run
    assert bound.mib(Work(runs=0, messages=1024)) - bound.base == bound.message


def test_functions_are_judged_by_the_process() -> None:
    mib = dict.fromkeys(PARTS, 50.0) | {FUNCTIONS: 3000.0}
    processes = dict.fromkeys(PARTS, 1) | {FUNCTIONS: 50}

    assert memory_failures(Memory([Sample(at, mib, processes) for at in range(30)]), Work(1)) == ()


@pytest.mark.parametrize("part", [part for part in PARTS if part != TETHERS])
def test_a_part_of_which_no_process_was_seen_is_a_failure(part: str) -> None:
    assert memory_failures(measured({part: 0.0}), Work(1)) == (f"no process of {part} was seen",)


def test_memory_that_was_hardly_measured_is_a_failure() -> None:
    assert memory_failures(measured(times=9), Work(1)) == ("memory was measured 9 times only",)
