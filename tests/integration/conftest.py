"""The services in one process, for the tests that have no need of a network."""

import io
from collections.abc import Iterator
from typing import Any

import pytest

from shared.settings import Settings
from shared.telemetry import configure
from tests.integration.service_chain import (
    Chain,
    best_results_table,
    data_bucket,
    dynamodb_client,
    moto_client,
    runs_table,
)
from tests.samples import REGION


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    """A client of moto's DynamoDB; to load its model takes longer than a test."""
    with dynamodb_client() as client:
        yield client


@pytest.fixture(scope="module")
def s3(dynamodb: Any) -> Any:
    """A client of moto's S3, as long as that of its DynamoDB lasts."""
    return moto_client("s3")


@pytest.fixture
def chain(dynamodb: Any, s3: Any) -> Iterator[Chain]:
    """The chain of services; no message of a test may end dead."""
    configure("chain", Settings(aws_region=REGION), io.StringIO())
    with runs_table(dynamodb), best_results_table(dynamodb), data_bucket(s3):
        chain = Chain(dynamodb, s3)
        yield chain
    assert chain.dead == []
