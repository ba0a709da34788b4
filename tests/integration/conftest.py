"""The services in one process, for the tests that have no need of a network."""

import io
from collections.abc import Iterator
from typing import Any

import pytest

from shared.settings import Settings
from shared.telemetry import configure
from tests.integration.service_chain import Chain, dynamodb_client, runs_table
from tests.samples import REGION


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    """A client of moto's DynamoDB; to load its model takes longer than a test."""
    with dynamodb_client() as client:
        yield client


@pytest.fixture
def chain(dynamodb: Any) -> Iterator[Chain]:
    """The chain of services; no message of a test may end dead."""
    configure("chain", Settings(aws_region=REGION), io.StringIO())
    with runs_table(dynamodb):
        chain = Chain(dynamodb)
        yield chain
    assert chain.dead == []
