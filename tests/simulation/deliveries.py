"""Bitbucket's side of the webhook, and those who only pretend to be Bitbucket.

Bitbucket sends a delivery that is answered 5xx or not at all again, three times in all; never one
that is answered 4xx (support.atlassian.com, "Manage webhooks").
"""

from collections.abc import Callable
from typing import Any

from services.webhook.signature import sign
from tests.simulation.ledger import Ask, Ledger
from tests.simulation.pushes import Delivery, Hook, Push, forgeries, signed
from tests.simulation.world import World

_ATTEMPTS = 3
# A secret that was read before it was replaced may be believed for so long: it is read again no
# sooner (services/webhook/hooks.py: 5 s), once by a function that was at it before and once by the
# one that answers (8 s each, template.yaml).
SECRET_KEPT_SECONDS = 25
_SHOWN = 40
# Shorter than a 404 is doubted (shared/gone.py: ten minutes) by clocks that are ten seconds apart.
_SHOWN_WITHIN = 585.0


class Deliveries:
    """Sends pushes to the webhook, and notes what comes of them.

    `open` is how many deliveries somebody still waits for.
    """

    def __init__(self, world: World, ledger: Ledger) -> None:
        self._world = world
        self._ledger = ledger
        self.open = 0
        self._rotated_at: float | None = None
        self._retired: set[str] = set()
        self._captured: list[tuple[Delivery, Hook, list[Ask]]] = []

    def rotated(self, before: Hook) -> None:
        """Note that a webhook has another secret now."""
        self._retired.add(before.secret)
        self._rotated_at = self._world.scheduler.now

    def push(self, hook: Hook, push: Push, by: str = "a push") -> list[Ask]:
        """Push, and let Bitbucket tell of it; what is asked for."""
        world = self._world
        asks = [
            self._ledger.asked(Ask(push.repository, branch, commit, by, at=world.scheduler.now))
            for branch, commit in push.heads
        ]
        for sha in dict.fromkeys(ask.commit.hash for ask in asks):
            self.show((world.bitbucket.first_name(push.repository.full_name), sha))
        delivery = signed(hook, push, self._uuid())
        self._captured.append((delivery, hook, asks))
        world.count("pushes")
        if world.trace.on:
            world.trace.say("somebody", f"pushes ({by}) to {_shown(push)}")
        copies = 2 if world.choices.strikes("webhook-twice", "bitbucket") else 1
        for _ in range(copies):
            self._send(delivery, lambda status: self._told(status, hook, asks), 1)
        return asks

    def show(self, commit: tuple[str, str]) -> None:
        """Let Bitbucket's API have a commit: at once, or some minutes after it was pushed."""
        world = self._world

        def show() -> None:
            if commit not in self._ledger.gone:
                world.bitbucket.commits.add(commit)

        if world.choices.strikes("commit-unseen", "bitbucket"):
            pause = world.choices.seconds(1, _SHOWN_WITHIN, "commit unseen")
            world.count("commits unseen at first")
            world.scheduler.later(pause, show, "a commit can be seen")
        else:
            show()

    def replay(self) -> None:
        """Somebody who has captured a genuine delivery sends it again: nothing comes of it."""
        if not self._captured:
            return
        delivery, hook, asks = self._world.choices.among(self._captured, "replayed")
        self._world.count("deliveries replayed")
        told = ", ".join(f"{ask.branch} {ask.commit.hash[:8]}" for ask in asks)
        self._world.trace.say("somebody", f"replays the delivery of {told}")
        self._send(delivery, lambda status: self._told(status, hook, asks), _ATTEMPTS)

    def forge(self, hook: Hook, other: Hook, push: Push) -> None:
        """Somebody who may not speak for the repository sends a push of it."""
        made = forgeries(hook, other, push, self._uuid())
        what = self._world.choices.among(sorted(made), "forgery")
        for branch, commit in push.heads:
            self._ledger.canaries.update((branch, commit.hash))
        self._world.count("deliveries forged")
        self._world.trace.say("somebody", f"forges a delivery ({what}) to {_shown(push)}")

        def told(status: int) -> None:
            if status < 400:
                self._ledger.complain(
                    "unsigned-accepted", f"a delivery with {what} was answered {status}"
                )

        self._send(made[what], told, _ATTEMPTS)

    def foreign(self, hook: Hook, event_key: str, body: bytes) -> None:
        """Something that is no push, or none that can be read, signed as it should be."""
        delivery = Delivery(hook.uuid, body, sign(body, hook.secret), event_key, self._uuid())

        def told(status: int) -> None:
            if status == 202:
                self._ledger.complain(
                    "foreign-accepted", f"a delivery of {event_key} was answered {status}"
                )

        self._send(delivery, told, _ATTEMPTS)

    def _send(self, delivery: Delivery, told: Callable[[int], None], attempt: int) -> None:
        world, choices = self._world, self._world.choices
        self.open += 1

        def answered(answer: dict[str, Any] | None) -> None:
            self.open -= 1
            # What the function does not answer, the HTTP API answers for it.
            status = 500 if answer is None else int(answer["statusCode"])
            if world.trace.on:
                about = f"try {attempt} of delivery {delivery.request_uuid}"
                world.trace.say("bitbucket", f"{about} is answered {status}")
            told(status)
            unheard = choices.strikes("answer-lost", "bitbucket")
            if (status >= 500 or unheard) and attempt < _ATTEMPTS:
                world.count("deliveries resent")
                self.open += 1
                pause = choices.between(0.1, 20, "resent")
                world.scheduler.bring(pause, again, "bitbucket sends again")

        def again() -> None:
            self.open -= 1
            self._send(delivery, told, attempt + 1)

        encoded = choices.among((False, True), "base64")
        if world.functions.refuses("webhook"):
            world.scheduler.bring(0.1, lambda: answered(None), "the HTTP API answers")
            return
        world.functions.invoke("webhook", delivery.event(attempt, encoded=encoded), answered)

    def _told(self, status: int, hook: Hook, asks: list[Ask]) -> None:
        if status == 202:
            for ask in asks:
                ask.stored = True
        elif 400 <= status < 500 and hook.secret not in self._retired and not self._just_rotated():
            about = ", ".join(map(str, asks))
            self._ledger.complain(
                "genuine-refused", f"a signed push was answered {status}: {about}"
            )
        elif status < 300 and asks and status != 202:
            self._ledger.complain(
                "genuine-ignored", f"a push was answered {status}: {', '.join(map(str, asks))}"
            )

    def _just_rotated(self) -> bool:
        rotated = self._rotated_at
        return rotated is not None and self._world.scheduler.now < rotated + SECRET_KEPT_SECONDS

    def _uuid(self) -> str:
        return f"{int(self._world.choices.between(0, 2**40, 'request uuid')):012x}"


def _shown(push: Push) -> str:
    """A push, for who reads a schedule."""
    heads = [
        f"{branch} {commit.hash[:8]} {commit.message[:_SHOWN]!r}" for branch, commit in push.heads
    ]
    return f"{push.repository.full_name}: {'; '.join(heads)}"
