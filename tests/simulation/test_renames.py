"""What a renamed repository is here: for Bitbucket, for the webhook, for its project."""

import json

from shared.events import Repository
from tests.samples import NAMES, NOW
from tests.simulation import names
from tests.simulation.account import account
from tests.simulation.choices import Choices
from tests.simulation.models.bitbucket import URL
from tests.simulation.projects import REPOSITORIES, Projects
from tests.simulation.scheduler import Scheduler
from tests.simulation.world import World

BEFORE = REPOSITORIES[0]
AFTER = Repository(uuid=BEFORE.uuid, full_name=f"{BEFORE.full_name}-2")
ADDED_AT = NOW.timestamp() + 600


def renamed() -> tuple[World, Projects]:
    """A world in which the first repository has just been renamed."""
    choices = Choices(1)
    choices.calm = True
    world = account(choices, Scheduler(NOW.timestamp()))
    projects = Projects(world)
    world.bitbucket.tokens.add("Bearer token")
    projects.rename(BEFORE.uuid, ADDED_AT)
    return world, projects


def status_of(world: World, path: str) -> int:
    headers = {"Authorization": "Bearer token"}
    return world.bitbucket.request("GET", f"{URL}/repositories/{path}", headers=headers).status


def added_as(world: World) -> set[str]:
    secret = names.environment("webhook")["AUTHORISED_HOOKS_SECRET"]
    entries = json.loads(world.secretsmanager.texts[secret]).values()
    return {one["repository"] for one in entries if one["uuid"] == BEFORE.uuid}


def test_bitbucket_knows_it_by_its_uuid_and_its_new_name_alone() -> None:
    world, _ = renamed()

    assert status_of(world, f"%7B%7D/{BEFORE.uuid}") == 200
    assert status_of(world, AFTER.full_name) == 200
    assert status_of(world, BEFORE.full_name) == 404


def test_the_webhook_knows_it_by_its_old_name_until_it_is_added_anew() -> None:
    world, projects = renamed()
    before = added_as(world)
    projects.add(BEFORE.uuid)

    assert projects.hooks[BEFORE.uuid].repository == AFTER
    assert (before, added_as(world)) == ({BEFORE.full_name}, {AFTER.full_name})


def test_its_project_has_no_job_definition_until_it_is_added_anew() -> None:
    world, projects = renamed()
    definition = NAMES.job_definition(AFTER.slug)
    before = definition in world.batch.definitions
    projects.add(BEFORE.uuid)

    assert world.ledger.undefined[AFTER.slug] == ADDED_AT
    assert (before, definition in world.batch.definitions) == (False, True)
