"""The parts that a running stand-in consists of, and what a finished push sets off."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from werkzeug.wrappers import Response

from local.bitbucket import deliveries, hooks, protections, pushes
from local.bitbucket.answers import Refused
from local.bitbucket.database import Database
from local.bitbucket.downloads import Downloads
from local.bitbucket.faults import Faults
from local.bitbucket.git import GitFailed
from local.bitbucket.lfs import Objects
from local.bitbucket.repositories import Repositories
from local.bitbucket.scopes import Tokens
from local.bitbucket.sender import Sender
from local.bitbucket.shapes import Addresses

log = logging.getLogger(__name__)

LARGEST_BODY = 8 * 1024 * 1024  # bytes, of any request that carries no file
GIT_HOOKS = {"pre-receive": protections.PRE_RECEIVE, "post-receive": pushes.POST_RECEIVE}


@dataclass(frozen=True)
class Site:
    """One stand-in; its state lies in `state`, and nowhere else."""

    state: Path
    token: str = field(repr=False)
    addresses: Addresses
    database: Database
    repositories: Repositories
    downloads: Downloads
    objects: Objects
    sender: Sender
    faults: Faults
    tokens: Tokens

    @property
    def push_notes(self) -> Path:
        """Where git notes what a push changed, until the deliveries are stored."""
        return self.state / "pushes"

    @property
    def git_hooks(self) -> Path:
        """The hooks that git runs in every repository."""
        return self.state / "git-hooks"

    def start(self) -> None:
        """Lay out the state, finish what an earlier process began, and send what is pending."""
        self.push_notes.mkdir(exist_ok=True)
        self.git_hooks.mkdir(exist_ok=True)
        for name, text in GIT_HOOKS.items():
            script = self.git_hooks / name
            script.write_text(text)
            script.chmod(0o700)
        self.sender.start()
        for note in sorted(self.push_notes.iterdir()):
            if note.suffix == ".part":
                note.unlink()
                continue
            try:
                self.finish_push(note)
            except GitFailed:
                log.exception("a push of an earlier start cannot be told of")

    def stop(self) -> None:
        """Stop sending and close the store."""
        self.sender.stop()
        self.database.close()

    def finish_push(self, note: Path) -> None:
        """Store and send the deliveries of a push; git notes none if it moved no ref."""
        if not note.exists():
            return
        push = pushes.read_note(note.read_bytes())
        try:
            repository = self.repositories.find(*push.repository.split("/", 1))
        except Refused:
            log.warning("a push to %s, which is not known", push.repository)
            note.unlink()
            return
        git = self.repositories.git(repository)
        git.point_head_at_a_branch(push.branches)
        body = pushes.webhook_body(push, repository, git, self.addresses)
        if body is not None:
            told = [
                hook
                for hook in hooks.of_repository(self.database, repository.full_name)
                if hook.active and "repo:push" in hook.events
            ]
            heads = pushes.heads(push, git)
            stored = deliveries.announce(self.database, told, "repo:push", heads, body)
            for delivery in stored:
                self.sender.send(delivery)
        note.unlink()


Endpoint = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One route: `endpoint(site, request, **parts of the path)`; `is_open` needs no token.

    A body of more than `largest_body` bytes is refused with 413; None lets any pass.
    """

    method: str
    path: str
    endpoint: Endpoint
    is_open: bool = False
    largest_body: int | None = LARGEST_BODY
