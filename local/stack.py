"""The whole stack on one machine: what starts when, what it is called, how it ends.

Every part is a child process, tied to this one: whatever happens to this process, they end. A part
that ends by itself ends the stack, since a stack of which half is gone looks like a bug elsewhere.
"""

import json
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import artifacts, aws, projects
from local.bitbucket.client import Client
from local.deployment import Deployment, declared_parameters, deploy
from local.layout import PROJECT, StackError, StateDir, Tools
from local.parts import Part, free_port, is_free, ready_port, start

JOB_QUEUE = "acme-development-local"

# Says what is being done while it is being done.
Step = Callable[[str], AbstractContextManager[object]]


@dataclass(frozen=True)
class Stack:
    """A running stack and where to reach it."""

    state: StateDir
    parts: tuple[Part, ...]
    aws_endpoint_url: str
    batch_endpoint_url: str
    bitbucket: Client
    bitbucket_port: int
    bitbucket_token: str
    deployment: Deployment
    hooks: tuple[projects.Hook, ...]

    def client(self, service: str) -> Any:
        """A boto3 client of the stack's account."""
        url = self.batch_endpoint_url if service == "batch" else self.aws_endpoint_url
        return aws.client(service, url)

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
            "aws_endpoint_url": self.aws_endpoint_url,
            "batch_endpoint_url": self.batch_endpoint_url,
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
            "job_queues": [JOB_QUEUE],
            "queues": dict(sorted(queues.items())),
            "event_bus": self.deployment.id("EventBus"),
            "environment": dict(
                aws.endpoint_environment(self.aws_endpoint_url, self.batch_endpoint_url)
            ),
        }


@contextmanager
def running(
    state: StateDir,
    step: Step,
    *,
    repositories: Sequence[str] = (),
    tools: Tools | None = None,
    parameters: Mapping[str, str] | None = None,
    keep_repositories: bool = True,
) -> Iterator[Stack]:
    """A stack with the example and `repositories`, ready for a push; ended when the block is left.

    `parameters` are parameters of the template. Raises StackError with what to do.
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
        with step("building the functions"):
            built = artifacts.build(tools)
        with step("starting Bitbucket"):
            token = _token(state)
            bitbucket_part, bitbucket_port = _start_bitbucket(state, token, ends)
            bitbucket = ends.enter_context(Client(bitbucket_port, token))
        with step("starting AWS Batch"):
            aws_port = free_port()
            aws_url = f"http://127.0.0.1:{aws_port}"
            batch_part, batch_port = _start_batch(state, tools, aws_url, ends)
            batch_url = f"http://127.0.0.1:{batch_port}"
        with step("starting AWS"):
            aws_part = aws.start_emulator(tools, batch_url, aws_port, state)
            ends.callback(aws_part.end)
        with step("deploying template.yaml"):
            queue = _create_queue(aws.client("batch", batch_url))
            wanted = {
                "JobQueueArn": queue,
                "BitbucketApiUrl": f"http://127.0.0.1:{bitbucket_port}/2.0",
                "ReconcileRate": "rate(1 minute)",
                "UnmovedSeconds": "30",
                **(parameters or {}),
            }
            deployment = deploy(tools, built, aws_url, wanted, state.root)
        with step("adding the repositories"):
            project = projects.Projects(
                bitbucket=bitbucket,
                batch=aws.client("batch", batch_url),
                secretsmanager=aws.client("secretsmanager", aws_url),
                s3=aws.client("s3", aws_url),
                cache=state.dvc_cache,
                program=projects.job_program(state.root),
                webhook_url=deployment.webhook_url,
                token=token,
            )
            hooks = project.add([projects.EXAMPLE, *repositories])
        with step("starting the functions"):
            # After the webhooks are authorised: the webhook function reads them as it starts.
            deployment.warm()
            projects.push_example(bitbucket, projects.EXAMPLE, state.dvc_storage)
        yield Stack(
            state=state,
            parts=(bitbucket_part, batch_part, aws_part),
            aws_endpoint_url=aws_url,
            batch_endpoint_url=batch_url,
            bitbucket=bitbucket,
            bitbucket_port=bitbucket_port,
            bitbucket_token=token,
            deployment=deployment,
            hooks=tuple(hooks),
        )


def write_ready_file(stack: Stack, path: Path) -> None:
    """Write `stack.describe()` to `path`, whole or not at all, for its owner alone."""
    draft = path.with_name(path.name + ".draft")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(stack.describe(), indent=2) + "\n")
    draft.replace(path)


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


def _start_batch(state: StateDir, tools: Tools, aws_url: str, ends: ExitStack) -> tuple[Part, int]:
    part = start(
        "batch",
        [
            *(sys.executable, "-m", "local.batch", "--state-dir", str(state.batch)),
            *("--job-path", str(tools.job_environment / "bin")),
        ],
        env=aws.clean_environment() | {"AWS_ENDPOINT_URL": aws_url},
        cwd=PROJECT,
        logs=state.logs,
    )
    ends.callback(part.end)
    return part, ready_port(part)


def _create_queue(batch: Any) -> str:
    """The ARN of the job queue, as the compute stack would give it."""
    known = batch.describe_job_queues(jobQueues=[JOB_QUEUE])["jobQueues"]
    if known:
        arn: str = known[0]["jobQueueArn"]
        return arn
    environment = batch.create_compute_environment(
        computeEnvironmentName=JOB_QUEUE, type="UNMANAGED", state="ENABLED"
    )["computeEnvironmentArn"]
    made: str = batch.create_job_queue(
        jobQueueName=JOB_QUEUE,
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
    )["jobQueueArn"]
    return made
