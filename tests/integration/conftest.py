"""What several modules of tests begin with: the services in one process, stacks, machines."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.settings import Settings
from shared.telemetry import configure
from tests.integration.agent_machine import (
    Account,
    Machine,
    Notified,
    account_in,
    machine_in,
    notifications,
)
from tests.integration.remote_engine_world import World, Worlds, engine_world
from tests.integration.runs_account import RunsAccount, empty, runs_account
from tests.integration.service_chain import (
    Chain,
    best_results_table,
    data_bucket,
    dynamodb_client,
    moto_client,
    runs_table,
)
from tests.samples import REGION

# By these somebody's shell, or CI, tells programs how wide, how colourful and how clever it is.
_OF_TERMINALS = (
    *("COLUMNS", "LINES", "TERM"),
    *("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"),
)


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shown is the same wherever the tests run."""
    for name in _OF_TERMINALS:
        monkeypatch.delenv(name, raising=False)


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


@pytest.fixture(scope="module")
def anybodys() -> Iterator[RunsAccount]:
    """A stack's account, for `stack` and the like to empty before each test."""
    with runs_account() as stack:
        yield stack


@pytest.fixture
def stack(anybodys: RunsAccount) -> Iterator[RunsAccount]:
    """The account of a stack without runs."""
    with empty(anybodys) as stack:
        yield stack


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """The account that a machine's agent talks to."""
    with account_in(tmp_path_factory.mktemp("account")) as account:
        yield account


@pytest.fixture
def notified() -> Iterator[Notified]:
    """What an address for notifications is told."""
    with notifications() as notified:
        yield notified


@pytest.fixture
def machine(tmp_path: Path, account: Account, notified: Notified) -> Iterator[Machine]:
    """A machine of one's own that is armed."""
    with machine_in(tmp_path, account, notified) as machine:
        account.reports()
        machine.ask("arm", machine.terms())
        yield machine


@pytest.fixture(scope="module")
def worlds() -> Iterator[Worlds]:
    """An account with EC2, for `world` to empty before each test."""
    with engine_world() as found:
        yield found


@pytest.fixture
def world(worlds: Worlds, tmp_path: Path) -> Iterator[World]:
    """An account in which `remote` makes machines whose agents are a model."""
    with worlds(tmp_path) as found:
        yield found
