"""Which values the root template's parameters get, and where each comes from.

CloudFormation itself would give a parameter that nobody names its default again, and so undo what
somebody chose at the deployment before.
"""

import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import click
from samtranslator.yaml_helper import yaml_parse

from cli.typed import pairs
from shared.names import Names


@dataclass(frozen=True)
class Choice:
    """A parameter's value for the next deployment."""

    value: str
    source: str
    # What the deployed stack has; None if it has no such parameter yet.
    before: str | None

    @property
    def is_change(self) -> bool:
        """Whether a deployed value becomes another."""
        return self.before is not None and self.before != self.value


def declared(template: Path) -> dict[str, str | None]:
    """The template's parameters with their defaults, None where there is none."""
    parameters = yaml_parse(template.read_text(encoding="utf-8"))["Parameters"]
    return {
        name: None if "Default" not in one else str(one["Default"])
        for name, one in parameters.items()
    }


def written(samconfig: Path, environment: str) -> dict[str, str]:
    """The `parameter_overrides` that samconfig.toml holds for an environment."""
    sections = tomllib.loads(samconfig.read_text(encoding="utf-8"))
    overrides = (
        sections.get(environment, {})
        .get("deploy", {})
        .get("parameters", {})
        .get("parameter_overrides", "")
    )
    words = shlex.split(overrides) if isinstance(overrides, str) else overrides
    return pairs(words)


def choose(
    names: Names,
    defaults: Mapping[str, str | None],
    deployed: Mapping[str, str],
    samconfig: Mapping[str, str],
    given: Mapping[str, str],
) -> dict[str, Choice]:
    """What each parameter gets: as given now, else as written, else as deployed, else its default.

    Raises:
        click.ClickException: a name that the template does not have, or a value that is missing or
            contradicts the environment and organization that the stack's name comes from.

    """
    fixed = {"Organization": names.organization, "Environment": names.environment}
    sources = (
        ("the command", given),
        ("--organization and --environment", fixed),
        ("samconfig.toml", samconfig),
        ("the deployed stack", deployed),
        ("the default", {name: value for name, value in defaults.items() if value is not None}),
    )
    for where, values in (("the command", given), ("samconfig.toml", samconfig)):
        _check(where, values, defaults, fixed)
    chosen = {}
    for name in defaults:
        found = next(((values[name], where) for where, values in sources if name in values), None)
        if found is None:
            message = f"{name} has no default: give it, as --parameter {name}=VALUE"
            raise click.ClickException(message)
        chosen[name] = Choice(*found, before=deployed.get(name))
    return chosen


def _check(
    where: str,
    values: Mapping[str, str],
    defaults: Mapping[str, str | None],
    fixed: Mapping[str, str],
) -> None:
    for name, value in values.items():
        if name not in defaults:
            near = get_close_matches(name, defaults, 1, 0)[0]
            message = f"{where} names {name}, which template.yaml does not have: {near}?"
            raise click.ClickException(message)
        if fixed.get(name, value) != value:
            message = (
                f"{where} says {name}={value}, but this is {fixed[name]}: it is part of the "
                "stack's name, so say --organization or --environment"
            )
            raise click.ClickException(message)
