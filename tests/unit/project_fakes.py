"""Small true models of a repository's webhooks and of Secrets Manager, which can crash anywhere."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from cli.project.bitbucket import DESCRIPTION, Refused, Repository
from cli.project.hooks import RepositoryHooks
from cli.project.register import Register
from cli.project.versions import VersionedSecret
from cli.project.webhooks import Hook
from tests.fakes import Crash, refusal

URL = "https://stack.example.com/bitbucket-webhook"
FULL_NAME = "acme/churn"
REPOSITORY = Repository(FULL_NAME, "{6d1f4c1e-52a7-4b58-9a0e-2f3f8f2a7c11}")
SECRET = "acme/testing/bitbucket-webhook-uuids"


class Fuse:
    """Lets so many calls through and then crashes; before or after the call's work is done."""

    def __init__(self, calls: int | None = None, *, after: bool = True) -> None:
        self._left = calls
        self._after = after

    def __call__(self, work: Callable[[], Any]) -> Any:
        """The work's answer, unless this is where it ends."""
        if self._left is None:
            return work()
        self._left -= 1
        if self._left < 0:
            if self._after:
                work()
            raise Crash
        return work()


@dataclass
class Webhooks:
    """A repository's webhooks at Bitbucket, with the secrets that it tells nobody."""

    hooks_by_uuid: dict[str, Hook] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    fuse: Fuse = field(default_factory=Fuse)
    numbers: Any = field(default_factory=lambda: itertools.count(1000))

    def hooks(self, _full_name: str) -> list[Hook]:
        """All of them."""
        return list(self.fuse(lambda: list(self.hooks_by_uuid.values())))

    def create_hook(self, _full_name: str, url: str, secret: str) -> Hook:
        """A new one that does not send."""

        def work() -> Hook:
            number = next(self.numbers)
            hook = a_hook(f"new-{number}", url=url, active=False, created=str(number))
            self.hooks_by_uuid[hook.uuid] = hook
            self.secrets[hook.uuid] = secret
            return hook

        made: Hook = self.fuse(work)
        return made

    def change_hook(
        self, _full_name: str, hook: Hook, *, active: bool, secret: str | None = None
    ) -> None:
        """Change one; 404 if it is gone."""

        def work() -> None:
            if hook.uuid not in self.hooks_by_uuid:
                raise Refused("changing the webhook", 404, "", ())
            if secret is not None:
                self.secrets[hook.uuid] = secret
            self.hooks_by_uuid[hook.uuid] = replace(
                self.hooks_by_uuid[hook.uuid],
                active=active,
                events=hook.events | {"repo:push"},
                has_secret=hook.uuid in self.secrets,
            )

        self.fuse(work)

    def delete_hook(self, _full_name: str, uuid: str) -> None:
        """Delete one, if it is there."""

        def work() -> None:
            self.hooks_by_uuid.pop(uuid, None)
            self.secrets.pop(uuid, None)

        self.fuse(work)


@dataclass
class SecretsManager:
    """One secret with its versions and their labels, by AWS's rules."""

    versions: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    fuse: Fuse = field(default_factory=Fuse)
    before_move: list[Callable[[], object]] = field(default_factory=list)

    def get_secret_value(self, **sent: str) -> dict[str, str]:
        """The version with a label."""

        def work() -> dict[str, str]:
            current = self.labels.get(sent["VersionStage"])
            if current is None:
                raise refusal("ResourceNotFoundException", 400, "GetSecretValue")
            return {"VersionId": current, "SecretString": self.versions[current]}

        told: dict[str, str] = self.fuse(work)
        return told

    def put_secret_value(self, **sent: Any) -> dict[str, Any]:
        """A new version; a first one is the current one."""

        def work() -> dict[str, Any]:
            version = sent["ClientRequestToken"]
            labels = list(sent["VersionStages"])
            if not self.versions:
                labels.append("AWSCURRENT")
            self.versions[version] = sent["SecretString"]
            self.labels |= dict.fromkeys(labels, version)
            return {"VersionId": version, "VersionStages": labels}

        told: dict[str, Any] = self.fuse(work)
        return told

    def update_secret_version_stage(self, **sent: Any) -> None:
        """Move or remove a label, if it is where it is said to be."""
        label = sent["VersionStage"]
        if label == "AWSCURRENT" and self.before_move:
            self.before_move.pop(0)()

        def work() -> None:
            at, said = self.labels.get(label), sent.get("RemoveFromVersionId")
            target = sent.get("MoveToVersionId")
            if at not in (said, target):
                raise refusal("InvalidParameterException", 400, "UpdateSecretVersionStage")
            if target is None:
                del self.labels[label]
            else:
                self.labels[label] = target

        self.fuse(work)

    def describe_secret(self, SecretId: str) -> dict[str, Any]:  # noqa: N803 - botocore's name
        """Its labels."""

        def work() -> dict[str, Any]:
            stages: dict[str, list[str]] = {}
            for label, version in self.labels.items():
                stages.setdefault(version, []).append(label)
            return {"VersionIdsToStages": stages}

        told: dict[str, Any] = self.fuse(work)
        return told

    @property
    def text(self) -> str:
        """The current value."""
        return self.versions[self.labels["AWSCURRENT"]]

    def set(self, text: str) -> None:
        """Somebody sets the value, by the ordinary way."""
        version = f"version-{len(self.versions)}"
        self.versions[version] = text
        self.labels["AWSCURRENT"] = version


def repository_hooks(bitbucket: Webhooks, secretsmanager: SecretsManager) -> RepositoryHooks:
    """The code under test, on these models."""
    secret = VersionedSecret(secretsmanager, SECRET, sleep=lambda _seconds: None)
    asked: Any = bitbucket
    return RepositoryHooks(asked, Register(secret, FULL_NAME), REPOSITORY, URL)


def a_hook(
    uuid: str,
    *,
    url: str = URL,
    active: bool = True,
    events: frozenset[str] = frozenset({"repo:push"}),
    has_secret: bool = True,
    created: str = "1",
) -> Hook:
    """A webhook."""
    return Hook(uuid, url, active, events, has_secret, created, DESCRIPTION)
