"""Whose clock is wrong in the simulation, and by how much."""

from datetime import datetime
from typing import Any

import time_machine

from tests.samples import NOW, REPOSITORY
from tests.simulation import names
from tests.simulation.account import account
from tests.simulation.choices import Choices
from tests.simulation.commands import Commands
from tests.simulation.effects import EffectfulClients
from tests.simulation.functions import Lambda
from tests.simulation.ledger import Ask
from tests.simulation.outages import Outages
from tests.simulation.pushes import Commit, Wanted
from tests.simulation.records import Record, plain
from tests.simulation.scheduler import Scheduler
from tests.simulation.world import World

BEGIN = NOW.timestamp()
# As far as AWS takes what is signed.
MOST_SECONDS = 300


class Only(Choices):
    """Strikes whenever it is asked for the one kind."""

    def __init__(self, kind: str, seed: int) -> None:
        super().__init__(seed)
        self._kind = kind

    def strikes(self, fault: str, what: str) -> bool:
        del what
        return fault == self._kind


def a_world(kind: str, seed: int, scheduler: Scheduler) -> World:
    world = account(Only(kind, seed), scheduler)
    world.outages = Outages(world.choices, lambda: scheduler.now, 0)
    world.clients = lambda who: EffectfulClients(world, world.outages, who)
    return world


def asked_by_command(kind: str, seed: int) -> Record:
    """The record of a run that a command has asked for at `BEGIN`."""
    with time_machine.travel(BEGIN, tick=False) as traveller:
        scheduler = Scheduler(BEGIN, traveller.move_to)
        world = a_world(kind, seed, scheduler)
        commit = Commit("c" * 40, "Correct a typo", Wanted(arguments="evaluate"))
        Commands(world, world.ledger).ask("nightly", Ask(REPOSITORY, "main", commit, "a command"))
        while scheduler.step() is not None:
            pass
        (item,) = world.dynamodb.items(names.ref("RunsTable")).values()
        return plain(item)


def test_the_clock_of_a_person_is_wrong_by_no_more_than_aws_takes() -> None:
    off = [
        datetime.fromisoformat(asked_by_command("person-skew", seed)["created_at"]).timestamp()
        - BEGIN
        for seed in range(20)
    ]

    assert max(map(abs, off)) < MOST_SECONDS
    assert min(off) < -60
    assert max(off) > 60


def test_the_clock_of_a_person_is_true_otherwise() -> None:
    created_at = asked_by_command("skew", 1)["created_at"]

    assert abs(datetime.fromisoformat(created_at).timestamp() - BEGIN) < 5


def test_the_clock_of_an_instance_is_set_while_it_works_and_is_wrong_afterwards() -> None:
    with time_machine.travel(BEGIN, tick=False) as traveller:
        scheduler = Scheduler(BEGIN, traveller.move_to)
        world = a_world("clock-steps", 1, scheduler)
        functions = Lambda(world, world.outages)
        ended: list[Any] = []
        functions.invoke("monitor", {"Records": []}, ended.append)
        instance = functions._deployed["monitor"].instances[0]
        before = instance.skew
        while scheduler.step() is not None:
            pass

    assert len(ended) == 1
    assert before == 0
    assert 0 < abs(instance.skew) <= 5
