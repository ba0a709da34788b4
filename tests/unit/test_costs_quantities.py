"""The quantities that docs/cost.md multiplies with prices are those of the real services."""

import importlib
import io
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest

from cli.costs.quantities import LOOK_AROUND, PUSH, RUN, SECRETS_KEPT_SECONDS, Invocations, Work
from local.aws import clean_environment
from services.webhook.signature import sign
from shared import secrets
from shared.entry import Handler
from tests.benchmarks import chain
from tests.benchmarks.account import Account
from tests.benchmarks.chain import EVERYTHING, Call, Recording, Step
from tests.benchmarks.cpu import SECRETS
from tests.benchmarks.network import Answer, Request, answered
from tests.benchmarks.services import HOOK_SECRET, SERVICES, SETTINGS, kept_for_good
from tests.unit.conftest import fresh_logging

Json = dict[str, Any]
NO_INSTANCES = b"<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>"
WHAT_TO_DO = "if that is right, write it into cli/costs/quantities.py, then run: make cost"


class Metered(Account):
    """The account, and what DynamoDB takes for reads, writes and index (its developer guide)."""

    def __init__(self) -> None:
        super().__init__(SECRETS)
        self.reads = self.writes = Decimal(0)
        self.record_bytes = 0

    def answer(self, request: Request) -> Answer:
        asked: Json = {} if request.bitbucket else json.loads(request.body)
        if request.operation == "Query":
            self.reads += Decimal("0.5")  # eventually consistent, and nothing found
            return Answer(b'{"Items": [], "Count": 0, "ScannedCount": 0}')
        given = super().answer(request)
        if request.operation == "GetItem":
            units = _units(self._size(asked["Key"]), 4096)
            self.reads += units if asked.get("ConsistentRead") else Decimal(units) / 2
        elif request.operation in ("PutItem", "UpdateItem"):
            before = _units(self.record_bytes, 1024)
            self.record_bytes = self._size(asked.get("Item") or asked["Key"])
            # Into the table, and into the index, from whose old place a change takes it away.
            self.writes += 2 * _units(self.record_bytes, 1024) + before
        return given

    def _size(self, key: Json) -> int:
        item: Json = self._records[key["run_id"]["S"]]
        return sum(len(name) + _bytes(value) for name, value in item.items())


class Log(io.StringIO):
    """Standard output of the functions: how many bytes each has written."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes_of: Counter[str] = Counter()

    def metered(self, service: str, handler: Handler) -> Handler:
        def handle(event: Json, context: Any) -> Any:
            before = self.tell()
            response = handler(event, context)
            self.bytes_of[service] += self.tell() - before
            return response

        return handle


class Services:
    """The services' handlers, fresh: nothing is kept from an earlier push."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._handlers = {
            name: log.metered(name, importlib.import_module(f"services.{name}.app").build())
            for name in (*SERVICES, "reconciler")
        }

    def push(self, said: Iterable[str] = ()) -> Work:
        account = Metered()
        steps = Recording(self._handlers, account).push("1" * 40, said)
        return self._work(steps, account, http_requests=1)

    def look_around(self) -> Work:
        account, calls = Metered(), list[Call]()

        def answer(request: Request) -> Answer:
            if request.operation == "DescribeInstances":
                calls.append(Call("ec2", request.operation, {}))
                return Answer(NO_INSTANCES)
            calls.append(Call("dynamodb", request.operation, request.json()))
            return account.answer(request)

        with answered(answer):
            self._handlers["reconciler"]({"id": "tick"}, None)
        return self._work([Step("reconciler", "tick", {}, tuple(calls), {})], account)

    def _work(self, steps: list[Step], account: Metered, http_requests: int = 0) -> Work:
        calls = [call for step in steps for call in step.calls]
        names = Counter(call.operation for call in calls)
        events = [
            entry
            for call in calls
            if call.operation == "PutEvents"
            for entry in call.parameters["Entries"]
        ]
        return Work(
            invocations=tuple(self._invocations(steps)),
            http_requests=http_requests,
            messages=sum("Records" in step.event for step in steps),
            bus_events=len(events),
            bus_bytes=_to_next(100, sum(len(json.dumps(entry)) for entry in events)),
            table_reads=account.reads,
            table_writes=account.writes,
            table_invocations=sum(
                any(call.service == "dynamodb" for call in step.calls) for step in steps
            ),
            record_bytes=_to_next(100, account.record_bytes),
            secret_requests=names["GetSecretValue"],
        )

    def _invocations(self, steps: list[Step]) -> Iterator[Invocations]:
        for service in ("webhook", "parser", "submitter", "monitor", "notifier", "reconciler"):
            ours = [step for step in steps if step.service == service]
            calls = [call.service for step in ours for call in step.calls]
            if ours:
                yield Invocations(
                    service=service,
                    times=len(ours),
                    aws_calls=sum(called != "bitbucket" for called in calls),
                    bitbucket_calls=calls.count("bitbucket"),
                    log_bytes=_to_next(50, self._log.bytes_of[service]),
                )


def _units(size: int, of: int) -> int:
    return -(-size // of)


def _to_next(step: int, number: int) -> int:
    return _units(number, step) * step


def _bytes(attribute: Json) -> int:
    """What a value takes: DynamoDB's developer guide, item sizes and formats."""
    ((kind, value),) = attribute.items()
    if kind == "S":
        return len(value.encode())
    if kind == "N":
        return len(value) // 2 + 1
    if kind == "M":
        return 3 + sum(1 + len(name) + _bytes(one) for name, one in value.items())
    if kind == "L":
        return 3 + sum(1 + _bytes(one) for one in value)
    return 1


def _without_keywords(commit: str) -> Json:
    """The sample of a delivery, whose commit asks for nothing."""
    event = _delivery(commit)
    event["body"] = event["body"].replace(":ACME_", "ACME ")
    event["headers"]["x-hub-signature"] = sign(event["body"].encode(), HOOK_SECRET)
    return event


_delivery = chain._delivery


@pytest.fixture
def services() -> Iterator[Services]:
    settings = clean_environment() | SETTINGS | {"UNMOVED_SECONDS": "300"}
    with (
        kept_for_good(),
        patch.dict(os.environ, settings, clear=True),
        redirect_stdout(Log()) as log,
    ):
        fresh_logging()
        yield Services(log)


def test_a_push_without_a_keyword_causes_what_its_cost_is_computed_from(
    services: Services,
) -> None:
    with patch.object(chain, "_delivery", _without_keywords):
        caused = services.push()

    assert caused == PUSH, WHAT_TO_DO


def test_a_run_causes_what_its_cost_is_computed_from(services: Services) -> None:
    assert services.push(EVERYTHING) == RUN, WHAT_TO_DO


def test_a_look_around_causes_what_its_cost_is_computed_from(services: Services) -> None:
    assert services.look_around() == LOOK_AROUND, WHAT_TO_DO


def test_secrets_are_kept_as_long_as_their_cost_is_computed_from() -> None:
    assert Decimal(secrets._KEPT_SECONDS) == SECRETS_KEPT_SECONDS
