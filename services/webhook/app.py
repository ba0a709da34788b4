"""Takes Bitbucket's webhook: authenticates it, reads the push, stores one event per branch.

It answers 202 only when the events are stored. Bitbucket sends a delivery that is answered 5xx
again, three times in all, and gives each 10 s; it never repeats one that is answered 4xx.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from services.webhook.delivery import Answer, Delivery
from services.webhook.hooks import Hooks
from services.webhook.push import MAX_BRANCHES, read, unreadable
from services.webhook.trying import CALL_SECONDS, Invocation, until_taken
from shared.aws import Clients
from shared.entry import Handler, entry
from shared.events import CommitPushed, Event
from shared.publisher import Publisher
from shared.secrets import Secrets
from shared.settings import Settings
from shared.telemetry import configure, log, record


class WebhookSettings(Settings):
    """The webhook's settings."""

    authorised_hooks_secret: str
    keyword_prefix: str
    pushes_queue_url: str
    require_signature: bool


@dataclass(frozen=True)
class Dependencies:
    """What `handle` needs besides the delivery."""

    hooks: Hooks
    keyword_prefix: str


def handle(delivery: Delivery, needs: Dependencies) -> Answer:
    """The answer to a delivery, with the events to store before it is given."""
    if delivery.too_large:
        return Answer(413, "the body is larger than any push of Bitbucket's")
    headers, body = delivery.headers, delivery.body()
    uuid, signature = headers.get("x-hook-uuid", ""), headers.get("x-hub-signature")
    hook = needs.hooks.authenticate(uuid, signature, body)
    if hook is None:
        log.warning("webhook refused", reason="unknown webhook or wrong signature")
        return Answer(401, "unknown webhook, or its signature is missing or wrong")
    if headers.get("x-event-key") != "repo:push":
        return Answer(204)
    try:
        push = read(body)
    except ValidationError as error:
        # Signed, and Bitbucket never repeats it: a bug here, or a change of theirs, loses pushes.
        log.error("push not readable", where=unreadable(error))
        return Answer(400, "this is not a repo:push of Bitbucket Cloud")
    if not hook.speaks_for(push.repository):
        log.warning("webhook refused", reason="it speaks for another repository")
        return Answer(401, "this webhook speaks for another repository")
    if push.branches > MAX_BRANCHES:
        log.warning("push refused", reason="too many branches", branches=push.branches)
        text = f"{push.branches} branches in one push are too many: push {MAX_BRANCHES} at a time"
        return Answer(413, text)
    known_as = hook.known_as(push.repository)
    if known_as is not None:
        log.warning("repository renamed", repository=push.repository.full_name, known_as=known_as)
    events = tuple(push.commits(needs.keyword_prefix, datetime.now(UTC), known_as))
    if not events:
        return Answer(204)
    log.info("push taken", repository=push.repository.full_name, branches=len(events))
    return Answer(202, f"stored {len(events)}", events)


def build() -> Handler:
    """The Lambda handler with everything that it needs."""
    settings = WebhookSettings.from_environment()
    configure("webhook", settings)
    clients = Clients(settings.aws_region)
    queues: dict[type[Event], str] = {CommitPushed: settings.pushes_queue_url}
    once = {"attempts": 1, "seconds": CALL_SECONDS}
    publisher = Publisher(sqs=clients.make("sqs", **once), queues=queues)
    secrets = Secrets(clients.make("secretsmanager", **once))
    hooks = Hooks(
        secrets,
        settings.authorised_hooks_secret,
        require_signature=settings.require_signature,
    )
    needs = Dependencies(hooks, settings.keyword_prefix)

    def respond(event: dict[str, Any], invocation: Invocation | None = None) -> dict[str, Any]:
        delivery = Delivery.of(event)
        with record(*delivery.ids):

            def take() -> Answer:
                answer = handle(delivery, needs)
                publisher.publish(answer.events)
                return answer

            return until_taken(take, invocation).response()

    return respond


handler = entry(build)
