"""A repository leaves an environment: what joining made is taken away, in the other direction.

Images and objects are data, and stay unless somebody wants them deleted, too.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cli.account import ENVIRONMENTS, AccountError, asking, find_stack
from cli.console import step
from cli.project import permissions
from cli.project.bitbucket import Bitbucket, Refused
from cli.project.hooks import RepositoryHooks
from cli.project.place import Place
from shared.bitbucket import Credentials
from shared.names import Names

# Deleted, or hidden from us; or renamed, which a name of before may be answered with a redirection.
_NOT_THERE = (301, 302, 307, 308, 404)


@dataclass(frozen=True)
class Leaving:
    """What there is to take away; `note` is what a person should know about it."""

    place: Place
    # None where Bitbucket has no such repository, or where there are no credentials for it.
    hooks: RepositoryHooks | None
    own_secrets: tuple[str, ...]
    with_data: bool
    todo: tuple[str, ...]
    note: str | None


def look(place: Place, maker: Credentials | None, *, with_data: bool) -> Leaving:
    """Find out what there is; `maker` are credentials for webhooks, if not the stored ones.

    Raises:
        AccountError: Bitbucket does not let us look, or the name is another workspace's.

    """
    project = place.project
    with step("looking at what there is"):
        state = place.own(place.stack.state())
        used = maker or place.stored_credentials()
        hooks = None if used is None else _hooks(place, place.bitbucket(used))
        names = (project.own_credentials, project.variables_secret)
        found = {name: place.secrets.find(name) for name in names}
        own = tuple(name for name, one in found.items() if one is not None and one.is_ours)
        data = _data(place) if with_data else []
        ours = [] if hooks is None else hooks.ours()
        todo = [
            *(f"delete the webhook {hook.uuid}" for hook in ours),
            *(f"forget the secret of {uuid}" for uuid in sorted(place.register.mentioned())),
            *(() if state is None else (f"delete the stack {state.name}",)),
            *(f"delete the secret {name}" for name in own),
            *(f"delete for good: {one}" for one in data),
        ]
    note = None if hooks is not None else _unseen(place, used)
    return Leaving(place, hooks, own, with_data, tuple(todo), note)


def leave(leaving: Leaving, tell: Callable[[str], None]) -> None:
    """Take it away."""
    place = leaving.place
    with step("deleting the webhook and forgetting its secret"):
        if leaving.hooks is not None:
            leaving.hooks.delete(tell)
        place.register.forget(place.register.mentioned())
    with step(f"deleting the stack {place.stack.name}"):
        place.stack.delete(tell)
    for name in leaving.own_secrets:
        with step(f"deleting the secret {name}"):
            place.secrets.delete(name)
    if leaving.with_data:
        with step("deleting images and objects"):
            place.images.delete()
            tell(f"deleted {place.objects.delete()} versions of objects")


def data_of(place: Place) -> list[str]:
    """What a project has of data, for a person to read."""
    images = [f"the images in {place.images.name}"] if place.images.exists() else []
    return [*images, *([f"the objects below {place.objects}"] if place.objects.exist() else [])]


def _hooks(place: Place, bitbucket: Bitbucket) -> RepositoryHooks | None:
    """The repository's webhooks, once it is shown that we may see them; None if it is gone."""
    full_name = place.project.full_name
    right = "read"
    try:
        repository = bitbucket.repository(full_name)
        right = "webhooks"
        bitbucket.check_hooks(full_name)
    except Refused as refused:
        if refused.status in _NOT_THERE:
            return None
        message = permissions.explain(refused, right, bitbucket.credentials.kind, full_name)
        if refused.status in (401, 403):
            message = f"{message}; or give others with --webhook-credentials-file"
        raise AccountError(message) from refused
    return place.hooks(bitbucket, repository)


def _unseen(place: Place, used: Credentials | None) -> str:
    why = f"there is no {place.project.full_name}, or the credentials do not open it"
    if used is None:
        why = "there are no credentials for Bitbucket"
    return f"{why}: if it still has a webhook to {place.webhook_url}, delete that there"


def _data(place: Place) -> list[str]:
    """The data that would be deleted; AccountError where another environment needs it."""
    project = place.project
    for environment in ENVIRONMENTS:
        other = Names(project.names.organization, environment).project_stack(project.slug)
        if other == project.stack:
            continue
        with asking(f"looking for the stack {other}"):
            there = find_stack(place.outside.cloudformation, other)
        if there is not None:
            message = (
                f"the images in {place.images.name} are those of {environment}, too: remove the "
                "project there first, or leave out --delete-data"
            )
            raise AccountError(message)
    return data_of(place)
