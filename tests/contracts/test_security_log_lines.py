"""docs/security.md: log lines of the services hold no payload, token or name of a person.

What can be shown of it without running them: the fields of the lines are known, and what an error
says that nobody has caught quotes nothing of the message.
"""

import ast
import importlib
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from shared import events
from shared.consumer import Consumer
from shared.events import Envelope
from shared.settings import Settings
from shared.telemetry import configure
from tests.contracts.sources import modules
from tests.unit.conftest import fresh_logging

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
# Ids, numbers, states and times, which we, AWS or git have made up, and names of repositories.
PLAIN = {
    *("attempt", "branches", "commit", "delivery", "how", "instance_id", "job_id", "job_name"),
    *(
        "key",
        "kind",
        "known_as",
        "left_out",
        "look",
        "messages",
        "repository",
        "results",
        "run_id",
        "seconds",
        "state",
    ),
    *("status", "version", "waiting"),
}
# The other fields, as the expressions that fill them, and why each may stand in a line.
TEXTS = {
    "doing": {
        "str(error)": "an error of ours: what was being done, and the number of the answer",
    },
    "reason": {
        "type(error).__name__": "the name of a class",
        "child.status_reason": "a sentence of AWS Batch's about its machines",
        "str(reason)": "the table of best results that is not there, or what its keys are",
    },
    "queue": {
        "name": "the name of a queue of the stack's",
    },
    "where": {
        "unreadable(error)": "names of fields of a webhook, and what kind of value each is not",
    },
    "why": {
        "_why(error)": "names of fields of a record, and what kind of value each is not",
    },
    "sender": {
        "message.sender": "who sent what is refused, as SQS says it: docs/security.md names it",
    },
}
WRITTEN = "Jane Doe <jane@example.com> hunter2"


def _lines() -> Iterator[ast.Call]:
    for module in modules("services", "shared"):
        for node in ast.walk(module.tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr in LEVELS and ast.unparse(node.func.value) == "log":
                yield node


def test_a_log_line_begins_with_a_constant_text() -> None:
    found = [(ast.unparse(line), line.args) for line in _lines()]

    assert found
    for text, words in found:
        assert [type(word) for word in words] == [ast.Constant], text


def test_the_fields_of_log_lines_are_those_of_which_it_is_known_that_they_may_be_there() -> None:
    found: dict[str | None, set[str]] = defaultdict(set)
    for line in _lines():
        for field in line.keywords:
            if field.arg not in PLAIN and not isinstance(field.value, ast.Constant):
                found[field.arg].add(ast.unparse(field.value))

    assert found == {field: set(texts) for field, texts in TEXTS.items()}


def test_nothing_but_log_lines_is_said_by_a_service() -> None:
    """`print` and `logging` would say something that no list here knows."""
    said = [
        (module.name, node.lineno)
        for module in modules("services", "shared")
        if module.name != "shared.telemetry"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("print", "logging."))
    ]

    assert said == []


def _models() -> Iterator[type[BaseModel]]:
    for module in modules("services", "shared"):
        importlib.import_module(module.name)
    waiting = list(BaseModel.__subclasses__())
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        if model.__module__.partition(".")[0] in ("services", "shared"):
            yield model


def test_no_model_quotes_what_it_could_not_read() -> None:
    """What a line tells of an error is its text, and pydantic's would hold the value."""
    models = list(_models())

    assert len(models) > 20
    quoting = {one for one in models if not one.model_config.get("hide_input_in_errors")}
    # What a stack is set to: names of secrets, and no secrets.
    assert all(issubclass(one, Settings) for one in quoting)


class Nowhere:
    """Takes events and delays of messages, and does nothing with them."""

    def publish(self, _events: object) -> None:
        """Each is read as it is handled."""

    def delay(self, _receipt_handle: str, _seconds: int) -> None:
        """It comes back at once."""


def _consumed(detail: Any) -> str:
    """The log of a message that cannot be read, whatever kind of ours it says that it is."""
    log = io.StringIO()
    configure("monitor", Settings(aws_region="eu-west-1"), log)
    kinds = [one for one in vars(events).values() if _is_event(one)]
    for kind in kinds:
        body = json.dumps({"detail-type": kind.detail_type(), "source": "x", "detail": detail})
        consumer = Consumer(_reading(kind), Nowhere(), Nowhere())
        for text in (body, body[:-1], WRITTEN):
            message = {"messageId": "m", "receiptHandle": "r", "body": text}
            assert consumer({"Records": [message]})["batchItemFailures"]
    return log.getvalue()


def _reading(kind: type[events.Event]) -> Callable[[Envelope], list[events.Event]]:
    return lambda told: [kind.model_validate(told.detail)]


def _is_event(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, events.Event) and one is not events.Event


@pytest.mark.parametrize(
    "detail",
    [
        {"author": WRITTEN, "message": WRITTEN, "by": WRITTEN, "attempt": WRITTEN},
        {name: {"x": WRITTEN} for name in ("repository", "run_id", "commit", "branch", "runId")},
        [WRITTEN],
        WRITTEN,
    ],
)
def test_the_line_of_a_message_that_cannot_be_read_quotes_nothing_of_it(detail: Any) -> None:
    fresh_logging()
    try:
        log = _consumed(detail)
    finally:
        fresh_logging()

    assert log.count("message failed") > 10
    for word in ("Jane", "jane@example.com", "hunter2"):
        assert word not in log
