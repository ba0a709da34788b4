"""The whole stack on one machine: what starts when, what it is called, how it ends.

Every part is a child process, tied to this one: whatever happens to this process, they end. A part
that ends by itself ends the stack, since a stack of which half is gone looks like a bug elsewhere.
"""

import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from local import artifacts, aws, projects, ready
from local.aws import Endpoints
from local.bitbucket.client import Client
from local.deployment import Deployment, declared_parameters, deploy
from local.layout import PROJECT, StackError, StateDir, Tools
from local.parts import Part, free_port, is_free, ready_port, start

_NICENESS_OF_JOBS = "10"
# Says what is being done while it is being done.
Step = Callable[[str], AbstractContextManager[object]]


@dataclass(frozen=True)
class Stack:
    """A running stack and where to reach it."""

    state: StateDir
    parts: tuple[Part, ...]
    endpoints: Endpoints
    bitbucket: Client
    bitbucket_port: int
    bitbucket_token: str
    deployment: Deployment
    hooks: tuple[projects.Hook, ...]

    def client(self, service: str) -> Any:
        """A boto3 client of the stack's account."""
        return self.endpoints.client(service)

    @property
    def page_url(self) -> str:
        """The page that shows what Bitbucket would show."""
        return f"http://127.0.0.1:{self.bitbucket_port}/"

    def ended_part(self) -> Part | None:
        """A part that has ended although nobody asked it to."""
        return next((part for part in self.parts if part.ended() is not None), None)

    def describe(self) -> dict[str, object]:
        """What a program needs to use the stack; holds secrets of the stand-in."""
        first = self.hooks[0]
        queues = {
            url.rsplit("/", 1)[-1].removeprefix("acme-development-"): url
            for url in self.deployment.of_type("AWS::SQS::Queue").values()
        }
        return {
            "webhook_url": self.deployment.webhook_url,
            "webhook_secret": first.secret,
            "hook_uuid": first.uuid,
            "repository": first.repository,
            "aws_endpoint_url": self.endpoints.aws,
            "batch_endpoint_url": self.endpoints.batch,
            "cloudformation_endpoint_url": self.endpoints.cloudformation,
            "machines_endpoint_url": self.endpoints.machines,
            "machine_image_id": aws.MACHINE_IMAGE,
            "bitbucket_api_url": f"http://127.0.0.1:{self.bitbucket_port}/2.0",
            "bitbucket_page_url": self.page_url,
            "bitbucket_token": self.bitbucket_token,
            "git_url": self.bitbucket.git_url(first.repository),
            "repositories": [
                {
                    "repository": hook.repository,
                    "git_url": self.bitbucket.git_url(hook.repository),
                    "hook_uuid": hook.uuid,
                    "webhook_secret": hook.secret,
                }
                for hook in self.hooks
            ],
            "region": aws.REGION,
            "runs_table": self.deployment.id("RunsTable"),
            "data_bucket": self.deployment.outputs["DataBucket"],
            "job_queues": [
                self.deployment.outputs[queue].rpartition("/")[2]
                for queue in ("JobQueueArn", "GpuJobQueueArn")
            ],
            "queues": dict(sorted(queues.items())),
            "event_bus": self.deployment.id("EventBus"),
            "environment": dict(self.endpoints.environment()),
        }


@contextmanager
def running(
    state: StateDir,
    step: Step,
    join: projects.Join,
    *,
    repositories: Sequence[str] = (),
    tools: Tools | None = None,
    parameters: Mapping[str, str] | None = None,
    keep_repositories: bool = True,
    for_bursts: bool = False,
) -> Iterator[Stack]:
    """A stack with the example and `repositories`, ready for a push; ended when the block is left.

    `join` adds a repository, `parameters` are parameters of the template; `for_bursts` is of
    `Deployment.warm`. Raises StackError with what to do.
    """
    tools = tools or Tools()
    tools.check()
    unknown = set(parameters or {}) - declared_parameters()
    if unknown:
        message = f"template.yaml has no parameter {', '.join(sorted(unknown))}"
        raise StackError(message)
    with ExitStack() as ends:
        ends.enter_context(state.held())
        state.prepare(keep_repositories=keep_repositories)
        ends.callback(state.forget)
        found_at = ready.ready_file(state)
        found_at.unlink(missing_ok=True)  # of a stack that was killed
        with step("building the functions"):
            built = artifacts.build(tools)
        with step("starting Bitbucket"):
            token = _token(state)
            bitbucket_part, bitbucket_port = _start_bitbucket(state, token, ends)
            bitbucket = ends.enter_context(Client(bitbucket_port, token))
        endpoints, aws_parts = _start_aws(state, tools, step, ends)
        with step("deploying template.yaml"):
            program = projects.store_program(state.program)
            wanted = {
                "BitbucketApiUrl": f"http://127.0.0.1:{bitbucket_port}/2.0",
                "BitbucketGitUrl": f"http://127.0.0.1:{bitbucket_port}",
                "CacheDirectory": str(state.dvc_cache),
                "ProgramDirectory": str(state.program),
                "ReconcileRate": "rate(1 minute)",
                "UnmovedSeconds": "30",
                "UnseenSeconds": "15",
                **(parameters or {}),
            }
            deployment = deploy(tools, built, endpoints, wanted, state.root)
            s3, bucket = endpoints.client("s3"), deployment.outputs["DataBucket"]
            projects.store_template(s3, bucket)
            projects.upload_program(s3, bucket, program)
        with step("starting the functions"):
            deployment.warm(for_bursts=for_bursts)
        with step("adding the repositories"):
            wanted_projects = projects.Projects(
                bitbucket=bitbucket,
                join=join,
                environment=endpoints.environment(),
                credentials=projects.write_credentials(state.root, token),
                logs=state.logs,
            )
            wanted_projects.add([projects.EXAMPLE, *repositories])
            hooks = projects.hooks(endpoints.client("secretsmanager"))
            projects.push_example(bitbucket, projects.EXAMPLE, state.dvc_storage)
        stack = Stack(
            state=state,
            parts=(bitbucket_part, *aws_parts),
            endpoints=endpoints,
            bitbucket=bitbucket,
            bitbucket_port=bitbucket_port,
            bitbucket_token=token,
            deployment=deployment,
            hooks=hooks,
        )
        ends.callback(found_at.unlink, missing_ok=True)
        ready.write(stack.describe(), found_at)
        yield stack


def _token(state: StateDir) -> str:
    if not state.token.exists():
        state.token.touch(mode=0o600)
        state.token.write_text(secrets.token_urlsafe(24))
    return state.token.read_text()


def _start_bitbucket(state: StateDir, token: str, ends: ExitStack) -> tuple[Part, int]:
    port = state.bitbucket_port.read_text() if state.bitbucket_port.exists() else "0"
    part = start(
        "bitbucket",
        [
            *(sys.executable, "-m", "local.bitbucket", "--state-dir", str(state.bitbucket)),
            *("--port", port if is_free(int(port)) else "0"),
        ],
        env=aws.clean_environment() | {"STAND_IN_TOKEN": token},
        cwd=PROJECT,
        logs=state.logs,
    )
    ends.callback(part.end)
    taken = ready_port(part)
    state.bitbucket_port.write_text(str(taken))
    return part, taken


def _start_aws(
    state: StateDir, tools: Tools, step: Step, ends: ExitStack
) -> tuple[Endpoints, tuple[Part, ...]]:
    """Start what is ours of AWS, then the emulator, whose functions call it."""
    port, machines_port = free_port(), free_port()
    url, machines_url = (f"http://127.0.0.1:{one}" for one in (port, machines_port))
    with step("starting AWS Batch"):
        batch, batch_port = _start_batch(state, tools, url, ends)
        batch_url = f"http://127.0.0.1:{batch_port}"
    with step("starting AWS"):
        machines = aws.start_machines(tools, url, batch_url, state, port=machines_port)
        ends.callback(machines.end)
        gateway = aws.start_gateway(url, state)
        ends.callback(gateway.end)
        gateway_url = f"http://127.0.0.1:{ready_port(gateway)}"
        cloudformation = aws.start_cloudformation(url, batch_url, gateway_url, state)
        ends.callback(cloudformation.end)
        emulator = aws.start_emulator(tools, batch_url, machines_url, port, state)
        ends.callback(emulator.end)
        ready_port(machines)
        cloudformation_url = f"http://127.0.0.1:{ready_port(cloudformation)}"
    endpoints = Endpoints(url, batch_url, cloudformation_url, machines_url)
    return endpoints, (batch, machines, gateway, cloudformation, emulator)


def _start_batch(state: StateDir, tools: Tools, aws_url: str, ends: ExitStack) -> tuple[Part, int]:
    part = start(
        "batch",
        [
            # Jobs take all that a machine has: whoever pushes meanwhile is answered first.
            *("nice", "-n", _NICENESS_OF_JOBS, sys.executable, "-m", "local.batch"),
            *("--state-dir", str(state.batch)),
            *("--job-path", str(tools.job_environment / "bin")),
        ],
        env=aws.clean_environment() | {"AWS_ENDPOINT_URL": aws_url},
        cwd=PROJECT,
        logs=state.logs,
    )
    ends.callback(part.end)
    return part, ready_port(part)
