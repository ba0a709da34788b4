"""Which webhooks are authorised, and for which repository each of them speaks.

The secret holds a JSON object, webhook UUID -> {"secret": "…", "repository": "workspace/slug",
"uuid": "{…}"}, where `uuid` is the repository's; an entry of before has none. An older form, a JSON
list of UUIDs, knows neither signatures nor repositories; it is honoured only while the stack does
not require signatures.
"""

from typing import Annotated, Protocol

from pydantic import Field, TypeAdapter, ValidationError

from services.webhook.signature import signed
from shared.errors import Unavailable
from shared.events import Model, Repository

# A webhook just added, or a secret just rotated, works at once; a flood of forged deliveries
# does not become a flood of calls to Secrets Manager.
_RENEWED_SECONDS = 5
_FORM = '{"<webhook UUID>": {"secret": "…", "repository": "workspace/slug", "uuid": "{…}"}, …}'


class Hook(Model):
    """An authorised webhook, and the repository that it speaks for; None only in the older form."""

    secret: str | None = None
    repository: str | None = None
    repository_uuid: str | None = None

    def speaks_for(self, repository: Repository) -> bool:
        """Whether a repository is its own: by uuid, or by name where its entry tells no uuid.

        A name alone is not enough: runs are told apart by the uuid of their repository.
        """
        if self.repository_uuid is None:
            return self.repository in (None, repository.full_name)
        return _plain(self.repository_uuid) == _plain(repository.uuid)

    def known_as(self, repository: Repository) -> str | None:
        """The full name of its entry, where its own repository has another one by now.

        The uuid says whose push it is, and not whose project the other name is: that may be the
        one of another repository, whose image, data and secrets are not for this one's commits.
        """
        return None if self.repository == repository.full_name else self.repository


class _Entry(Model):
    """A webhook in the secret. An empty secret is refused: anybody could sign with it."""

    secret: Annotated[str | None, Field(min_length=1)] = None
    repository: str
    uuid: Annotated[str | None, Field(min_length=1)] = None


class ReadsSecrets(Protocol):
    """Where the authorised webhooks are written down."""

    def get(self, name: str) -> str | None:
        """The secret's text, or None where there is no such secret."""

    def renew(self, name: str, *, at_most_every: float) -> str | None:
        """The same, not from memory."""


class Hooks:
    """The authorised webhooks in the secret `name`."""

    def __init__(self, secrets: ReadsSecrets, name: str, *, require_signature: bool) -> None:
        self._secrets = secrets
        self._name = name
        self._require_signature = require_signature

    def authenticate(self, uuid: str, signature: str | None, body: bytes) -> Hook | None:
        """The webhook that sent `body`, or None if that is not proven.

        Raises:
            Unavailable: the secret cannot be read.
            ValueError: the secret is malformed, which somebody has to mend.

        """
        text = self._existing(self._secrets.get(self._name))
        hook = self._proven(text, uuid, signature, body)
        if hook is not None:
            return hook
        newer = self._existing(self._secrets.renew(self._name, at_most_every=_RENEWED_SECONDS))
        return None if newer == text else self._proven(newer, uuid, signature, body)

    def _existing(self, text: str | None) -> str:
        if text is None:
            message = f"reading the authorised webhooks: there is no secret {self._name}"
            raise Unavailable(message)
        return text

    def _proven(self, text: str, uuid: str, signature: str | None, body: bytes) -> Hook | None:
        hook = _entry(text, _plain(uuid), self._name)
        if hook is None:
            return None
        if hook.secret is None:
            return None if self._require_signature else hook
        return hook if signature is not None and signed(body, hook.secret, signature) else None


_WRITTEN: TypeAdapter[dict[str, object] | list[str]] = TypeAdapter(dict[str, object] | list[str])


def _entry(text: str, uuid: str, name: str) -> Hook | None:
    """The entry of one webhook; what is wrong with another's is not its concern.

    The errors are raised without their cause, for a message of pydantic's quotes the secret.
    """
    try:
        written = _WRITTEN.validate_json(text)
    except ValidationError:
        message = f"reading the authorised webhooks: the secret {name} is not a JSON object {_FORM}"
        raise ValueError(message) from None
    if isinstance(written, list):
        return Hook() if uuid in map(_plain, written) else None
    told = {_plain(key): value for key, value in written.items()}.get(uuid)
    if told is None:
        return None
    try:
        entry = _Entry.model_validate(told)
    except ValidationError:
        message = (
            f"reading the authorised webhooks: {uuid} in the secret {name} is not as in {_FORM}"
        )
        raise ValueError(message) from None
    return Hook(secret=entry.secret, repository=entry.repository, repository_uuid=entry.uuid)


def _plain(uuid: str) -> str:
    """A UUID as it is compared: the header has no braces, the API's have."""
    return uuid.strip().strip("{}").lower()
