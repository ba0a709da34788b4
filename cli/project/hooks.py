"""Brings a repository's webhooks and their entries to what they have to be."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cli.account import AccountError
from cli.project.authorised import Entry
from cli.project.bitbucket import Bitbucket, Refused, Repository
from cli.project.register import Register
from cli.project.webhooks import (
    Action,
    Activate,
    Create,
    Delete,
    Forget,
    Hook,
    Identify,
    Renew,
    of_stack,
    plan,
)

# Somebody else may be at the same repository, so one look may not be enough.
_ROUNDS = 5
# Bytes of randomness; as text 64 of the 128 characters that a webhook's secret may have (published
# API description, webhook_subscription).
_SECRET_BYTES = 48

Tell = Callable[[str], None]


@dataclass(frozen=True)
class RepositoryHooks:
    """The webhooks of `repository` that lead to the stack at `url`."""

    bitbucket: Bitbucket
    register: Register
    repository: Repository
    url: str

    @property
    def full_name(self) -> str:
        """The repository's name."""
        return self.repository.full_name

    def plan(self, *, rotate: bool = False) -> tuple[Action, ...]:
        """What is to be done."""
        # The register first: a webhook exists before it is entered, so that one which is entered,
        # but not listed afterwards, is gone. Otherwise it could be somebody's new one.
        mentioned, known = self.register.mentioned(), self.register.entries()
        unidentified = self.register.unidentified(self.repository.uuid)
        hooks = self.bitbucket.hooks(self.full_name)
        return plan(hooks, mentioned, known, self.url, unidentified=unidentified, rotate=rotate)

    def converge(self, tell: Tell, *, rotate: bool = False) -> None:
        """Do what is to be done, until there is nothing left.

        Raises:
            AccountError: others undo it all the time.
            Refused: Bitbucket refuses.

        """
        for number in range(_ROUNDS):
            actions = self.plan(rotate=rotate and number == 0)
            if not actions:
                return
            for action in actions:
                tell(str(action))
                try:
                    self._do(action)
                except Refused as refused:
                    if refused.status != 404:
                        raise
                    break  # somebody else deleted the webhook meanwhile
        message = f"somebody else is changing the webhooks of {self.full_name}: try again"
        raise AccountError(message)

    def good(self) -> tuple[Hook, Entry] | None:
        """The webhook that sends pushes to the stack, with its entry; None if there is none."""
        entries = self.register.entries()
        for hook in self.ours():
            if hook.uuid in entries and hook.sends_signed_pushes:
                return hook, entries[hook.uuid]
        return None

    def works(self) -> bool:
        """Whether pushes are taken: at most, entries of before lack the repository's uuid."""
        entries = self.register.entries()
        wrong = {uuid for uuid, entry in entries.items() if entry.uuid is not None}
        return all(isinstance(one, Identify) and one.uuid not in wrong for one in self.plan())

    def ours(self) -> list[Hook]:
        """The webhooks that lead to the stack."""
        return of_stack(self.bitbucket.hooks(self.full_name), self.url)

    def delete(self, tell: Tell) -> None:
        """Delete the webhooks that lead to the stack."""
        for hook in self.ours():
            tell(f"deleting the webhook {hook.uuid}")
            self.bitbucket.delete_hook(self.full_name, hook.uuid)
            self.register.forget({hook.uuid})

    def _do(self, action: Action) -> None:
        match action:
            case Create():
                secret = secrets.token_urlsafe(_SECRET_BYTES)
                hook = self.bitbucket.create_hook(self.full_name, self.url, secret)
                self._activate(hook, secret)
            case Renew(hook):
                self.bitbucket.change_hook(self.full_name, hook, active=False)
                self._activate(hook, secrets.token_urlsafe(_SECRET_BYTES))
            case Activate(hook):
                self._activate(hook, secrets.token_urlsafe(_SECRET_BYTES))
            case Identify(uuid):
                self.register.identify(uuid, repository_uuid=self.repository.uuid)
            case Delete(hook):
                self.bitbucket.delete_hook(self.full_name, hook.uuid)
                self.register.forget({hook.uuid})
            case Forget(uuid):
                self.register.forget({uuid})

    def _activate(self, hook: Hook, secret: str) -> None:
        """Let a webhook send, with the secret that is stored, or else with this one."""
        stored = self.register.enter(hook.uuid, secret, repository_uuid=self.repository.uuid)
        self.bitbucket.change_hook(self.full_name, hook, active=True, secret=stored)
