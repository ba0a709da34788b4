"""The projects of a world: repositories with webhooks, secrets, job definitions, and commits."""

import json
from dataclasses import replace
from functools import partial
from zlib import crc32

from shared.events import Repository
from tests.samples import NAMES
from tests.simulation import names
from tests.simulation.ledger import Rename
from tests.simulation.pushes import MESSAGES, SWEEPS, Commit, Hook
from tests.simulation.world import World

REPOSITORIES = (
    Repository(uuid="{5a3c}", full_name="team/churn-model"),
    Repository(uuid="{5a3c-2}", full_name="team/forecast.v2"),
)
_KINDS = (*MESSAGES, "plain", "plain", "plain", "experiment", "sweep")
_SHA_LENGTH = 40


class Projects:
    """Two projects; the hooks of each by the uuid of its repository.

    The webhooks' secret has the name under which each was added.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._choices = world.choices
        self._secrets = 0
        self._commits = 0
        self.hooks = {
            one.uuid: Hook(f"79492efb-32b4-4f69-a469-{place:012x}", self._secret(), one)
            for place, one in enumerate(REPOSITORIES)
        }
        world.bitbucket.uuids = {one.uuid: one.full_name for one in REPOSITORIES}
        self._added_as = {one.uuid: one.full_name for one in REPOSITORIES}
        # Somebody else's, in the same account.
        world.batch.definitions.add("theirs")
        for one in REPOSITORIES:
            self._define(one)
        self._write()

    def hook(self, why: str) -> Hook:
        """One of the webhooks."""
        return self.hooks[self._choices.among(sorted(self.hooks), why)]

    def other(self, hook: Hook) -> Hook:
        """Another webhook than this."""
        return next(one for one in self.hooks.values() if one.uuid != hook.uuid)

    def rotate(self, before: Hook) -> Hook:
        """Give a webhook another secret; the webhook as it is now."""
        after = Hook(before.uuid, self._secret(), self.hooks[before.repository.uuid].repository)
        self.hooks[before.repository.uuid] = after
        self._write()
        self._world.count("webhook secrets rotated")
        return after

    def rename(self, uuid: str, added_at: float) -> None:
        """Give a repository another name, by which it is added at `added_at`, or never."""
        hook = self.hooks[uuid]
        before = hook.repository
        after = Repository(uuid=uuid, full_name=f"{before.full_name}-2")
        self.hooks[uuid] = replace(hook, repository=after)
        self._world.bitbucket.renamed[after.full_name] = before.full_name
        self._world.ledger.renames[uuid] = Rename(after.full_name, added_at)
        self._world.ledger.undefined[after.slug] = added_at
        self._world.count("repositories renamed")
        self._world.trace.say("somebody", f"renames {before.full_name} to {after.full_name}")

    def add(self, uuid: str) -> None:
        """Add a repository by the name that it has now."""
        repository = self.hooks[uuid].repository
        self._added_as[uuid] = repository.full_name
        self._world.batch.define(NAMES.job_definition(repository.slug))
        self._write()
        self._world.trace.say("somebody", f"adds {repository.full_name}")

    def commit(self) -> Commit:
        """A commit that nobody has seen before, with one of the messages that people write."""
        kind = self._choices.among(_KINDS, "message")
        swept = kind == "sweep" or self._choices.strikes("sweep", "a commit")
        message, wanted = self._choices.among(SWEEPS, "a sweep") if swept else MESSAGES[kind]
        return Commit(self.sha(), message, wanted)

    def sha(self) -> str:
        """The hash of another commit."""
        self._commits += 1
        # Whoever reads a schedule tells them apart by the front.
        front = crc32(f"{self._choices.seed} {self._commits}".encode())
        return f"{front:08x}{self._commits:04x}".ljust(_SHA_LENGTH, "c")

    def _define(self, repository: Repository) -> None:
        """Add the project's job definition, now or once somebody has missed it."""
        name = NAMES.job_definition(repository.slug)
        if self._choices.strikes("no-definition", repository.slug):
            pause = self._choices.between(0, 3000, "a project is added")
            self._world.ledger.undefined[repository.slug] = self._world.scheduler.now + pause
            add = partial(self._world.batch.definitions.add, name)
            self._world.scheduler.later(pause, add, "a project is added")
        else:
            self._world.batch.define(name)

    def _secret(self) -> str:
        self._secrets += 1
        secret = f"hook-s3cr3t-{self._secrets}-{self._choices.seed:x}"
        self._world.secrets.add(secret)
        return secret

    def _write(self) -> None:
        """Write down the authorised webhooks, as `cloud-runner project` does."""
        text = {
            f"{{{hook.uuid}}}": {
                "secret": hook.secret,
                "repository": self._added_as[uuid],
                "uuid": uuid,
            }
            for uuid, hook in self.hooks.items()
        }
        secret = names.environment("webhook")["AUTHORISED_HOOKS_SECRET"]
        self._world.secretsmanager.texts[secret] = json.dumps(text)
