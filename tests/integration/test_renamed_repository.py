"""A repository that was renamed after it was added: what becomes of its pushes and its project."""

import json
from dataclasses import replace

from services.webhook.hooks import Hooks
from shared.runs import commit_run_id
from shared.secrets import Secrets
from tests.fakes import SecretTexts
from tests.integration.service_chain import Chain
from tests.integration.test_security_replay import KEY, RUN_ID, UUID, Door, requests, signed_push
from tests.samples import NAMES, REPOSITORY

BEFORE = "team/an-old-name"


def door(chain: Chain, known_as: str) -> Door:
    """The webhook before a chain, with an entry of the repository under a name."""
    entry = {"secret": KEY, "repository": known_as, "uuid": REPOSITORY.uuid}
    found = Door(chain)
    hooks = Hooks(
        Secrets(SecretTexts(hooks=json.dumps({UUID: entry})), found.clock.seconds),
        "hooks",
        require_signature=True,
    )
    found.needs = replace(found.needs, hooks=hooks)
    return found


def test_a_push_to_a_repository_that_was_renamed_gets_a_failed_status_that_says_what_to_do(
    chain: Chain,
) -> None:
    assert door(chain, BEFORE).deliver(signed_push()) == 202

    assert chain.status["state"] == "FAILED"
    assert chain.status["description"] == (
        f"rejected: run cloud-runner project add {REPOSITORY.full_name}, then push another commit: "
        f"the repository was added as {BEFORE}, and has been renamed"
    )
    assert chain.run(RUN_ID).state == "rejected"
    assert requests(chain) == 0
    assert chain.batch.submissions == []


def test_once_it_is_added_under_its_new_name_the_next_commit_runs(chain: Chain) -> None:
    door(chain, BEFORE).deliver(signed_push())
    next_commit = "e" * 40

    door(chain, REPOSITORY.full_name).deliver(signed_push(commit=next_commit))

    assert len(chain.batch.submissions) == 1
    run = chain.run(commit_run_id(NAMES.stack, REPOSITORY.uuid, "main", next_commit))
    assert run.state == "submitted"


def test_a_push_to_a_repository_that_was_renamed_and_asks_for_nothing_leaves_nothing(
    chain: Chain,
) -> None:
    door(chain, BEFORE).deliver(signed_push("prose"))

    assert chain.runs.get(RUN_ID) is None
    assert chain.bitbucket.statuses == {}
