"""A repository joins an environment.

Every step does only what is missing, so that all of it can be stopped anywhere and begun again.
"""

import json
from collections.abc import Callable

from cli.account import AccountError
from cli.console import step
from cli.project import permissions, verification
from cli.project.bitbucket import Refused
from cli.project.looking import Joining


def join(joining: Joining, tell: Callable[[str], None]) -> None:
    """Do what is to be done, and show that it works; `tell` hears what happens within a step.

    Raises:
        click.ClickException: a step cannot be done. What was done stays, and the next time goes on.

    """
    _store_secrets(joining)
    place, project = joining.place, joining.place.project
    if joining.changes_stack:
        with step(f"deploying the stack {project.stack}"):
            changed = place.stack.deploy(
                place.template.url, joining.stack_parameters, project.tags, tell
            )
            if not changed:
                tell("it is up to date")
    try:
        with step("setting up the webhook"):
            joining.hooks.converge(tell, rotate=joining.wishes.rotate)
            good = joining.hooks.good()
    except Refused as refused:
        kind = joining.hooks.bitbucket.credentials.kind
        message = permissions.explain(refused, "webhooks", kind, project.full_name)
        raise AccountError(message) from refused
    if good is None:
        message = f"the webhook of {project.full_name} is gone again: somebody else deleted it"
        raise AccountError(message)
    hook, entry = good
    with step("sending a delivery with the right signature, and one with a wrong one"):
        verification.verify(
            place.outside.send, place.webhook_url, hook.uuid, entry.secret, place.outside.sleep
        )


def _store_secrets(joining: Joining) -> None:
    place, project = joining.place, joining.place.project
    if joining.new_credentials is not None:
        with step(f"storing the credentials in {joining.credentials_secret}"):
            place.secrets.store(
                joining.credentials_secret,
                joining.new_credentials,
                f"Bitbucket's credentials for {project.full_name} alone",
                project.tags,
            )
    if joining.stores_variables:
        with step(f"storing the variables in {project.variables_secret}"):
            place.secrets.store(
                project.variables_secret,
                json.dumps(joining.variables),
                f"Variables of the jobs of {project.full_name}, a JSON object",
                project.tags,
            )
