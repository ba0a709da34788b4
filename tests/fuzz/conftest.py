"""Fuzzing opens no socket; `--hypothesis-profile=long` tries many more examples, see `bounds`."""

import pytest

from tests.fuzz.webhook_answers import REPOSITORY, REPOSITORY_UUID
from tests.fuzz.webhook_receiver import Receiver
from tests.unit.conftest import fresh_logging_in_each_module, sockets_are_blocked

# As in unit tests: pytest finds the fixtures by their names here.
__all__ = ["fresh_logging_in_each_module", "sockets_are_blocked"]


@pytest.fixture(scope="module")
def receiver() -> Receiver:
    """The webhook as it is deployed, with one repository."""
    return Receiver(REPOSITORY, uuid=REPOSITORY_UUID)
