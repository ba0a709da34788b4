"""The real templates, deployed to the embedded AWS with the real `sam deploy`.

What `sam build` left is deployed as it stands. What the emulator cannot take of it is done by the
front of CloudFormation, local/cloudformation.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local.aws import REGION, Endpoints
from local.cloudformation.rewriting import BATCHES_AT_ONCE
from local.gateway import Limits
from local.layout import PROJECT, StackError, Tools
from local.sam import sam

STACK = "acme-development-cloud-runner"
_WEBHOOK = "WebhookFunction"


@dataclass(frozen=True)
class Deployment:
    """What was deployed: type and physical id by logical id, and the stack's outputs.

    A nested stack's resources are there, too: `Compute.JobQueue`.
    """

    endpoints: Endpoints
    resources: Mapping[str, tuple[str, str]]
    outputs: Mapping[str, str]

    @property
    def webhook_url(self) -> str:
        """Where Bitbucket's webhooks point to."""
        return self.outputs["WebhookUrl"]

    def id(self, logical: str) -> str:
        """The physical id of a resource."""
        return self.resources[logical][1]

    def warm(self, *, for_bursts: bool = False) -> None:
        """Let every function start, so that no push waits for six of them.

        With `for_bursts` the webhook and what reads a queue start as often as they may run at once:
        a process that starts while others work takes many times as long, and holds them up.
        """
        start = partial(_call, self.endpoints.client("lambda"))
        for name in self.of_type("AWS::Lambda::Function"):
            called = self._called(name)
            at_once = self._at_once(name) if for_bursts else 1
            # Each finds the others busy with their own start.
            with ThreadPoolExecutor(at_once) as pool:
                list(pool.map(start, [called] * at_once))

    def of_type(self, kind: str) -> dict[str, str]:
        """The physical ids of all resources of a type, by logical id."""
        return {name: id_ for name, (type_, id_) in self.resources.items() if type_ == kind}

    def _at_once(self, function: str) -> int:
        """How many processes a function needs at most."""
        if function == _WEBHOOK:
            return Limits().calls
        sources = self.of_type("AWS::Lambda::EventSourceMapping")
        return BATCHES_AT_ONCE if any(one.startswith(function) for one in sources) else 1

    def _called(self, function: str) -> str:
        """What a function is called by: its alias, as SAM names it, if it has one."""
        for name, alias in self.of_type("AWS::Lambda::Alias").items():
            if name.startswith(f"{function}Alias"):
                return alias
        return self.id(function)


def _call(functions: Any, name: str) -> None:
    answer = functions.invoke(FunctionName=name, Payload=b'{"Records": []}')
    if "FunctionError" in answer:
        message = f"{name} does not start: {answer['Payload'].read().decode()}"
        raise StackError(message)


def declared_parameters() -> set[str]:
    """The names of the template's parameters."""
    return set(yaml_parse((PROJECT / "template.yaml").read_text())["Parameters"])


def deploy(
    tools: Tools,
    artifacts: Path,
    endpoints: Endpoints,
    parameters: Mapping[str, str],
    folder: Path,
) -> Deployment:
    """Deploy what `sam build` left in `artifacts`; `folder` takes the log."""
    overrides = [f'{name}="{value}"' for name, value in parameters.items()]
    sam(
        tools,
        [
            *("deploy", "--template-file", str(artifacts / "template.yaml")),
            *("--stack-name", STACK, "--region", REGION, "--resolve-s3"),
            *("--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"),
            *("--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"),
            *("--parameter-overrides", *overrides),
        ],
        cwd=folder,
        log=folder / "logs/sam-deploy.log",
        # Nobody here is spared by SAM asking only every five seconds how far it is.
        env={**endpoints.environment(), "SAM_CLI_POLL_DELAY": "0.2"},
    )
    cloudformation = endpoints.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    return Deployment(
        endpoints,
        dict(_resources(cloudformation, STACK)),
        {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]},
    )


def _resources(
    cloudformation: Any, stack: str, prefix: str = ""
) -> Iterator[tuple[str, tuple[str, str]]]:
    for one in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]:
        logical, kind, physical = (
            one[key] for key in ("LogicalResourceId", "ResourceType", "PhysicalResourceId")
        )
        yield f"{prefix}{logical}", (kind, physical)
        if kind == "AWS::CloudFormation::Stack":
            yield from _resources(cloudformation, physical, f"{prefix}{logical}.")
