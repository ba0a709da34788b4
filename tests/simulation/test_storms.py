"""A storm refuses what it is said to refuse, for as long as it lasts, and explains dead letters."""

import pytest
from botocore.exceptions import ClientError

from tests.samples import NOW
from tests.simulation.account import account
from tests.simulation.bitbucket_effects import EffectfulHttp
from tests.simulation.choices import Choices
from tests.simulation.effects import EffectfulClients
from tests.simulation.functions import Lambda
from tests.simulation.outages import Outages
from tests.simulation.scheduler import Scheduler
from tests.simulation.storms import Storm
from tests.simulation.world import World

BEGIN = NOW.timestamp()
URL = "https://api.bitbucket.org/2.0/repositories/team/churn-model"


class NoFaults(Choices):
    """Strikes nothing."""

    def strikes(self, fault: str, what: str) -> bool:
        del fault, what
        return False


def throttled(*services: str, odds: float = 1.0) -> World:
    """A world in which these services are throttled for the next 600 seconds."""
    scheduler = Scheduler(BEGIN)
    world = account(NoFaults(1), scheduler)
    world.outages = Outages(world.choices, lambda: scheduler.now, 0)
    world.outages.storms.let(Storm(BEGIN, BEGIN + 600, frozenset(services), odds))
    world.functions = Lambda(world, world.outages)
    return world


def list_jobs(world: World) -> object:
    client = EffectfulClients(world, world.outages, "submitter").make("batch", attempts=1)
    return client.list_jobs(jobQueue="q", filters=[{"name": "JOB_NAME", "values": ["a"]}])


def test_all_services_of_a_storm_are_throttled_and_no_others() -> None:
    world = throttled("batch", "lambda", "bitbucket")
    http = EffectfulHttp(world, world.outages, "notifier")

    with pytest.raises(ClientError, match="TooManyRequests"):
        list_jobs(world)
    assert 0 < world.functions.refuses("monitor") <= 500
    assert http.request("GET", URL).status == 429
    assert not world.outages.storms.throttle("dynamodb", "parser get_item")


def test_once_it_is_over_or_calm_nothing_is_throttled() -> None:
    calm, over = throttled("batch", "lambda"), throttled("batch", "lambda")
    calm.choices.calm = True
    over.scheduler.now += 600

    for world in (calm, over):
        assert list_jobs(world) == {"jobSummaryList": []}
        assert world.functions.refuses("monitor") == 0


def test_some_calls_come_through_where_only_some_are_refused() -> None:
    storms = throttled("batch", odds=0.5).outages.storms
    refused = [storms.throttle("batch", "submitter list_jobs") for _ in range(100)]

    assert 20 < sum(refused) < 80


def test_a_storm_explains_dead_letters_as_an_outage_does() -> None:
    outages = throttled("batch").outages

    assert outages.longest_within(BEGIN + 100, BEGIN + 10_000) == 500
    assert outages.last_end == BEGIN + 600
