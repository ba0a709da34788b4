"""The embedded AWS with its CloudFormation's front and a Batch endpoint, for a test."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from local import aws
from local.aws import Endpoints
from local.layout import StateDir, Tools
from local.parts import ready_port
from tests.integration.batch_endpoint import started
from tests.integration.free_ports import on_a_free_port

TEMPLATES = "templates"
# Nobody launches a machine here.
NOWHERE = "http://127.0.0.1:1"
_SECONDS = 180


@dataclass(frozen=True)
class Site:
    """The services of one embedded account."""

    endpoints: Endpoints
    cloudformation: Any
    batch: Any
    s3: Any

    def create(self, stack: str, template: str, **parameters: str) -> Any:
        """Create a stack and wait for it; its description."""
        return self.settled(
            self.cloudformation.create_stack(
                StackName=stack, TemplateBody=template, Parameters=given(parameters)
            )["StackId"]
        )

    def update(self, stack: str, template: str, **parameters: str) -> Any:
        """Update a stack and wait for it; its description."""
        return self.settled(
            self.cloudformation.update_stack(
                StackName=stack, TemplateBody=template, Parameters=given(parameters)
            )["StackId"]
        )

    def delete(self, stack: str) -> Any:
        """Delete a stack and wait for it; its description. A deleted one is known by its id."""
        (found,) = self.cloudformation.describe_stacks(StackName=stack)["Stacks"]
        self.cloudformation.delete_stack(StackName=stack)
        return self.settled(found["StackId"])

    def settled(self, stack: str) -> Any:
        """A stack's description once nothing is in progress."""
        deadline = time.monotonic() + _SECONDS
        while True:
            (found,) = self.cloudformation.describe_stacks(StackName=stack)["Stacks"]
            if not found["StackStatus"].endswith("_IN_PROGRESS"):
                return found
            assert time.monotonic() < deadline, f"{stack} is still {found['StackStatus']}"
            time.sleep(0.02)

    def resources(self, stack: str) -> dict[str, tuple[str, str]]:
        """Type and physical id of a stack's resources."""
        listed = self.cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        return {
            one["LogicalResourceId"]: (one["ResourceType"], one["PhysicalResourceId"])
            for one in listed
        }

    def reasons(self, stack: str) -> str:
        """What a stack's events say about failures."""
        events = self.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        return "\n".join(
            one.get("ResourceStatusReason", "")
            for one in events
            if one["ResourceStatus"].endswith("_FAILED")
        )

    def upload(self, key: str, template: str) -> str:
        """Put a template into S3; its address."""
        self.s3.put_object(Bucket=TEMPLATES, Key=key, Body=template.encode())
        return f"{self.endpoints.aws}/{TEMPLATES}/{key}"

    def at_batch(self, name: str) -> list[str]:
        """The names of what is at Batch and begins with `name`."""
        batch = self.batch
        found = [
            *(one["jobQueueName"] for one in batch.describe_job_queues()["jobQueues"]),
            *(
                one["computeEnvironmentName"]
                for one in batch.describe_compute_environments()["computeEnvironments"]
            ),
            *(
                one["arn"].rpartition("/")[2]
                for one in batch.list_scheduling_policies()["schedulingPolicies"]
            ),
            *(
                f"{one['jobDefinitionName']}:{one['revision']}"
                for one in batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
            ),
        ]
        return sorted(one for one in found if one.startswith(name))


def given(parameters: Mapping[str, str]) -> list[dict[str, str]]:
    """Parameters as a request gives them."""
    return [{"ParameterKey": key, "ParameterValue": one} for key, one in parameters.items()]


def outputs(stack: Any) -> dict[str, str]:
    """A stack's outputs."""
    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}


def _parts(state: StateDir, port: int) -> tuple[ExitStack, Endpoints]:
    """The emulator on a port and what is beside it: each has to be told where the others are."""
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as ends:
        batch = ends.enter_context(started(state.batch, aws_endpoint_url=url, with_queue=False))
        front = aws.start_cloudformation(url, batch.url, url, state)
        ends.callback(front.end)
        ends.callback(aws.start_emulator(Tools(), batch.url, NOWHERE, port, state).end)
        endpoints = Endpoints(url, batch.url, f"http://127.0.0.1:{ready_port(front)}", url)
        return ends.pop_all(), endpoints


@contextmanager
def embedded_cloudformation(folder: Path) -> Iterator[Site]:
    """A site of its own, until the end of the block."""
    state = StateDir(folder)
    state.aws.mkdir(parents=True)
    ends, endpoints = on_a_free_port(partial(_parts, state))
    with ends:
        s3 = endpoints.client("s3")
        place = {"LocationConstraint": aws.REGION}
        s3.create_bucket(Bucket=TEMPLATES, CreateBucketConfiguration=place)
        cloudformation, of_batch = endpoints.client("cloudformation"), endpoints.client("batch")
        yield Site(endpoints, cloudformation, of_batch, s3)
        for one in (s3, cloudformation, of_batch):
            one.close()
