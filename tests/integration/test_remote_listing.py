"""`cloud-runner remote list` on moto's EC2 and tables."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from cli.remote.commands import remote
from shared import machine_tags
from shared.events import Asked
from tests.integration.own_machines import OwnMachines, ago, own_machines
from tests.integration.runs_account import RunsAccount, Typed, empty


@pytest.fixture
def machines(anybodys: RunsAccount) -> Iterator[OwnMachines]:
    with empty(anybodys) as stack, own_machines(stack) as machines:
        yield machines


def listed(*words: str, code: int = 0) -> Typed:
    result = CliRunner(mix_stderr=False).invoke(remote, ["list", *words], catch_exceptions=False)

    assert result.exit_code == code, result.stdout + result.stderr
    return Typed(result.stdout, result.stderr)


def told(*words: str) -> dict[str, dict[str, Any]]:
    """The machines for programs, by name."""
    return {one["name"]: one for one in json.loads(listed("--json", *words).stdout)}


def row(text: str, name: str) -> str:
    """A machine's line of the table, its columns one space apart."""
    (line,) = [line for line in text.splitlines() if line.startswith(name)]
    return " ".join(line.split())


def test_a_machine_is_listed_with_its_age_its_end_its_cost_and_its_run(
    machines: OwnMachines,
) -> None:
    asked = Asked(module="churn.train", arguments="--epochs 3")
    run = machines.runs.keep("one", state="running", asked=asked)
    instance_id = machines.start("study", tags={machine_tags.RUN: run.run_id})
    said = listed().stdout

    assert row(said, "study") == (
        f"study running 1 h in 2 h $0.10 m7i.large {instance_id} "
        f"{run.run_id[:12]} running: python -m churn.train --epochs 3"
    )


def test_programs_get_every_fact(machines: OwnMachines) -> None:
    run = machines.runs.keep("one", state="running", asked=Asked(module="churn.train"))
    instance_id = machines.start("study", spot=True, tags={machine_tags.RUN: run.run_id})
    study = told()["study"]
    cost = study.pop("cost_usd")

    assert cost == pytest.approx(0.2, abs=0.02)  # it goes on
    assert {name: study[name] for name in study if not name.endswith("_at")} == {
        "instance_id": instance_id,
        "name": "study",
        "instance_type": "m7i.large",
        "market": "spot",
        "state": "running",
        "origin": "created",
        "asked_by": "someone",
        "zone": study["zone"],
        "public_address": study["public_address"],
        "private_address": study["private_address"],
        "afterwards": "terminate",
        "run_id": run.run_id,
        "run_state": "running",
        "module": "churn.train",
        "arguments": None,
        "cost_note": None,
        "stale": None,
    }


def test_a_spot_price_that_moved_is_counted_from_then_on(machines: OwnMachines) -> None:
    machines.ec2.spot += [(ago(minutes=45), "0.40"), (ago(minutes=15), "0.80")]
    machines.start("study", spot=True)

    assert told()["study"]["cost_usd"] == pytest.approx(0.05 + 0.2 + 0.2, abs=0.02)


def test_a_spot_machine_older_than_the_history_has_no_figure(machines: OwnMachines) -> None:
    machines.ec2.spot = [(ago(minutes=10), "0.40")]
    machines.start("study", spot=True)
    said = listed()

    assert " ? m7i.large spot" in row(said.stdout, "study")
    assert "does not reach its start" in said.stderr


def test_prices_that_nobody_may_ask_for_leave_the_list_as_it_is(machines: OwnMachines) -> None:
    machines.ec2.refused = {"describe_spot_price_history"}
    machines.start("study", spot=True)
    machines.start("other", kind="x9.huge")
    said = listed()

    assert " ? m7i.large spot" in row(said.stdout, "study")
    assert "asking for spot prices: UnauthorizedOperation" in said.stderr
    assert "the price list has no one price of x9.huge" in said.stderr


def test_a_stopped_machine_costs_until_then_and_its_disks_are_named(machines: OwnMachines) -> None:
    reason = f"User initiated ({ago(minutes=30):%Y-%m-%d %H:%M:%S} GMT)"
    instance_id = machines.start("study", StateTransitionReason=reason)
    machines.ec2.moto.stop_instances(InstanceIds=[instance_id])
    said = listed()

    assert row(said.stdout, "study") == (f"study stopped - - $0.05 m7i.large {instance_id} -")
    assert f"{instance_id} (study): it is stopped: its disks go on costing" in said.stderr


def test_what_is_stale_is_marked_with_why_and_with_what_ends_it(machines: OwnMachines) -> None:
    late = machine_tags.ends(ago(hours=2, minutes=1))
    instance_id = machines.start("study", tags={machine_tags.ENDS: late})
    said = listed()

    assert "study stale 1 h 2 h ago $0.10" in row(said.stdout, "study")
    assert f"{instance_id} (study): stale: it should have ended 2 h ago" in said.stderr
    assert "cloud-runner remote terminate --stale" in said.stderr
    assert told()["study"]["stale"] == "it should have ended 2 h ago"


def test_the_machine_that_was_started_last_comes_first(machines: OwnMachines) -> None:
    machines.start("old", LaunchTime=ago(hours=5))
    machines.start("new", LaunchTime=ago(minutes=5))
    machines.start("between", LaunchTime=ago(hours=2))

    assert list(told()) == ["new", "between", "old"]


def test_what_is_gone_is_listed_when_it_is_asked_for(machines: OwnMachines) -> None:
    gone = machines.start("gone")
    machines.ec2.moto.terminate_instances(InstanceIds=[gone])

    assert "no machines in acme-development, eu-west-1 (--all:" in listed().stderr
    assert told("--all")["gone"]["state"] == "terminated"


@pytest.mark.parametrize(
    "tags",
    [
        {machine_tags.STACK: "acme-testing"},
        # As Batch's own machines are tagged.
        {machine_tags.MACHINE: ""},
    ],
    ids=["another environment's", "Batch's"],
)
def test_the_machines_of_others_are_left_out(machines: OwnMachines, tags: dict[str, str]) -> None:
    instance_id = machines.start("others", tags=tags)
    for key, value in tags.items():
        if not value:
            machines.ec2.moto.delete_tags(Resources=[instance_id], Tags=[{"Key": key}])

    assert told() == {}


def test_machines_are_found_where_the_stack_is_gone(machines: OwnMachines) -> None:
    run = machines.runs.keep("one", state="running")
    machines.start("study", tags={machine_tags.RUN: run.run_id})
    stacks = machines.runs.here.stacks
    stacks.found, kept = {}, stacks.found
    try:
        said = row(listed().stdout, "study")
    finally:
        stacks.found = kept

    assert said.endswith(f"{run.run_id[:12]} ?")


def test_what_tags_say_reaches_no_terminal_as_it_is(machines: OwnMachines) -> None:
    instance_id = machines.start("evil", kind="x9.huge")
    (name, *others) = machines.tags(instance_id)
    machines.ec2.more[instance_id]["Tags"] = [{**name, "Value": "evil\x1b[2J"}, *others]
    said = listed()

    assert "\x1b" not in said.output
    assert said.output.count("evil") == 2


def test_aws_that_refuses_is_said_in_a_line(machines: OwnMachines) -> None:
    machines.ec2.refused = {"describe_instances"}

    assert "looking for machines: UnauthorizedOperation" in listed(code=1).stderr
