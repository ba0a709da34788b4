"""`cloud-runner local env`: the files by which `sam local invoke` meets the embedded stack.

SAM gives a container the variables that the template declares for its function, and no others
(github.com/aws/aws-sam-cli/issues/139). Those that lead an AWS SDK to the stack are therefore
declared in a copy of the built template, made here: the template itself knows nothing of them.
"""

import copy
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import botocore.exceptions
import click
import yaml
from samtranslator.yaml_helper import yaml_parse

from cli.console import console
from cli.examples import example
from local import aws
from local.deployment import STACK
from local.layout import DEFAULT_STATE, PROJECT

# What Docker Desktop calls the machine that it runs on; elsewhere `--add-host` gives it the name.
HOST = "host.docker.internal"
BUILT = PROJECT / ".aws-sam/build/template.yaml"
_LOOPBACK = re.compile(r"(?<=//)(?:127\.0\.0\.1|localhost)(?=[:/])")
# Properties that hold a path relative to the template.
_PATHS = ("CodeUri", "ContentUri", "TemplateURL")

Variables = Mapping[str, str]


def environment_file(
    functions: Mapping[str, Variables], everywhere: Variables, host: str
) -> dict[str, dict[str, str]]:
    """SAM's environment file: variables by function, and under `Parameters` those of every one.

    Addresses on this machine's loopback become addresses on `host`. The shell's own session token,
    which SAM would pass on, is emptied: it belongs to another account.
    """
    named = {
        "Parameters": {**everywhere, "AWS_SESSION_TOKEN": ""},
        **dict(sorted(functions.items())),
    }
    return {
        function: {name: _LOOPBACK.sub(host, value) for name, value in sorted(variables.items())}
        for function, variables in named.items()
    }


def template_for_invoke(
    built: Mapping[str, Any], folder: Path, variables: Iterable[str]
) -> dict[str, Any]:
    """The template that `sam build` left in `folder`, for a reader elsewhere.

    Every function declares `variables` as well, and `Architecture` is the one that was built.
    ClickException if it was built from a template that has no such parameter yet.
    """
    template: dict[str, Any] = copy.deepcopy(dict(built))
    if "Architecture" not in template.get("Parameters", {}):
        message = f"{folder} is from an older template: run make build"
        raise click.ClickException(message)
    everywhere = template["Globals"]["Function"].setdefault("Environment", {})
    everywhere.setdefault("Variables", {}).update(dict.fromkeys(variables, ""))
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        for name in _PATHS:
            if isinstance(properties.get(name), str):
                properties[name] = str(folder / properties[name])
        architecture = resource.get("Metadata", {}).get("BuildArchitecture")
        if isinstance(architecture, str):
            template["Parameters"]["Architecture"]["Default"] = architecture
    return template


def deployed_variables(cloudformation: Any, functions: Any) -> dict[str, Variables]:
    """The variables of each function as it is deployed, by its logical id."""
    listed = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    return {
        one["LogicalResourceId"]: functions.get_function_configuration(
            FunctionName=one["PhysicalResourceId"]
        )["Environment"]["Variables"]
        for one in listed
        if one["ResourceType"] == "AWS::Lambda::Function"
    }


@click.command(
    epilog=example(
        "cloud-runner local up --ready-file ready.json &",
        "cloud-runner local env --ready-file ready.json",
    )
)
@click.option(
    "--ready-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="What `cloud-runner local up --ready-file` wrote; the stack is to be running.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_STATE / "invoke",
    show_default=".cloud-runner/invoke, in the project",
    help="Takes env.json and template.yaml.",
)
@click.option(
    "--host",
    default=HOST,
    show_default=True,
    help="What the functions' containers call this machine.",
)
def env(ready_file: Path, folder: Path, host: str) -> None:
    """Write what `sam local invoke` needs to run a function against the embedded stack.

    Two files: variables with addresses that a container reaches, and a copy of the built template
    that declares them. The command to type next is printed. docs/local-invoke.md tells all of it.
    """
    if not BUILT.exists():
        message = f"{BUILT} is not there: run make build first"
        raise click.ClickException(message)
    everywhere = _everywhere(ready_file)
    environment = environment_file(_functions(everywhere["AWS_ENDPOINT_URL"]), everywhere, host)
    template = template_for_invoke(
        yaml_parse(BUILT.read_text(encoding="utf-8")), BUILT.parent, environment["Parameters"]
    )
    folder.mkdir(parents=True, exist_ok=True)
    variables, declared = folder / "env.json", folder / "template.yaml"
    variables.write_text(json.dumps(environment, indent=2) + "\n", encoding="utf-8")
    declared.write_text(yaml.safe_dump(template, sort_keys=False), encoding="utf-8")
    console.print("written; from the project's folder, for any function:")
    console.print(
        f"  .venv/bin/sam local invoke ParserFunction --template {declared} --env-vars {variables}"
        " --event events/parser.json"
    )


def _everywhere(ready_file: Path) -> dict[str, str]:
    """The variables by which an SDK finds the stack."""
    try:
        found: dict[str, str] = json.loads(ready_file.read_text(encoding="utf-8"))["environment"]
    except (ValueError, KeyError) as error:
        message = f"{ready_file} is no ready file: cloud-runner local up --ready-file {ready_file}"
        raise click.ClickException(message) from error
    return found


def _functions(endpoint_url: str) -> dict[str, Variables]:
    clients = (aws.client(service, endpoint_url) for service in ("cloudformation", "lambda"))
    try:
        return deployed_variables(*clients)
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        message = f"asking the stack at {endpoint_url}: {error}: is cloud-runner local up running?"
        raise click.ClickException(message) from error
