"""A delivery of our own shows that the webhook works, and that it refuses forgeries."""

from collections.abc import Mapping

import click
import pytest

from cli.project.http import Answer, NotAnsweredError
from cli.project.verification import verify
from services.webhook.signature import signed

URL, HOOK, SECRET = "https://stack.example.com/hook", "4b1e", "s3cret"


class Stack:
    """A webhook that knows the secret after `late` deliveries."""

    def __init__(self, late: int = 0, *, trusts_all: bool = False, away: int = 0) -> None:
        self.late, self.trusts_all, self.away = late, trusts_all, away
        self.events: list[str] = []
        self.pauses: list[float] = []

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        if self.away:
            self.away -= 1
            message = "no answer"
            raise NotAnsweredError(message)
        assert (method, url, headers["X-Hook-UUID"]) == ("POST", URL, HOOK)
        self.events.append(headers["X-Event-Key"])
        self.late -= 1
        is_right = signed(body or b"", SECRET, headers["X-Hub-Signature"])
        known = self.late < 0
        return Answer(204 if known and (is_right or self.trusts_all) else 401, b"")


def run(stack: Stack) -> None:
    verify(stack, URL, HOOK, SECRET, stack.pauses.append)


def test_a_webhook_that_works_gets_one_delivery_of_each_kind_and_no_push() -> None:
    stack = Stack()

    run(stack)

    assert stack.events == ["diagnostics:ping"] * 2
    assert stack.pauses == []


def test_a_webhook_that_does_not_know_the_secret_yet_gets_time() -> None:
    stack = Stack(late=3, away=2)

    run(stack)

    assert 5 < sum(stack.pauses) < 20


def test_a_webhook_that_never_knows_is_said() -> None:
    with pytest.raises(click.ClickException, match="answered 401 to a delivery with the right"):
        run(Stack(late=1000))


def test_a_webhook_that_takes_forgeries_is_said() -> None:
    with pytest.raises(click.ClickException, match="answered 204 to a delivery with a wrong"):
        run(Stack(trusts_all=True))
