"""Shows that the stack takes the webhook's deliveries, and refuses those with another signature."""

import secrets
import uuid
from collections.abc import Callable

import click

from cli.project.http import NotAnsweredError, Sends
from services.webhook.signature import sign

# Each instance of the webhook looks again at most once in five seconds (services/webhook/hooks.py),
# and a stack that was just deployed takes a moment to answer.
_TRIES = 15
_PAUSE_SECONDS = 2.0
# Not a push: it is answered 204 after the signature was checked, and nothing is stored.
_EVENT = "diagnostics:ping"
_BODY = b'{"test": true}'
_TAKEN, _REFUSED = 204, 401


def verify(send: Sends, url: str, hook: str, secret: str, sleep: Callable[[float], None]) -> None:
    """Deliver to the stack as Bitbucket does, rightly signed and wrongly.

    Raises:
        click.ClickException: it answers otherwise than it should.

    """
    answered: int | str = "nothing"
    for _ in range(_TRIES):
        try:
            answered = _deliver(send, url, hook, secret)
        except NotAnsweredError as error:
            answered = error.message
        if answered == _TAKEN:
            break
        sleep(_PAUSE_SECONDS)
    if answered != _TAKEN:
        message = (
            f"{url} answered {answered} to a delivery with the right signature: look at the "
            "webhook's log, then run the same command again"
        )
        raise click.ClickException(message)
    answered = _deliver(send, url, hook, secrets.token_urlsafe())
    if answered != _REFUSED:
        message = f"{url} answered {answered} to a delivery with a wrong signature"
        raise click.ClickException(message)


def _deliver(send: Sends, url: str, hook: str, secret: str) -> int:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "cloud-runner",
        "X-Attempt-Number": "1",
        "X-Event-Key": _EVENT,
        "X-Hook-UUID": hook,
        "X-Hub-Signature": sign(_BODY, secret),
        "X-Request-UUID": str(uuid.uuid4()),
    }
    return send("POST", url, headers, _BODY).status
