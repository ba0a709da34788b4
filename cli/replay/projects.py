"""Which repositories have a webhook of ours: the authorised webhooks' secret names them."""

import click

from cli.project import authorised as webhooks


def authorised(text: str | None, name: str) -> list[str]:
    """The repositories in the secret `name`, each once, in order; others' entries are passed over.

    Raises:
        click.ClickException: it names none.

    """
    found = webhooks.repositories(webhooks.read(text, name))
    if not found:
        message = f"the secret {name} does not say which repositories there are: name them"
        raise click.ClickException(message)
    return found
