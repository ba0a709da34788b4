"""What the tests of several models use."""

import pytest

from tests.simulation.chosen import Chosen


@pytest.fixture
def chosen() -> Chosen:
    """No fault strikes until a test says which."""
    return Chosen()
