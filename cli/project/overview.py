"""What is known of the projects of an environment, for people and for programs."""

from collections.abc import Iterator, Mapping
from typing import Any

from cli.account import asking
from cli.project import permissions
from cli.project.bitbucket import Refused
from cli.project.images import Image
from cli.project.place import Place
from cli.project.stack_states import State, as_state
from shared.names import Names

Json = dict[str, Any]  # JSON, as `--json` prints it


def projects(cloudformation: Any, names: Names) -> Iterator[State]:
    """The stacks of an environment's projects, by name."""
    prefix = f"{names.organization}-{names.environment}-project-"
    owner = names.job_tags(None)
    with asking("listing the stacks of projects"):
        pages = cloudformation.get_paginator("describe_stacks").paginate()
        found = [as_state(stack) for page in pages for stack in page["Stacks"]]
    for state in sorted(found, key=lambda one: one.name):
        if not state.name.startswith(prefix):
            continue
        if owner.items() <= state.tags.items() and state.status != "DELETE_COMPLETE":
            yield state


def summary(state: State) -> Json:
    """A project in a list."""
    return {
        "repository": f"{state.tags.get('workspace')}/{state.tags.get('repository')}",
        "stack": state.name,
        "status": state.status,
        "changed": state.changed,
        "vcpus": state.parameters.get("Vcpus"),
        "memory_mib": state.parameters.get("MemoryMiB"),
    }


def details(place: Place) -> Json | None:
    """Everything about a project, None if it has not joined; what cannot be seen says why."""
    project = place.project
    state = place.own(place.stack.state())
    if state is None:
        return None
    own = place.secrets.find(project.own_credentials)
    return {
        **summary(state),
        "parameters": dict(sorted(state.parameters.items())),
        "outputs": dict(sorted(state.outputs.items())),
        "image": _image(place.images.newest()),
        "credentials": project.names.auth_secret if own is None else project.own_credentials,
        "webhook": _webhook(place),
    }


def _image(image: Image | None) -> Json | None:
    if image is None:
        return None
    return {"digest": image.digest, "tags": list(image.tags), "pushed": image.pushed}


def _webhook(place: Place) -> Json:
    """The repository's webhooks, and whether each is entered, and tells its repository's uuid."""
    entered = place.register.entries()
    told: Json = {"url": place.webhook_url, "entered": sorted(entered)}
    credentials = place.stored_credentials()
    if credentials is None:
        return told | {"unseen": "there are no credentials for Bitbucket"}
    bitbucket, full_name = place.bitbucket(credentials), place.project.full_name
    right = "read"
    try:
        hooks = place.hooks(bitbucket, bitbucket.repository(full_name))
        right = "webhooks"
        ours = hooks.ours()
    except Refused as refused:
        return told | {"unseen": permissions.explain(refused, right, credentials.kind, full_name)}
    unidentified = place.register.unidentified(hooks.repository.uuid)
    return told | {
        "webhooks": [
            {
                "uuid": hook.uuid,
                "active": hook.active,
                "events": sorted(hook.events),
                "signed": hook.has_secret,
                "entered": hook.uuid in entered,
                "identified": hook.uuid in entered and hook.uuid not in unidentified,
            }
            for hook in ours
        ],
        "works": len(ours) == 1 and hooks.works(),
    }


def flat(details: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Details as lines of a name and a value."""
    for name, value in details.items():
        label = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from flat(value, f"{label}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for number, one in enumerate(value, 1):
                yield from flat(one, f"{label}.{number}.")
        elif isinstance(value, list):
            yield label, ", ".join(map(str, value)) or "none"
        else:
            yield label, "none" if value in (None, "") else str(value)
