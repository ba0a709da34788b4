"""Where a project joins: the root stack, and everything outside that is asked or changed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cli.account import Account, AccountError, Deployed
from cli.project.bitbucket import Bitbucket, Repository
from cli.project.credentials import parse
from cli.project.data import Objects
from cli.project.hooks import RepositoryHooks
from cli.project.http import Http, Sends
from cli.project.images import Images
from cli.project.names import Project, project
from cli.project.own_secrets import OwnSecrets
from cli.project.register import Register
from cli.project.stack import Stack
from cli.project.stack_states import State
from cli.project.template import StoredTemplate
from cli.project.versions import VersionedSecret
from shared.bitbucket import Credentials


@dataclass(frozen=True)
class Outside:
    """Every way out of this process; a test puts itself between."""

    cloudformation: Any
    ecr: Any
    s3: Any
    secretsmanager: Any
    send: Sends = field(default_factory=Http)
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def of(cls, account: Account) -> "Outside":
        """The clients of an account."""
        return cls(
            cloudformation=account.client("cloudformation"),
            ecr=account.client("ecr"),
            s3=account.client("s3"),
            secretsmanager=account.client("secretsmanager"),
        )

    def close(self) -> None:
        """Close the connections."""
        for client in (self.cloudformation, self.ecr, self.s3, self.secretsmanager):
            client.close()


@dataclass(frozen=True)
class Place:
    """A project, the root stack that it belongs to, and where pushes go."""

    project: Project
    root: Deployed
    outside: Outside
    webhook_url: str

    @classmethod
    def of(cls, account: Account, repository: str, webhook_url: str | None) -> "Place":
        """Where a repository joins an environment; pushes go to the stack unless told otherwise."""
        wanted = project(account.names, repository)
        root = account.deployed()
        return cls(wanted, root, Outside.of(account), webhook_url or root.output("WebhookUrl"))

    @property
    def secrets(self) -> OwnSecrets:
        """The project's own secrets."""
        return OwnSecrets(self.outside.secretsmanager)

    @property
    def images(self) -> Images:
        """The project's images."""
        return Images(self.outside.ecr, self.project.image_repository)

    @property
    def stack(self) -> Stack:
        """The project's stack."""
        role = self.root.output("ProjectStackRoleArn")
        return Stack(
            self.outside.cloudformation, self.project.stack, role, sleep=self.outside.sleep
        )

    @property
    def template(self) -> StoredTemplate:
        """The template of its stack."""
        return StoredTemplate(self.outside.s3, self.root.output("DataBucket"))

    def bitbucket(self, credentials: Credentials) -> Bitbucket:
        """Bitbucket, as whoever has these credentials."""
        urls = (self.root.output("BitbucketApiUrl"), self.root.output("BitbucketGitUrl"))
        return Bitbucket(self.outside.send, *urls, credentials)

    def stored_credentials(self) -> Credentials | None:
        """The repository's own credentials, else those of all repositories."""
        for name in (self.project.own_credentials, self.project.names.auth_secret):
            text = self.secrets.text(name)
            if text is not None:
                return parse(text, f"the secret {name}")
        return None

    @property
    def register(self) -> Register:
        """The repository's entries among the authorised webhooks."""
        secret = VersionedSecret(
            self.outside.secretsmanager,
            self.project.names.hooks_secret,
            sleep=self.outside.sleep,
        )
        return Register(secret, self.project.full_name)

    @property
    def objects(self) -> Objects:
        """The project's objects in the data bucket."""
        bucket = self.root.output("DataBucket")
        return Objects(self.outside.s3, bucket, self.project.data_prefix)

    def hooks(self, bitbucket: Bitbucket, repository: Repository) -> RepositoryHooks:
        """The webhooks to this stack of the project's repository, as Bitbucket told of it."""
        return RepositoryHooks(bitbucket, self.register, repository, self.webhook_url)

    def own(self, state: State | None) -> State | None:
        """The stack, once it is clear that it is not another repository's.

        Raises:
            AccountError: the name is taken, as by a repository of the same name in another
                workspace.

        """
        if state is None:
            return None
        ours = self.project
        workspace = state.tags.get("workspace", ours.workspace)
        slug = state.tags.get("repository", ours.slug)
        if (workspace, slug) != (ours.workspace, ours.slug):
            message = (
                f"the stack {ours.stack} is that of {workspace}/{slug}: an environment has one "
                "repository of each name. Rename one of them, or use another --environment"
            )
            raise AccountError(message)
        return state
