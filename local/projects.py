"""A repository joins the stack: it is made on the stand-in, then added as one is added in AWS."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from container.build import build as build_program
from local import example
from local.bitbucket.client import Client
from local.layout import PROJECT
from shared.names import Names

NAMES = Names("acme", "development")
EXAMPLE = "acme/faulty-parts"
_AT_ONCE = 4


class Join(Protocol):
    """What adds a repository to the environment that `environment` points to.

    `credentials` is a file with those for Bitbucket; what is said goes to `log`. Raises StackError.
    """

    def __call__(
        self, full_name: str, credentials: Path, environment: Mapping[str, str], log: Path
    ) -> None:
        """Add it."""


@dataclass(frozen=True)
class Hook:
    """A webhook of the stand-in, as the authorised webhooks' secret knows it."""

    uuid: str
    secret: str
    repository: str


@dataclass(frozen=True)
class Projects:
    """Where projects are added: one stack's Bitbucket, and its account."""

    bitbucket: Client
    join: Join
    environment: Mapping[str, str]
    credentials: Path
    logs: Path

    def add(self, full_names: Sequence[str]) -> None:
        """Add repositories; those that exist keep what they hold, and get this stack's webhook."""
        first, *others = dict.fromkeys(full_names)
        self._add(first)  # it stores the credentials, which the others then find
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(self._add, others))

    def _add(self, full_name: str) -> None:
        self.bitbucket.create_repository(full_name)
        for old in self.bitbucket.hooks(full_name):  # those of stacks that have ended
            path = f"/2.0/repositories/{full_name}/hooks/{old['uuid']}"
            self.bitbucket.request("DELETE", path)
        log = self.logs / f"project-add-{full_name.replace('/', '-')}.log"
        self.join(full_name, self.credentials, self.environment, log)


def write_credentials(folder: Path, token: str) -> Path:
    """Write the stand-in's token into a file that its owner alone can read."""
    file = folder / "bitbucket-credentials.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"kind": "access_token", "token": token}))
    return file


def hooks(secretsmanager: Any) -> tuple[Hook, ...]:
    """The authorised webhooks, that of the example first."""
    stored = secretsmanager.get_secret_value(SecretId=NAMES.hooks_secret)["SecretString"]
    found = [
        Hook(uuid, one["secret"], one["repository"]) for uuid, one in json.loads(stored).items()
    ]
    return tuple(sorted(found, key=lambda hook: (hook.repository != EXAMPLE, hook.repository)))


def push_example(bitbucket: Client, full_name: str, storage: Path) -> None:
    """Fill the repository with the example project, unless it holds commits already."""
    branches = subprocess.run(
        ["git", "ls-remote", "--heads", bitbucket.plain_git_url(full_name)],
        env=bitbucket.git_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    if branches.stdout:
        return
    with TemporaryDirectory() as folder:
        working_copy = Path(folder, "example")
        example.create(working_copy, str(storage))
        subprocess.run(
            ["git", "push", "--quiet", bitbucket.plain_git_url(full_name), "main"],
            cwd=working_copy,
            env=bitbucket.git_environment(),
            timeout=60,
            check=True,
        )


def store_template(s3: Any, bucket: str) -> None:
    """Put the template of projects where `cloud-runner deploy` puts it in AWS."""
    text = (PROJECT / "container/project.yaml").read_bytes()
    s3.put_object(Bucket=bucket, Key="program/project.yaml", Body=text)


def store_program(folder: Path) -> Path:
    """Put the job's program where a machine of the compute stack would have fetched it to."""
    program = folder / "current/job.pyz"
    program.parent.mkdir(parents=True, exist_ok=True)
    build_program(program)
    return program


def upload_program(s3: Any, bucket: str, program: Path) -> None:
    """Put it where machines fetch it from."""
    s3.put_object(Bucket=bucket, Key="program/job.pyz", Body=program.read_bytes())
