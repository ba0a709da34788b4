"""One repository's entries in the secret with the authorised webhooks."""

from collections.abc import Collection
from dataclasses import dataclass

from cli.account import asking
from cli.project import authorised
from cli.project.authorised import Entry
from cli.project.versions import VersionedSecret
from cli.project.webhooks import plain


@dataclass(frozen=True)
class Register:
    """The entries that speak for `full_name`."""

    secret: VersionedSecret
    full_name: str

    def mentioned(self) -> frozenset[str]:
        """The webhooks with an entry, with a secret or without, by their uuid."""
        return frozenset(authorised.mentions(self._content(), self.full_name))

    def entries(self) -> dict[str, Entry]:
        """The entries with a secret, by the webhook's uuid."""
        return authorised.entries(self._content(), self.full_name)

    def unidentified(self, repository_uuid: str) -> frozenset[str]:
        """The webhooks with an entry that does not tell the repository's uuid, by theirs."""
        told = authorised.unidentified(self._content(), self.full_name, repository_uuid)
        return frozenset(told)

    def enter(self, uuid: str, secret: str, *, repository_uuid: str) -> str:
        """Store a webhook's secret unless one is stored already; the one that is stored then.

        Its entry tells the repository's uuid then, whoever wrote it.
        """
        stored = secret

        def change(text: str | None) -> str | None:
            nonlocal stored
            content = authorised.read(text, self.secret.name)
            known = authorised.entries(content, self.full_name).get(plain(uuid))
            stored = secret if known is None else known.secret
            if known is not None:
                return self._identified(content, uuid, repository_uuid)
            entry = Entry(secret, self.full_name, repository_uuid)
            return authorised.written(authorised.with_entry(content, uuid, entry))

        self.secret.change(change)
        return stored

    def identify(self, uuid: str, *, repository_uuid: str) -> None:
        """Let a webhook's entry, if there is one, tell the repository's uuid."""

        def change(text: str | None) -> str | None:
            content = authorised.read(text, self.secret.name)
            return self._identified(content, uuid, repository_uuid)

        self.secret.change(change)

    def forget(self, uuids: Collection[str]) -> None:
        """Drop the entries of some webhooks."""

        def change(text: str | None) -> str | None:
            content = authorised.read(text, self.secret.name)
            left = authorised.without(content, uuids)
            return None if len(left) == len(content) else authorised.written(left)

        self.secret.change(change)

    def _identified(
        self, content: authorised.Content, uuid: str, repository_uuid: str
    ) -> str | None:
        changed = authorised.with_identity(content, uuid, self.full_name, repository_uuid)
        return None if changed == content else authorised.written(changed)

    def _content(self) -> authorised.Content:
        with asking(f"reading the secret {self.secret.name}"):
            return authorised.read(self.secret.read().text, self.secret.name)
