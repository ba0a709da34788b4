"""How machines are found and ended, and what EC2 may answer to that."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared import machine_tags
from shared.machines import GRACE, Machines
from tests.fake_machines import Ec2
from tests.samples import NAMES, NOW, minutes
from tests.samples_machines import ENDS_AT, INSTANCE, an_instance

OVERDUE = ENDS_AT + GRACE


@pytest.mark.parametrize("afterwards", ["stop", "keep"])
def test_a_machine_that_cannot_be_stopped_is_terminated(afterwards: Any) -> None:
    ec2 = Ec2()
    ec2.launch(INSTANCE)
    ec2.unstoppable.add(INSTANCE)

    Machines(ec2).end(INSTANCE, afterwards)

    assert ec2.state(INSTANCE) == "terminated"


@pytest.mark.parametrize("afterwards", ["terminate", "stop", "keep"])
def test_a_machine_that_is_gone_has_ended(afterwards: Any) -> None:
    Machines(Ec2()).end(INSTANCE, afterwards)


@pytest.mark.parametrize("state", ["shutting-down", "terminated", "pending"])
def test_a_machine_that_cannot_be_stopped_now_is_left_to_the_next_time(state: str) -> None:
    ec2 = Ec2()
    ec2.launch(INSTANCE)
    ec2.becomes(INSTANCE, state)

    Machines(ec2).end(INSTANCE, "stop")

    assert ec2.state(INSTANCE) == state


def test_a_refusal_to_end_a_machine_is_not_passed_over() -> None:
    ec2 = Ec2()
    ec2.launch(INSTANCE)
    ec2.protected.add(INSTANCE)

    with pytest.raises(ClientError, match="OperationNotPermitted"):
        Machines(ec2).end(INSTANCE, "terminate")


def test_ec2_is_asked_about_two_hundred_machines_a_call() -> None:
    ec2 = Ec2()
    ids = [f"i-{number:017x}" for number in range(405)]
    for instance_id in ids[:-1]:
        ec2.launch(instance_id)

    known = Machines(ec2).describe([*ids, ids[0]])

    assert sorted(known) == ids[:-1]
    assert ec2.described == [200, 200, 5]


def test_no_machines_to_ask_about_calls_nobody() -> None:
    ec2 = Ec2()
    ec2.away = True

    assert Machines(ec2).describe([]) == {}


def test_every_overdue_machine_is_found_whatever_page_it_is_on() -> None:
    ec2 = Ec2()
    for number in range(5):
        ec2.launch(f"i-0{number}", ENDS_AT)

    found = list(Machines(ec2).overdue(NAMES.stack, OVERDUE))

    assert [one.instance_id for one in found] == [f"i-0{number}" for number in range(5)]
    assert {one.ends_at for one in found} == {ENDS_AT}


@pytest.mark.parametrize(
    ("state", "late"),
    [
        ("running", True),
        ("pending", True),
        ("stopping", False),
        ("stopped", False),
        ("shutting-down", False),
        ("terminated", False),
    ],
)
def test_a_machine_is_overdue_only_while_it_costs(state: str, late: bool) -> None:
    machine = an_instance(state, tags={machine_tags.ENDS: machine_tags.ends(ENDS_AT)})

    assert machine.overdue(OVERDUE) is late
    assert not machine.overdue(OVERDUE - minutes(1))


def test_a_machine_that_was_started_after_its_end_is_left_to_its_owner_for_a_while() -> None:
    started_at = ENDS_AT + minutes(600)
    tags = {machine_tags.ENDS: machine_tags.ends(ENDS_AT)}
    machine = an_instance("running", tags=tags, launched_at=started_at)

    assert not machine.overdue(started_at + GRACE - minutes(1))
    assert machine.overdue(started_at + GRACE)


def test_a_machine_of_which_ec2_does_not_say_when_it_was_started_is_overdue_all_the_same() -> None:
    tags = {machine_tags.ENDS: machine_tags.ends(ENDS_AT)}
    machine = an_instance("running", tags=tags).model_copy(update={"launched_at": None})

    assert machine.overdue(OVERDUE)


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2026-13-01T00:00:00Z", "2026-11-21T12:00:00", "٢٠٢٦"]
)
def test_a_tag_that_says_no_moment_makes_no_machine_overdue(text: str) -> None:
    machine = an_instance("running", tags={machine_tags.ENDS: text})

    assert machine.ends_at is None
    assert not machine.overdue(NOW + minutes(1_000_000))


@pytest.mark.parametrize(
    ("tags", "afterwards"),
    [
        ({machine_tags.AFTERWARDS: "keep"}, "keep"),
        ({machine_tags.AFTERWARDS: "stop", machine_tags.MACHINE: "created"}, "stop"),
        ({machine_tags.AFTERWARDS: "burn", machine_tags.MACHINE: "created"}, "terminate"),
        ({machine_tags.AFTERWARDS: "burn", machine_tags.MACHINE: "given"}, "stop"),
        ({}, "stop"),
    ],
)
def test_only_what_we_created_is_terminated_where_the_tag_is_gone(
    tags: dict[str, str], afterwards: str
) -> None:
    assert an_instance("running", tags=tags).afterwards == afterwards
