"""Which repositories have a webhook of ours: the authorised webhooks' secret names them."""

import click
from pydantic import TypeAdapter, ValidationError

from shared.events import Model


class _Hook(Model):
    """A webhook's entry; of its secret nothing is read."""

    repository: str


_WRITTEN: TypeAdapter[dict[str, _Hook]] = TypeAdapter(dict[str, _Hook])


def authorised(text: str | None, name: str) -> list[str]:
    """The repositories in the secret `name`, each once, in order.

    Raises:
        click.ClickException: it names none; without the cause, for pydantic's may quote it.

    """
    try:
        hooks = _WRITTEN.validate_json(text or "")
    except ValidationError:
        message = f"the secret {name} does not say which repositories there are: name them"
        raise click.ClickException(message) from None
    return sorted({hook.repository for hook in hooks.values()})
