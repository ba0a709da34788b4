"""How a service's real `build` is called here: its clients, its clocks and its settings replaced.

What differs from Lambda is all in this module.
"""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any, Protocol
from unittest import mock

import structlog
import urllib3

import shared.best
import shared.consumer
import shared.following
from services.submitter import submission
from services.submitter.definitions import JobDefinitions
from services.submitter.queues import JobQueues
from services.webhook import trying
from shared.best import BestResults
from shared.bitbucket import Bitbucket
from shared.entry import Handler
from shared.secrets import Secrets
from shared.telemetry import log
from tests.simulation import foreseen, names
from tests.simulation.world import MakesClients, World

SERVICES = ("webhook", "parser", "submitter", "monitor", "reconciler", "notifier", "sweeper")
_APPS = {service: import_module(f"services.{service}.app") for service in SERVICES}
# Batch knows a job for seven days (user guide, "Job states"). The models forget some much sooner:
# whoever waits for that waits for less here as well. That is longer than any job lives where an
# answer may leave one out that does; elsewhere it is over while faults still strike.
_BATCH_KEEPS, _BATCH_KEEPS_WHERE_ALL_IS_TOLD = timedelta(hours=6), timedelta(minutes=10)
_KEEP_TIME = (Secrets, Bitbucket, JobDefinitions, JobQueues, BestResults)


class MakesRequests(Protocol):
    """What `urllib3.PoolManager` is to the product."""

    def request(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        *,
        redirect: bool = True,
    ) -> Any:
        """The answer to an HTTP request."""

    def clear(self) -> None:
        """Let go of the connections that are idle."""


def build(
    service: str, clients: MakesClients, http: MakesRequests, settings: Mapping[str, str]
) -> Handler:
    """The service's handler, made by its own `build` with the template's settings, or others."""
    app = _APPS[service]
    replaced = {
        (app, "Clients"): lambda _region: clients,
        # Log lines of all services are written in one way here: `surroundings`.
        (app, "configure"): lambda *_args: None,
        (urllib3, "PoolManager"): lambda **_settings: http,
        (os, "environ"): {**names.environment(service), **settings},
    }
    # What `mock.patch` does, at a tenth of its cost: this is half of a cold start.
    before = {place: getattr(*place) for place in replaced}
    try:
        for place, other in replaced.items():
            setattr(*place, other)
        handler: Handler = app.build()
    finally:
        for place, one in before.items():
            setattr(*place, one)
    return handler


@contextmanager
def surroundings(world: World) -> Iterator[None]:
    """Virtual time, the seed's chance and `world.log_lines` for all that the product does.

    `datetime.now` and `time.time` are the scheduler's, through whatever it shows the time to.
    """
    replaced: Mapping[object, object] = {
        time.monotonic: lambda: world.scheduler.now,
        time.sleep: world.scheduler.pause,
    }
    jitter = world.choices.random("jitter")
    with ExitStack() as stack:
        for kept in _KEEP_TIME:
            stack.enter_context(_defaults(kept.__init__, replaced))
        for module in (shared.consumer, shared.best):
            stack.enter_context(mock.patch.object(module, "random", jitter))
        stack.enter_context(mock.patch.object(trying, "_CHANCE", jitter))
        paused = mock.patch.object(trying, "time", SimpleNamespace(sleep=world.scheduler.pause))
        stack.enter_context(paused)
        lots = world.choices.random("names of leases")
        named = SimpleNamespace(token_hex=lambda size: lots.randbytes(size).hex())
        stack.enter_context(mock.patch.object(submission, "secrets", named))
        left_out = "left-out" in world.choices.profile
        forgets_after = _BATCH_KEEPS if left_out else _BATCH_KEEPS_WHERE_ALL_IS_TOLD
        stack.enter_context(mock.patch.object(shared.following, "_KEPT", forgets_after))
        stack.enter_context(_log_lines(world))
        yield


@contextmanager
def _defaults(function: Any, replaced: Mapping[object, object]) -> Iterator[None]:
    """Other defaults of arguments: clocks were taken when the product was imported."""
    positional, named = function.__defaults__, function.__kwdefaults__
    function.__defaults__ = positional and tuple(replaced.get(one, one) for one in positional)
    function.__kwdefaults__ = named and {k: replaced.get(one, one) for k, one in named.items()}
    try:
        yield
    finally:
        function.__defaults__, function.__kwdefaults__ = positional, named


@contextmanager
def _log_lines(world: World) -> Iterator[None]:
    """Keep each log line instead of writing it, and count what was said."""

    def kept(_logger: object, method: str, line: structlog.typing.EventDict) -> str:
        error = sys.exception()
        if line["event"] == "message failed" and error is not None:
            foreseen.look_at(world, str(line.get("service", "a consumer")), error)
        world.log_lines.append(f"{method} {line}")
        world.count(f"said: {line['event']}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            kept,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("INFO"),
        cache_logger_on_first_use=False,
    )
    # The proxy keeps its first logger: one of another test's, perhaps.
    first = vars(log).pop("bind", None)
    try:
        yield
    finally:
        structlog.configure(**before)
        if first is not None:
            vars(log)["bind"] = first
