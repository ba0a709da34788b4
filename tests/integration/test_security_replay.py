"""A signed delivery that is sent again: a replay is the same run, whenever it comes.

Bitbucket signs no time and no number, so a copy is as good as the first one. What it can cause is
shown here, from the bytes of the delivery to the build status.
"""

import json
from collections.abc import Callable
from typing import Any

from services.webhook.app import Dependencies, handle
from services.webhook.delivery import Delivery
from services.webhook.hooks import Hooks
from services.webhook.signature import sign
from shared.events import RunRequested, RunStateChanged, enclose
from shared.runs import commit_run_id
from shared.secrets import Secrets
from tests.fakes import Clock, SecretTexts
from tests.integration.service_chain import Chain
from tests.samples import COMMIT, NAMES, REPOSITORY, ended_try

UUID, KEY = "79492efb-32b4-4f69-a469-606b58d2f8b5", "a webhook's secret"
RUN_ID = commit_run_id(NAMES.stack, REPOSITORY.uuid, "main", COMMIT)


def signed_push(
    message: str = ":ACME_RUN: train", branch: str = "main", commit: str = COMMIT
) -> dict[str, Any]:
    """A delivery as API Gateway hands it over, byte for byte."""
    body = json.dumps(
        {
            "repository": {"uuid": REPOSITORY.uuid, "full_name": REPOSITORY.full_name},
            "push": {
                "changes": [
                    {
                        "old": {"target": {"hash": "f" * 40}},
                        "new": {
                            "type": "branch",
                            "name": branch,
                            "target": {"hash": commit, "message": message},
                        },
                    }
                ]
            },
        }
    )
    headers = {
        "x-hook-uuid": UUID,
        "x-event-key": "repo:push",
        "x-hub-signature": sign(body.encode(), KEY),
    }
    return {"headers": headers, "body": body, "isBase64Encoded": False}


class Door:
    """The webhook before a chain of services."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.hooks = {UUID: {"secret": KEY, "repository": REPOSITORY.full_name}}
        self.store = SecretTexts(hooks=json.dumps(self.hooks))
        self.clock = Clock()
        secrets = Secrets(self.store, self.clock.seconds)
        self.needs = Dependencies(Hooks(secrets, "hooks", require_signature=True), "ACME")

    def deliver(self, event: dict[str, Any]) -> int:
        """Hand a delivery in, and let all happen that follows; what it was answered."""
        answer = handle(Delivery.of(event), self.needs)
        for pushed in answer.events:
            self.chain.send("pushes", enclose(pushed))
        self.chain.settle()
        return answer.status

    def rotate(self, secret: str) -> None:
        """Give the webhook another secret, as `project add --new-webhook-secret` does."""
        self.store.texts["hooks"] = json.dumps({UUID: {**self.hooks[UUID], "secret": secret}})


def requests(chain: Chain) -> int:
    return sum(isinstance(event, RunRequested) for event in chain.events)


def end(chain: Chain, status: str, exit_code: int) -> None:
    chain.hear(chain.batch.move("job-1", status, attempts=[ended_try(exitCode=exit_code)]))


def test_a_delivery_sent_a_hundred_times_is_one_record_one_job_and_one_status(
    chain: Chain,
) -> None:
    door, event = Door(chain), signed_push()
    for _ in range(100):
        assert door.deliver(event) == 202

    assert len(chain.batch.submissions) == 1
    assert len(chain.bitbucket.statuses) == 1
    assert chain.run(RUN_ID).attempt == 1


def test_a_replay_at_any_moment_of_a_run_moves_nothing(chain: Chain) -> None:
    door, event = Door(chain), signed_push()
    door.deliver(event)
    moments: list[Callable[[], None]] = [
        lambda: None,
        lambda: chain.hear(chain.batch.move("job-1", "RUNNING")),
        lambda: end(chain, "FAILED", 1),
    ]
    for happen in moments:
        happen()
        before, status, asked = chain.run(RUN_ID), chain.status, requests(chain)
        door.deliver(event)

        assert chain.run(RUN_ID) == before
        assert chain.status == status
        assert requests(chain) == asked
    assert len(chain.batch.submissions) == 1


def test_after_the_end_a_replay_says_once_more_what_is_known_and_runs_nothing(
    chain: Chain,
) -> None:
    """What is left of a replay: the event and the status once more, and with it a mail."""
    door, event = Door(chain), signed_push()
    door.deliver(event)
    end(chain, "FAILED", 1)
    told, posted = len(chain.events), len(chain.bitbucket.posted)
    door.deliver(event)

    (again,) = chain.events[told:]
    assert isinstance(again, RunStateChanged)
    assert (again.state, again.attempt, again.version) == (
        "failed",
        1,
        chain.run(RUN_ID).version,
    )
    assert len(chain.bitbucket.posted) - posted <= 1
    assert len(chain.batch.submissions) == 1


def test_a_replay_does_not_stop_or_repeat_what_was_run_again(chain: Chain) -> None:
    door, event = Door(chain), signed_push()
    door.deliver(event)
    end(chain, "FAILED", 1)
    chain.rerun(RUN_ID)
    chain.settle()
    before = chain.run(RUN_ID)
    door.deliver(event)

    assert before.attempt == 2
    assert chain.run(RUN_ID) == before
    assert len(chain.batch.submissions) == 2


def test_an_old_push_replayed_after_the_branch_went_on_is_still_its_own_run(chain: Chain) -> None:
    door, old = Door(chain), signed_push()
    door.deliver(old)
    end(chain, "SUCCEEDED", 0)
    door.deliver(signed_push(commit="1" * 40))
    before = [
        chain.run(commit_run_id(NAMES.stack, REPOSITORY.uuid, "main", one))
        for one in (COMMIT, "1" * 40)
    ]
    door.deliver(old)

    assert len(chain.batch.submissions) == 2
    assert [
        chain.run(commit_run_id(NAMES.stack, REPOSITORY.uuid, "main", one))
        for one in (COMMIT, "1" * 40)
    ] == before


def test_a_rejected_push_replayed_stays_rejected(chain: Chain) -> None:
    door, event = Door(chain), signed_push(":ACME_RUN: train\n:ACME_GPUS: many")
    door.deliver(event)
    before = chain.run(RUN_ID)
    door.deliver(event)

    assert before.state == "rejected"
    assert chain.run(RUN_ID) == before
    assert chain.batch.submissions == []


def test_a_copy_with_anything_changed_is_no_copy(chain: Chain) -> None:
    door, event = Door(chain), signed_push()
    changed = {**event, "body": event["body"].replace("main", "prod")}

    assert door.deliver(changed) == 401
    assert door.deliver({**event, "headers": {**event["headers"], "x-hook-uuid": "0"}}) == 401
    assert chain.runs.get(RUN_ID) is None


def test_with_a_new_secret_of_the_webhook_every_old_delivery_is_worthless(chain: Chain) -> None:
    door, event = Door(chain), signed_push()
    assert door.deliver(event) == 202
    door.rotate("a new secret")
    door.clock.advance(61)

    assert door.deliver(event) == 401
