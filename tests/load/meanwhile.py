"""A webhook a second, as long as the stack is busy with something else."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.load.accounts import Push
from tests.load.embedded import Loaded
from tests.load.pushing import BRANCH, Webhook, one_push
from tests.load.sender import Answer, Sender, Sent

_A_SECOND = 1.0


class Meanwhile:
    """Sends webhooks of `commits`, one after the other, and keeps what came of each."""

    def __init__(self, stack: Loaded, commits: Sequence[str]) -> None:
        self._stack = stack
        self._commits = commits
        self._answers: list[Answer] = []

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Send one a second until the block is left, and wait for the answers to them."""
        over = threading.Event()
        sender = Sender(self._stack.world.told["webhook_url"])
        with ThreadPoolExecutor(1, thread_name_prefix="webhooks") as pool:
            sent = pool.submit(sender.send, self._until(over), _A_SECOND)
            try:
                yield
            finally:
                over.set()
        self._answers += sent.result().answers

    def sent(self) -> Sent:
        """All that were sent, and their answers."""
        return Sent(tuple(self._answers), 0)

    def pushes(self) -> list[Push]:
        """What they told of, and whether the webhook took it."""
        return [
            Push(self._stack.repository_uuid, BRANCH, commit, answer.status == 202)
            for commit, answer in zip(self._commits, self._answers, strict=False)
        ]

    def _until(self, over: threading.Event) -> Iterator[Webhook]:
        for commit in self._commits[len(self._answers) :]:
            if over.is_set():
                return
            yield one_push(self._stack, commit)
