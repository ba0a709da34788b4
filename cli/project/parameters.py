"""Which values the parameters of a project's template get."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.resources import files

import click
from samtranslator.yaml_helper import yaml_parse

from cli.account import Deployed
from cli.project.names import Project

# As many places as container/project.yaml has.
MOST_VARIABLES = 8


def template() -> str:
    """The template of a project's stack."""
    return files("container").joinpath("project.yaml").read_text(encoding="utf-8")


def declared(text: str) -> dict[str, str | None]:
    """A template's parameters with their defaults, None where there is none."""
    parameters = yaml_parse(text)["Parameters"]
    return {
        name: None if "Default" not in one else str(one["Default"])
        for name, one in parameters.items()
    }


def derived(
    project: Project,
    root: Deployed,
    *,
    auth_secret_arn: str,
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
        "PermissionsBoundaryArn": root.output("ProjectBoundaryArn"),
        "Repository": project.slug,
        "SecretsArn": variables_secret_arn,
        "StopSeconds": root.parameters.get("StopSeconds", "90"),
        "Workspace": project.workspace,
    }


def choose(
    declared: Mapping[str, str | None],
    derived: Mapping[str, str],
    given: Mapping[str, str],
    deployed: Mapping[str, str],
) -> dict[str, str]:
    """Each parameter's value: derived, else as given now, else as deployed, else its default.

    Raises:
        click.ClickException: a name that the template does not have, or that is not to be given.

    """
    for name in given:
        if name in derived:
            message = f"{name} is not to be given: it follows from the stack or the repository"
            raise click.ClickException(message)
        if name not in declared:
            near = get_close_matches(name, set(declared) - set(derived), 1, 0)[0]
            message = f"a project has no parameter {name}: {near}?"
            raise click.ClickException(message)
    defaults = {name: value for name, value in declared.items() if value is not None}
    values = {**defaults, **deployed, **given, **derived}
    return {name: values[name] for name in declared}


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
