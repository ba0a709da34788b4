"""Which values the parameters of a project's template get."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.resources import files
from typing import Any

import click
from samtranslator.yaml_helper import yaml_parse

from cli.account import Deployed
from cli.project.names import Project
from local.cloudformation.limits import refused_by

# As many places as container/project.yaml has.
MOST_VARIABLES = 8
_LIMITS = {
    "Type": "of the type {}",
    "AllowedValues": "one of {}",
    "MinValue": "at least {}",
    "MaxValue": "at most {}",
    "AllowedPattern": "of the form {}",
    "MinLength": "of at least {} characters",
    "MaxLength": "of at most {} characters",
}


@dataclass(frozen=True)
class Parameter:
    """A template's parameter: its default, None where there is none, and what it may be."""

    default: str | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)

    def check(self, name: str, value: str) -> None:
        """A click.ClickException that says what is allowed, if the value is not."""
        if not refused_by(self.limits, value):
            return
        allowed = [
            words.format(", ".join(map(str, limit)) if isinstance(limit, list) else limit)
            for key, words in _LIMITS.items()
            if (limit := self.limits.get(key)) is not None and limit != "String"
        ]
        message = f"{name} cannot be {value!r}: it has to be {', '.join(allowed)}"
        raise click.ClickException(message)


def template() -> str:
    """The template of a project's stack."""
    return files("container").joinpath("project.yaml").read_text(encoding="utf-8")


def declared(text: str) -> dict[str, Parameter]:
    """A template's parameters."""
    return {
        name: Parameter(None if "Default" not in one else str(one["Default"]), one)
        for name, one in yaml_parse(text)["Parameters"].items()
    }


def derived(
    project: Project,
    root: Deployed,
    *,
    auth_secret_arn: str,
    own_credentials: bool,
    variables_secret_arn: str,
    variables: Sequence[str],
    existing_repository: bool,
) -> dict[str, str]:
    """What follows from the root stack, the repository and its secrets; nobody else sets it."""
    if len(variables) > MOST_VARIABLES:
        message = f"a project has {MOST_VARIABLES} variables of its own at most"
        raise click.ClickException(message)
    from_root = (
        "BitbucketApiUrl",
        "BitbucketGitUrl",
        "CacheDirectory",
        "DataBucket",
        "JobLogGroup",
        "KeywordPrefix",
        "ProgramDirectory",
    )
    places = [*sorted(variables), *[""] * (MOST_VARIABLES - len(variables))]
    return {
        **{name: root.output(name) for name in from_root},
        **{f"Secret{number}": name for number, name in enumerate(places, 1)},
        "AuthSecretArn": auth_secret_arn,
        "Environment": project.names.environment,
        "ExistingRepository": "true" if existing_repository else "false",
        "ImageRepository": project.image_repository,
        "JobDefinitionName": project.names.job_definition(project.slug),
        "Organization": project.names.organization,
        "OwnCredentials": "true" if own_credentials else "false",
        "PermissionsBoundaryArn": root.output("ProjectBoundaryArn"),
        "Repository": project.slug,
        "SecretsArn": variables_secret_arn,
        "StopSeconds": root.parameters.get("StopSeconds", "90"),
        "Workspace": project.workspace,
    }


def choose(
    declared: Mapping[str, Parameter],
    derived: Mapping[str, str],
    given: Mapping[str, str],
    deployed: Mapping[str, str],
) -> dict[str, str]:
    """Each parameter's value: derived, else as given now, else as deployed, else its default.

    Raises:
        click.ClickException: a name that the template does not have, or that is not to be given,
            or a value that the template does not allow.

    """
    for name in given:
        if name in derived:
            message = f"{name} is not to be given: it follows from the stack or the repository"
            raise click.ClickException(message)
        if name not in declared:
            near = get_close_matches(name, set(declared) - set(derived), 1, 0)[0]
            message = f"a project has no parameter {name}: {near}?"
            raise click.ClickException(message)
    defaults = {name: one.default for name, one in declared.items() if one.default is not None}
    chosen = {**defaults, **deployed, **given}
    for name, parameter in declared.items():
        if name not in derived:
            parameter.check(name, chosen[name])
    return {name: {**chosen, **derived}[name] for name in declared}


def differences(deployed: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """What changes in a stack's parameters, as a person reads it.

    >>> differences({"Vcpus": "2", "Image": ""}, {"Vcpus": "4", "Image": ""})
    ['Vcpus: 4, was 2']
    """
    return [
        f"{name}: {value or 'empty'}, was {deployed.get(name, '') or 'empty'}"
        for name, value in wanted.items()
        if deployed.get(name) != value
    ]
