"""Which machines should have ended, and why: by their tags and by their runs' records."""

from dataclasses import replace
from typing import Any

import pytest

from cli.remote.costing import Time
from cli.remote.known import Known
from cli.remote.machine import read
from cli.remote.stale import why_stale
from shared import machine_tags
from shared.runs import Run
from tests.samples import NOW, a_run, minutes

LAUNCHED = NOW - minutes(120)


def a_machine(
    *, state: str = "running", run: Run | None = None, ends: float = 60, **tags: str | None
) -> Known:
    """A machine created two hours ago; `ends` is minutes from NOW, `tags` by their short names."""
    known: dict[str, str | None] = {
        machine_tags.MACHINE: "created",
        machine_tags.ENDS: machine_tags.ends(NOW + minutes(ends)),
        machine_tags.AFTERWARDS: "terminate",
        machine_tags.RUN: None if run is None else run.run_id,
        **{f"cloud-runner-{name.replace('_', '-')}": value for name, value in tags.items()},
    }
    described: dict[str, Any] = {
        "InstanceId": "i-0a",
        "InstanceType": "m7i.large",
        "State": {"Name": state},
        "LaunchTime": LAUNCHED,
        "Tags": [{"Key": key, "Value": value} for key, value in known.items() if value],
    }
    return Known(read(described), Time.of(described), run)


def ended(minutes_ago: float) -> Run:
    """A run that succeeded so long ago."""
    return a_run(state="succeeded", stopped_at=NOW - minutes(minutes_ago))


def test_a_machine_past_its_end_is_stale_after_five_minutes() -> None:
    assert why_stale(a_machine(ends=1), NOW) is None
    assert why_stale(a_machine(ends=-5), NOW) is None
    assert why_stale(a_machine(ends=-6), NOW) == "it should have ended 6 min ago"


def test_a_machine_that_is_busy_past_its_end_has_time_to_store_what_there_is() -> None:
    busy = a_run(state="running")

    assert why_stale(a_machine(run=busy, ends=-24), NOW) is None
    assert why_stale(a_machine(run=busy, ends=-26), NOW) == "it should have ended 26 min ago"


def test_a_machine_whose_run_is_over_is_stale_after_a_quarter_of_an_hour() -> None:
    assert why_stale(a_machine(run=ended(14)), NOW) is None
    assert why_stale(a_machine(run=ended(16)), NOW) == "its run ended 16 min ago"
    assert why_stale(a_machine(run=ended(16), afterwards="stop"), NOW) == "its run ended 16 min ago"


def test_a_machine_that_is_kept_is_stale_past_its_end_alone() -> None:
    kept: dict[str, Any] = {"afterwards": "keep", "idle_minutes": "30"}

    assert why_stale(a_machine(run=ended(90), **kept), NOW) is None
    assert why_stale(a_machine(**kept), NOW) is None
    assert why_stale(a_machine(ends=-6, **kept), NOW) == "it should have ended 6 min ago"


def test_a_machine_that_has_run_nothing_is_stale_when_its_idle_minutes_are_over() -> None:
    assert why_stale(a_machine(idle_minutes="116"), NOW) is None
    assert (
        why_stale(a_machine(idle_minutes="114"), NOW)
        == "it has run nothing since it was started 2 h ago"
    )


@pytest.mark.parametrize("idle", [None, "0", "", "soon", "-5", "٣٠", "9" * 30])
def test_no_idle_minutes_are_no_end(idle: str | None) -> None:
    assert why_stale(a_machine(idle_minutes=idle), NOW) is None


def test_a_machine_that_was_given_may_have_been_idle_for_long() -> None:
    assert why_stale(a_machine(machine="given", idle_minutes="30"), NOW) is None


def test_a_machine_that_runs_something_is_neither_idle_nor_over() -> None:
    for run in (a_run(), a_run(state="submitted"), a_run(state="running")):
        assert why_stale(a_machine(run=run, idle_minutes="30"), NOW) is None


def test_a_run_whose_record_is_not_to_be_had_may_go_on() -> None:
    machine = replace(a_machine(run=ended(90), idle_minutes="30"), run=None)

    assert why_stale(machine, NOW) is None


def test_a_machine_that_was_started_again_after_its_run_is_idle_from_then_on() -> None:
    before = a_run(state="failed", stopped_at=LAUNCHED - minutes(600))

    assert why_stale(a_machine(run=before), NOW) is None
    assert why_stale(a_machine(run=before, idle_minutes="30"), NOW) is not None


@pytest.mark.parametrize("state", ["stopping", "stopped", "shutting-down", "terminated"])
def test_what_does_not_run_has_ended(state: str) -> None:
    assert why_stale(a_machine(state=state, ends=-600), NOW) is None


def test_an_end_that_nobody_can_read_is_no_reason_to_end_a_machine() -> None:
    machine = a_machine(ends=-600)
    edited = replace(machine, machine=replace(machine.machine, ends_at=None))

    assert why_stale(machine, NOW) is not None
    assert why_stale(edited, NOW) is None
