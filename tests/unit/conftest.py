"""No unit test opens a socket; none depends on how busy the machine is."""

import pytest
from hypothesis import settings

settings.register_profile("unit", deadline=None)
settings.load_profile("unit")


@pytest.fixture(autouse=True)
def sockets_are_blocked(socket_disabled: None) -> None:
    """Block sockets: pytest-socket's own fixture, for every test here."""
