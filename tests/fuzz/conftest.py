"""Fuzzing opens no socket; `--hypothesis-profile=long` tries many more examples, see `bounds`."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.unit.conftest import fresh_logging

# pytest's option names it; what it means here is in `bounds`.
settings.register_profile("long", deadline=None)


@pytest.fixture(autouse=True)
def sockets_are_blocked(socket_disabled: None) -> None:
    """Block sockets: pytest-socket's own fixture, for every test here."""


@pytest.fixture(autouse=True, scope="module")
def fresh_logging_in_each_module() -> Iterator[None]:
    """Logging as it is in a new process, before and after."""
    fresh_logging()
    yield
    fresh_logging()
