"""Which webhooks a repository has to have, and what to do about those that it has.

Exactly one sends pushes to the stack, and the stack knows its secret, which Bitbucket never tells
again. A webhook does not send before its secret is stored, and to let it send is to give it the
stored one once more. So whoever is killed between, or works at the same time as somebody else,
leaves something that the next look puts right.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Hook:
    """One webhook of the repository; its uuid as in the header of its deliveries."""

    uuid: str
    url: str
    active: bool
    events: frozenset[str]
    has_secret: bool
    created: str
    description: str

    @property
    def sends_signed_pushes(self) -> bool:
        """Whether a push is told of, with a signature."""
        return self.active and self.has_secret and "repo:push" in self.events


@dataclass(frozen=True)
class Create:
    """Make a webhook that does not send yet, store its secret, then let it send."""

    def __str__(self) -> str:
        return "create the webhook, and store its secret"


@dataclass(frozen=True)
class Renew:
    """Stop a webhook whose secret nobody knows, store a new one, then let it send."""

    hook: Hook

    def __str__(self) -> str:
        return f"give the webhook {self.hook.uuid}, whose secret is not stored, a new one"


@dataclass(frozen=True)
class Activate:
    """Give a webhook the secret that is stored, and let it send."""

    hook: Hook

    def __str__(self) -> str:
        return f"let the webhook {self.hook.uuid} send pushes"


@dataclass(frozen=True)
class Identify:
    """Store which repository a webhook speaks for by uuid, which its entry does not tell yet."""

    uuid: str

    def __str__(self) -> str:
        return f"store the repository's uuid with the secret of the webhook {self.uuid}"


@dataclass(frozen=True)
class Delete:
    """Take away a webhook that is one too many, and its entry."""

    hook: Hook

    def __str__(self) -> str:
        return f"delete the webhook {self.hook.uuid}, which is one too many"


@dataclass(frozen=True)
class Forget:
    """Drop the entry of a webhook that does not exist any more."""

    uuid: str

    def __str__(self) -> str:
        return f"forget the secret of the webhook {self.uuid}, which does not exist any more"


Action = Create | Renew | Activate | Identify | Delete | Forget


def plan(
    hooks: Sequence[Hook],
    mentioned: Collection[str],
    known: Collection[str],
    url: str,
    *,
    unidentified: Collection[str] = (),
    rotate: bool = False,
) -> tuple[Action, ...]:
    """What is to be done, in this order; nothing if all is well.

    `hooks` are the repository's webhooks, `mentioned` those for which the stack has an entry with
    this repository, `known` those of them with a secret, and `unidentified` those of them that do
    not tell the repository's uuid; `url` is where the stack listens. `rotate` puts a new webhook in
    the place of a good one, so that no push is lost while the secret changes.
    """
    ours = _best_first(of_stack(hooks, url), known)
    kept = None if rotate or not ours else ours[0]
    actions: list[Action] = []
    if kept is None:
        actions.append(Create())
    elif kept.uuid not in known:
        actions.append(Renew(kept))
    elif not kept.sends_signed_pushes:
        actions.append(Activate(kept))
    existing = {hook.uuid for hook in hooks}
    superfluous = [hook for hook in ours if hook != kept]
    # Whoever is entered is identified with it, and whoever goes needs nothing. Webhooks that lead
    # elsewhere count as well: with an entry they are believed wherever they lead.
    entered = [] if kept is None or not actions else [kept]
    others = existing - {hook.uuid for hook in [*entered, *superfluous]}
    actions += [Identify(uuid) for uuid in sorted(others.intersection(unidentified))]
    actions += [Delete(hook) for hook in superfluous]
    actions += [Forget(uuid) for uuid in sorted(mentioned) if uuid not in existing]
    return tuple(actions)


def of_stack(hooks: Sequence[Hook], url: str) -> list[Hook]:
    """The webhooks that lead to the stack."""
    return [hook for hook in hooks if hook.url.rstrip("/") == url.rstrip("/")]


def plain(uuid: str) -> str:
    """A uuid as it is compared: a delivery's header has no braces, the API's answers have.

    >>> plain("{4B1ED7A2-9C3F-4E0B-8A55-7D2C6F1B0E93}")
    '4b1ed7a2-9c3f-4e0b-8a55-7d2c6f1b0e93'
    """
    return uuid.strip().strip("{}").lower()


def _best_first(hooks: Sequence[Hook], known: Collection[str]) -> list[Hook]:
    # The same for everybody who looks, so that two people at once keep the same one. Of several
    # that work the newest: an older one has the secret that somebody began to replace.
    newest_first = sorted(hooks, key=lambda hook: (hook.created, hook.uuid), reverse=True)
    return sorted(
        newest_first, key=lambda hook: (hook.uuid not in known, not hook.sends_signed_pushes)
    )
