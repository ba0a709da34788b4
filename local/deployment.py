"""The real template, deployed to the embedded AWS with the real `sam deploy`.

What the emulator cannot take is taken out of the built template here, so that the template itself
carries nothing for its sake; the route of the HTTP API, which the emulator does not read from the
API's OpenAPI body, is added afterwards, from the same template.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from samtranslator.yaml_helper import yaml_parse

from local.aws import REGION, client
from local.layout import PROJECT, StackError, Tools
from local.sam import sam

STACK = "acme-development-cloud-runner"
_WEBHOOKS = 4
# MiniStack 1.5.33 refuses a template that names one of these.
_UNSUPPORTED = ("AWS::Events::Archive", "AWS::Batch::")


@dataclass(frozen=True)
class Deployment:
    """What was deployed: physical ids by logical id, and the stack's outputs."""

    endpoint_url: str
    resources: Mapping[str, tuple[str, str]]
    webhook_url: str

    def id(self, logical: str) -> str:
        """The physical id of a resource."""
        return self.resources[logical][1]

    def warm(self) -> None:
        """Let every function start, so that the first push does not wait for six of them.

        The webhook starts several times: deliveries that come together are run by a process each,
        and Bitbucket waits for ten seconds only.
        """
        functions = client("lambda", self.endpoint_url)
        by_name = self.of_type("AWS::Lambda::Function")
        names = [by_name["WebhookFunction"]] * (_WEBHOOKS - 1) + list(by_name.values())
        with ThreadPoolExecutor(_WEBHOOKS) as pool:
            answers = pool.map(
                lambda name: functions.invoke(FunctionName=name, Payload=b'{"Records": []}'), names
            )
            for name, answer in zip(names, answers, strict=True):
                if "FunctionError" in answer:
                    message = f"{name} does not start: {answer['Payload'].read().decode()}"
                    raise StackError(message)

    def of_type(self, kind: str) -> dict[str, str]:
        """The physical ids of all resources of a type, by logical id."""
        return {name: id_ for name, (type_, id_) in self.resources.items() if type_ == kind}


def declared_parameters() -> set[str]:
    """The names of the template's parameters."""
    return set(yaml_parse((PROJECT / "template.yaml").read_text())["Parameters"])


def deploy(
    tools: Tools, artifacts: Path, endpoint_url: str, parameters: Mapping[str, str], folder: Path
) -> Deployment:
    """Deploy what `sam build` left in `artifacts`; `folder` takes the reduced template."""
    template = yaml_parse((artifacts / "template.yaml").read_text())
    reduced = folder / "template.yaml"
    reduced.write_text(yaml.safe_dump(_reduce(template, artifacts, parameters), sort_keys=False))
    overrides = [f'{name}="{value}"' for name, value in parameters.items()]
    sam(
        tools,
        [
            *("deploy", "--template-file", str(reduced), "--stack-name", STACK),
            *("--region", REGION, "--resolve-s3", "--capabilities", "CAPABILITY_IAM"),
            *("--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"),
            *("--parameter-overrides", *overrides),
        ],
        cwd=folder,
        log=folder / "logs/sam-deploy.log",
        # Nobody here is spared by SAM asking only every five seconds how far it is.
        env={"AWS_ENDPOINT_URL": endpoint_url, "SAM_CLI_POLL_DELAY": "0.2"},
    )
    listed = client("cloudformation", endpoint_url).describe_stack_resources(StackName=STACK)
    resources = {
        r["LogicalResourceId"]: (r["ResourceType"], r["PhysicalResourceId"])
        for r in listed["StackResources"]
    }
    return Deployment(endpoint_url, resources, _route(template, resources, endpoint_url))


def _reduce(
    template: dict[str, Any], artifacts: Path, parameters: Mapping[str, str]
) -> dict[str, Any]:
    for name in parameters:
        # The limits say what is safe in AWS. Here lists do not lag, and nobody listens on loopback.
        declared = template["Parameters"].get(name, {})
        for limit in ("MinValue", "AllowedPattern"):
            declared.pop(limit, None)
    resources = {}
    for name, resource in template["Resources"].items():
        if resource["Type"].startswith(_UNSUPPORTED):
            continue
        for path in ("CodeUri", "ContentUri"):
            if path in resource.get("Properties", {}):
                resource["Properties"][path] = str(artifacts / resource["Properties"][path])
        resources[name] = resource
    return template | {"Resources": resources}


def _route(
    template: dict[str, Any], resources: Mapping[str, tuple[str, str]], endpoint_url: str
) -> str:
    """Add each function's HTTP events as routes; the url of the last one."""
    gateway = client("apigatewayv2", endpoint_url)
    functions = client("lambda", endpoint_url)
    url = ""
    for name, resource in template["Resources"].items():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            if event["Type"] != "HttpApi":
                continue
            asked = event["Properties"]
            api = resources[asked["ApiId"]["Ref"]][1]
            arn = functions.get_function(FunctionName=resources[name][1])["Configuration"][
                "FunctionArn"
            ]
            integration = gateway.create_integration(
                ApiId=api,
                IntegrationType="AWS_PROXY",
                IntegrationUri=arn,
                PayloadFormatVersion=asked["PayloadFormatVersion"],
            )
            gateway.create_route(
                ApiId=api,
                RouteKey=f"{asked['Method']} {asked['Path']}",
                Target=f"integrations/{integration['IntegrationId']}",
            )
            url = f"{endpoint_url}/_aws/execute-api/{api}/$default{asked['Path']}"
    return url
