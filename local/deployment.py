"""The real templates, deployed to the embedded AWS with the real `sam deploy`.

What `sam build` left is deployed as it stands. What the emulator cannot take of it is done by the
front of CloudFormation, local/cloudformation.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local.aws import REGION, Endpoints
from local.layout import PROJECT, StackError, Tools
from local.sam import sam

STACK = "acme-development-cloud-runner"
_WEBHOOKS = 4


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

    def warm(self) -> None:
        """Let every function start, so that the first push does not wait for six of them.

        The webhook starts several times: deliveries that come together are run by a process each,
        and Bitbucket waits for ten seconds only.
        """
        functions = self.endpoints.client("lambda")
        called = {name: self._called(name) for name in self.of_type("AWS::Lambda::Function")}
        names = [called["WebhookFunction"]] * (_WEBHOOKS - 1) + list(called.values())
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

    def _called(self, function: str) -> str:
        """What a function is called by: its alias, as SAM names it, if it has one."""
        for name, alias in self.of_type("AWS::Lambda::Alias").items():
            if name.startswith(f"{function}Alias"):
                return alias
        return self.id(function)


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
