"""No unit test opens a socket."""

import pytest


@pytest.fixture(autouse=True)
def sockets_are_blocked(socket_disabled: None) -> None:
    """Block sockets: pytest-socket's own fixture, for every test here."""
