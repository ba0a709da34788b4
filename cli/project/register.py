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

    def enter(self, uuid: str, secret: str) -> str:
        """Store a webhook's secret unless one is stored already; the one that is stored then."""
        stored = secret

        def change(text: str | None) -> str | None:
            nonlocal stored
            content = authorised.read(text, self.secret.name)
            known = authorised.entries(content, self.full_name).get(plain(uuid))
            stored = secret if known is None else known.secret
            if known is not None:
                return None
            entry = Entry(secret, self.full_name)
            return authorised.written(authorised.with_entry(content, uuid, entry))

        self.secret.change(change)
        return stored

    def forget(self, uuids: Collection[str]) -> None:
        """Drop the entries of some webhooks."""

        def change(text: str | None) -> str | None:
            content = authorised.read(text, self.secret.name)
            left = authorised.without(content, uuids)
            return None if len(left) == len(content) else authorised.written(left)

        self.secret.change(change)

    def _content(self) -> authorised.Content:
        with asking(f"reading the secret {self.secret.name}"):
            return authorised.read(self.secret.read().text, self.secret.name)
