"""No unit test opens a socket, or inherits another's log."""

from collections.abc import Iterator

import pytest
import structlog

from shared.telemetry import log


@pytest.fixture(autouse=True)
def sockets_are_blocked(socket_disabled: None) -> None:
    """Block sockets: pytest-socket's own fixture, for every test here."""


@pytest.fixture(autouse=True, scope="module")
def fresh_logging_in_each_module() -> Iterator[None]:
    """Logging as it is in a new process, before and after."""
    fresh_logging()
    yield
    fresh_logging()


def fresh_logging() -> None:
    """Forget how log lines were set up, and by which record."""
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    vars(log).pop("bind", None)  # the proxy keeps its first logger
