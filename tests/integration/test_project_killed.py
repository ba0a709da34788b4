"""`project add` and `project remove` are killed after each thing that they change, and run again.

Killed after a question is the same as killed after the change before it, so only calls that change
something count.
"""

import json
import multiprocessing
import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from cli.project import joining, leaving, looking
from cli.project.http import Answer, Sends
from cli.project.looking import Wishes
from local.aws import Endpoints
from shared.bitbucket import Credentials
from tests.integration.project_world import (
    World,
    nobody_asks,
    outside_of,
    place_of,
    world,
)

WISHES = Wishes(
    credentials=Credentials(kind="access_token", token="everything"),
    own_credentials=True,
    variables={"WANDB_API_KEY": "k3y"},
)
READS = ("Describe", "Get", "List")
# More than either command changes; a loop that ends here has never ended by itself.
MOST = 40


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as one:
        yield one


@dataclass(frozen=True)
class Command:
    """A command for a process of its own, which is killed after so many changes."""

    endpoints: Endpoints
    webhook_url: str
    full_name: str
    changes: int

    def add(self) -> None:
        """Let the repository join."""
        with closing(outside_of(self.endpoints)) as outside:
            place = place_of(self.full_name, self._killing(outside), self.webhook_url)
            joining.join(looking.look(place, WISHES, nobody_asks), lambda _text: None)

    def remove(self) -> None:
        """Let it leave, with its data."""
        with closing(outside_of(self.endpoints)) as outside:
            place = place_of(self.full_name, self._killing(outside), self.webhook_url)
            leaving.leave(leaving.look(place, None, with_data=True), lambda _text: None)

    def _killing(self, outside: Any) -> Any:
        left = [self.changes]

        def changed() -> None:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        def after_call(model: Any, **_: object) -> None:
            if not model.name.startswith(READS):
                changed()

        for client in (outside.cloudformation, outside.ecr, outside.s3, outside.secretsmanager):
            client.meta.events.register("after-call", after_call)
        return replace(outside, send=_Counting(outside.send, changed))


@dataclass(frozen=True)
class _Counting:
    send: Sends
    changed: Callable[[], None]

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        answer = self.send(method, url, headers, body)
        if method != "GET":
            self.changed()
        return answer


def killed(site: World, full_name: str, changes: int, work: str) -> bool:
    """Run a command that is killed after so many changes; whether it came so far."""
    command = Command(site.endpoints, site.webhook_url, full_name, changes)
    process = multiprocessing.get_context("forkserver").Process(target=getattr(command, work))
    process.start()
    process.join(300)
    assert process.exitcode in (0, -signal.SIGKILL), f"{full_name}: {process.exitcode}"
    return process.exitcode != 0


def likeness(site: World, full_name: str) -> str:
    """What is there of a repository, as it is for every other."""
    there = site.snapshot(full_name)
    there["hooks"] = [hook[:4] for hook in there["hooks"]]
    there["entries"] = len(there["entries"])
    slug = full_name.partition("/")[2]
    text = json.dumps(there, sort_keys=True, default=str).replace(slug, "SLUG")
    # Names that end in something random.
    text = re.sub(r"(secret:[a-zA-Z/-]+)-[0-9a-f]{6}", r"\1", text)
    return re.sub(r"role/acme-development/project/[A-Za-z0-9-]+", "ROLE", text)


def test_joining_killed_after_each_change_and_run_again_ends_the_same(
    site: World, tmp_path: Path
) -> None:
    site.add(site.repository("acme/clean"), WISHES)
    clean = likeness(site, "acme/clean")

    for changes in range(1, MOST):
        full_name = site.repository(f"acme/killed-{changes}")
        if not killed(site, full_name, changes, "add"):
            break
        site.add(full_name, WISHES)

        assert likeness(site, full_name) == clean, f"killed after {changes} changes"
        assert site.push_is_taken(full_name, tmp_path / str(changes))
        assert site.add(full_name, WISHES).todo == ()
    assert 10 < changes < MOST - 1


def test_joining_killed_again_and_again_gets_there(site: World, tmp_path: Path) -> None:
    full_name = site.repository("acme/again-and-again")
    tries = 0
    while killed(site, full_name, 1 + tries, "add"):
        tries += 1
        assert tries < MOST

    assert site.push_is_taken(full_name, tmp_path / "work")
    assert site.add(full_name, WISHES).todo == ()


def test_removal_killed_after_each_change_and_run_again_leaves_nothing(site: World) -> None:
    for changes in range(1, MOST):
        full_name = site.repository(f"acme/removed-{changes}")
        site.add(full_name, WISHES)
        was_killed = killed(site, full_name, changes, "remove")
        site.remove(full_name, with_data=True)
        there = site.snapshot(full_name)

        assert not any(there.values()), f"killed after {changes} changes: {there}"
        assert site.remove(full_name, with_data=True).todo == ()
        if not was_killed:
            break
    assert 5 < changes < MOST - 1
