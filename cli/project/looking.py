"""What has to be done for a repository to join an environment; looking changes nothing."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import click

from cli.account import AccountError
from cli.console import step
from cli.project import credentials as typed
from cli.project import parameters, permissions
from cli.project.bitbucket import Bitbucket, Repository
from cli.project.hooks import RepositoryHooks
from cli.project.place import Place
from cli.project.stack import stuck
from cli.project.stack_states import Next, State, next_step
from shared.bitbucket import Credentials

# Stands for the ARN of a secret that is not made yet, and has its form.
_TO_BE_MADE = "arn:aws:secretsmanager:to-be-made"


@dataclass(frozen=True)
class Wishes:
    """What somebody asked for beside the repository itself."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    # Those to store, if any, and whether for this repository alone.
    credentials: Credentials | None = None
    own_credentials: bool = False
    # Those that make the webhook and are never stored, if they are others.
    webhook_credentials: Credentials | None = None
    # Variables by their names; they are added to those that are stored, or replace all of them.
    variables: Mapping[str, str] = field(default_factory=dict)
    replaces_variables: bool = False
    rotate: bool = False


@dataclass(frozen=True)
class Joining:
    """What is wished for, and what has to be done for it."""

    place: Place
    wishes: Wishes
    # The secret that Bitbucket's credentials are in, and what to store there, if anything.
    credentials_secret: str
    new_credentials: str | None = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    stores_variables: bool
    changes_stack: bool
    hooks: RepositoryHooks
    # The same for a person to read.
    todo: tuple[str, ...]

    def stack_parameters(self, state: State | None) -> dict[str, str]:
        """The parameters for a stack as it stands."""
        place = self.place
        is_kept = next_step(state) is Next.UPDATE
        deployed = state.parameters if state is not None and is_kept else {}
        existing = deployed.get("ExistingRepository")
        derived = parameters.derived(
            place.project,
            place.root,
            auth_secret_arn=self._arn(self.credentials_secret),
            own_credentials=self.credentials_secret == place.project.own_credentials,
            variables_secret_arn=self._arn(place.project.variables_secret)
            if self.variables
            else "",
            variables=tuple(self.variables),
            # Whose the ECR repository is does not change during a stack's life.
            existing_repository=place.images.exists() if existing is None else existing == "true",
        )
        declared = parameters.declared(parameters.template())
        return parameters.choose(declared, derived, self.wishes.parameters, deployed)

    def _arn(self, secret: str) -> str:
        found = self.place.secrets.find(secret)
        return _TO_BE_MADE if found is None else found.arn


def look(place: Place, wishes: Wishes, ask: Callable[[str], Credentials]) -> Joining:
    """Find out what has to be done; `ask` gives credentials for a secret that has none.

    Raises:
        click.ClickException: it cannot be done; says what is missing.

    """
    with step("looking for Bitbucket's credentials"):
        secret, stored = _stored_credentials(place, own=wishes.own_credentials)
    given = wishes.credentials or (None if stored is not None else ask(secret))
    used = given or typed.parse(stored or "", f"the secret {secret}")
    is_new = given is not None and (stored is None or not _holds(stored, given))
    webhook_maker = place.bitbucket(wishes.webhook_credentials or used)
    with step("asking Bitbucket what they may do"):
        place, repository = _permitted(place, place.bitbucket(used), webhook_maker)
    with step("looking at what there is"):
        before = _variables(place)
        kept = {} if wishes.replaces_variables else before
        joining = Joining(
            place=place,
            wishes=wishes,
            credentials_secret=secret,
            new_credentials=typed.written(used) if is_new else None,
            variables={**kept, **wishes.variables},
            stores_variables={**kept, **wishes.variables} != before,
            changes_stack=False,
            hooks=place.hooks(webhook_maker, repository),
            todo=(),
        )
        stack = _stack_todo(joining)
        hooks = joining.hooks.plan(rotate=wishes.rotate)
    todo = (*_secrets_todo(joining, replaces=stored is not None), *stack, *map(str, hooks))
    return replace(joining, changes_stack=bool(stack), todo=todo)


def _stored_credentials(place: Place, *, own: bool) -> tuple[str, str | None]:
    """The secret with the repository's credentials, and its value."""
    project = place.project
    has_own = own or place.secrets.find(project.own_credentials) is not None
    name = project.own_credentials if has_own else project.names.auth_secret
    return name, place.secrets.text(name)


def _holds(stored: str, given: Credentials) -> bool:
    try:
        return typed.parse(stored, "") == given
    except click.ClickException:
        return False  # nobody could work with it anyway


def _permitted(
    place: Place, bitbucket: Bitbucket, webhook_maker: Bitbucket
) -> tuple[Place, Repository]:
    """The place under the repository's own spelling; AccountError if something is not allowed."""
    checked = permissions.check(bitbucket, webhook_maker, place.project.full_name)
    if checked.missing or checked.repository is None:
        lines = "".join(f"\n  {one}" for one in checked.missing)
        message = f"the credentials are not enough for {place.project.full_name}:{lines}"
        raise AccountError(message)
    workspace, _, slug = checked.repository.full_name.partition("/")
    project = replace(place.project, workspace=workspace, slug=slug)
    return replace(place, project=project), checked.repository


def _variables(place: Place) -> dict[str, str]:
    name = place.project.variables_secret
    text = place.secrets.text(name)
    try:
        told = {} if text is None else json.loads(text)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        message = f"the secret {name} is not a JSON object: mend it first"
        raise click.ClickException(message)
    return {str(variable): str(value) for variable, value in told.items()}


def _secrets_todo(joining: Joining, *, replaces: bool) -> list[str]:
    project = joining.place.project
    todo = []
    if joining.new_credentials is not None:
        shared = joining.credentials_secret != project.own_credentials
        for_whom = ", which all repositories use" if shared else ""
        word = "replace" if replaces else "store"
        todo.append(f"{word} Bitbucket's credentials in {joining.credentials_secret}{for_whom}")
    if joining.stores_variables:
        names = ", ".join(joining.variables) or "no variables"
        todo.append(f"store {names} in {project.variables_secret}")
    return todo


def _stack_todo(joining: Joining) -> list[str]:
    place = joining.place
    state = place.own(place.stack.state())
    upcoming = next_step(state)
    if state is not None and upcoming is Next.STUCK:
        raise stuck(state)
    wanted = joining.stack_parameters(state)  # says what is wrong with parameters, too
    if upcoming is Next.WAIT:
        return [f"wait for what is done to the stack {place.stack.name}, and bring it up to date"]
    if upcoming is Next.DELETE:
        return [f"delete what a first try left of the stack {place.stack.name}, and create it"]
    if state is None or upcoming is Next.CREATE:
        return [f"create the stack {place.stack.name}"]
    # CloudFormation itself says what differs; its answer leaves nothing behind.
    touched = place.stack.preview(state, place.template.url, wanted, place.project.tags)
    if touched is None:
        return []
    changes = [*parameters.differences(state.parameters, wanted), *touched]
    return [f"update the stack {place.stack.name}: {'; '.join(changes) or 'its tags'}"]
