"""A small embedded world for `cloud-runner project`: AWS, Bitbucket, and the webhook's own code.

The stack of the project is made by the real template; the root stack by a small one of the same
outputs, whose webhook is the service's `handle` behind an HTTP server.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cli.account import find_stack
from cli.project import joining, leaving, looking
from cli.project.leaving import Leaving
from cli.project.looking import Joining, Wishes
from cli.project.names import project
from cli.project.place import Outside, Place
from local import aws
from local.aws import Endpoints
from local.bitbucket.client import Client
from local.bitbucket.server import Server
from local.projects import store_template
from services.webhook import app
from services.webhook.delivery import Delivery
from services.webhook.hooks import Hooks
from shared.bitbucket import Credentials
from shared.names import Names
from shared.secrets import Secrets
from tests.integration.bitbucket_stand_in import commit, git, push
from tests.integration.cloudformation_front import embedded_cloudformation
from tests.integration.service_chain import TABLE, runs_table
from tests.integration.waiting import wait_until

NAMES = Names("acme", "development")
STACK = "acme-development-cloud-runner"
TOKEN = "everything"
CREDENTIALS = Credentials(kind="access_token", token=TOKEN)
WISHES = Wishes(credentials=CREDENTIALS)
BUCKET = "acme-development-data"
ROOT = f"""
Resources:
  AuthorisedHooksSecret:
    Type: AWS::SecretsManager::Secret
    Properties: {{Name: {NAMES.hooks_secret}, SecretString: "{{}}"}}
  BitbucketAuthSecret:
    Type: AWS::SecretsManager::Secret
    Properties: {{Name: {NAMES.auth_secret}}}
  Bucket:
    Type: AWS::S3::Bucket
    Properties: {{BucketName: {BUCKET}, VersioningConfiguration: {{Status: Enabled}}}}
Outputs:
"""


@dataclass(frozen=True)
class World:
    """One embedded account with a root stack, and one Bitbucket."""

    endpoints: Endpoints
    bitbucket: Client
    webhook_url: str
    outside: Outside
    texts: list[str] = field(default_factory=list)

    def place(self, full_name: str, outside: Outside | None = None) -> Place:
        """Where a repository joins."""
        return place_of(full_name, outside or self.outside, self.webhook_url)

    def add(
        self, full_name: str, wishes: Wishes = WISHES, outside: Outside | None = None
    ) -> Joining:
        """Let a repository join; what was to be done for it. Its texts are kept in `texts`."""
        self.texts.clear()
        found = looking.look(self.place(full_name, outside), wishes, nobody_asks)
        joining.join(found, self.texts.append)
        return found

    def remove(self, full_name: str, *, with_data: bool = False) -> Leaving:
        """Let a repository leave; what there was to take away."""
        self.texts.clear()
        found = leaving.look(self.place(full_name), None, with_data=with_data)
        leaving.leave(found, self.texts.append)
        return found

    def repository(self, full_name: str) -> str:
        """Make sure that there is such a repository; its name."""
        self.bitbucket.create_repository(full_name)
        return full_name

    def secret(self, name: str) -> Any:
        """What a secret holds, as JSON; None if there is none."""
        text = self.place("any/one").secrets.text(name)
        return json.loads(text) if text else None

    def authorised(self, full_name: str) -> dict[str, Any]:
        """The entries of a repository among the authorised webhooks."""
        found: dict[str, Any] = self.secret(NAMES.hooks_secret)
        return {uuid: one for uuid, one in found.items() if one["repository"] == full_name}

    def snapshot(self, full_name: str) -> dict[str, Any]:
        """All that is there of a repository, without what is random or a time."""
        place = self.place(full_name)
        state, entries = place.stack.state(), self.authorised(full_name)
        definition = NAMES.job_definition(place.project.slug)
        definitions = self.endpoints.client("batch").describe_job_definitions(
            jobDefinitionName=definition, status="ACTIVE"
        )["jobDefinitions"]
        return {
            "hooks": [
                (one["url"], one["active"], one["events"], one["secret_set"], one["uuid"])
                for one in self.bitbucket.hooks(full_name)
            ],
            "entries": sorted(entries),
            "secrets": sorted(len(one["secret"]) for one in entries.values()),
            "stack": None if state is None else (state.status, dict(state.parameters)),
            "definitions": [one["containerProperties"] for one in definitions],
            "images": place.images.exists(),
            "own": self.secret(place.project.own_credentials),
            "variables": self.secret(place.project.variables_secret),
        }

    def push_is_taken(self, full_name: str, work: Path) -> bool:
        """Push a commit; whether the webhook took the delivery that Bitbucket signed."""
        before = len(self.bitbucket.deliveries(full_name))
        git(work.parent, "clone", "--quiet", self.bitbucket.git_url(full_name), str(work))
        commit(work)
        push(work, "origin", "HEAD")
        wait(lambda: len(self.bitbucket.deliveries(full_name)) > before)
        wait(lambda: self.bitbucket.deliveries(full_name)[-1]["state"] != "pending")
        taken: bool = self.bitbucket.deliveries(full_name)[-1]["status"] == 202
        return taken

    @contextmanager
    def bitbucket_without(self, full_name: str, status: int = 404) -> Iterator[None]:
        """A Bitbucket that does not know a repository, or not by that name, for a while."""
        path = f"/2.0/repositories/{full_name}"
        self.bitbucket.add_fault(status=status, path_prefix=path)
        yield
        self.bitbucket.clear_faults()

    def environment(self) -> Mapping[str, str]:
        """The variables by which the command itself finds this world."""
        return {**os.environ, **self.endpoints.environment()}


def place_of(full_name: str, outside: Outside, webhook_url: str) -> Place:
    """Where a repository joins."""
    root = find_stack(outside.cloudformation, f"{STACK}")
    assert root is not None
    return Place(project(NAMES, full_name), root, outside, webhook_url)


def outside_of(endpoints: Endpoints) -> Outside:
    """The ways out of a command that works here; it does not wait as long as in AWS."""
    return Outside(
        cloudformation=endpoints.client("cloudformation"),
        ecr=endpoints.client("ecr"),
        s3=endpoints.client("s3"),
        secretsmanager=endpoints.client("secretsmanager"),
        sleep=brief,
    )


def brief(_seconds: float) -> None:
    """Let a little time pass, whatever was asked for."""
    time.sleep(0.02)


def wait(happened: Callable[[], object]) -> None:
    """Return as soon as it has happened."""
    wait_until(happened, "it did not happen")


def nobody_asks(secret: str) -> Credentials:
    """Nobody is there to be asked."""
    message = f"asked for {secret}"
    raise AssertionError(message)


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """A world of its own, until the end of the block."""
    with ExitStack() as ends:
        site = ends.enter_context(embedded_cloudformation(folder / "aws"))
        server = ends.enter_context(_bitbucket(folder / "bitbucket"))
        client = ends.enter_context(Client(server.port, TOKEN))
        outside = outside_of(site.endpoints)
        ends.callback(outside.close)
        url = ends.enter_context(_webhook(outside.secretsmanager))
        outputs = {
            "BitbucketApiUrl": f"{client.url}/2.0",
            "BitbucketGitUrl": client.url,
            "CacheDirectory": "/var/lib/cloud-runner/cache",
            "DataBucket": BUCKET,
            "JobLogGroup": "/acme-development/jobs",
            "KeywordPrefix": "ACME",
            "ProgramDirectory": "/var/lib/cloud-runner/program",
            "ProjectBoundaryArn": f"arn:aws:iam::{aws.ACCOUNT}:policy/boundary",
            "ProjectStackRoleArn": f"arn:aws:iam::{aws.ACCOUNT}:role/project-stacks",
            "RunsTableName": TABLE,
            "WebhookUrl": url,
        }
        lines = (f"  {name}: {{Value: '{value}'}}" for name, value in outputs.items())
        site.create(STACK, ROOT + "\n".join(lines))
        store_template(outside.s3, BUCKET)
        ends.enter_context(runs_table(site.endpoints.client("dynamodb")))
        yield World(site.endpoints, client, url, outside)


@contextmanager
def _bitbucket(state: Path) -> Iterator[Server]:
    state.mkdir(parents=True)
    with Server(state, TOKEN, pause=0.01) as server:
        yield server


@contextmanager
def _webhook(secretsmanager: Any) -> Iterator[str]:
    """The webhook's address; it keeps what it stores to itself, and its clock runs fast."""
    secrets = Secrets(secretsmanager, clock=lambda: time.monotonic() * 1e6)
    hooks = Hooks(secrets, NAMES.hooks_secret, require_signature=True)
    needs = app.Dependencies(hooks, "ACME")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            event = {"headers": dict(self.headers.items()), "body": body, "isBase64Encoded": False}
            answer = app.handle(Delivery.of(event), needs)
            self.send_response(answer.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/bitbucket-webhook"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
