"""What a log line carries, and what it does not carry into the next record."""

import io
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from shared import telemetry
from shared.settings import Settings
from shared.telemetry import bind_run, configure, log, record
from tests.unit.conftest import fresh_logging

SETTINGS = Settings(aws_region="eu-west-1")


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_as_in_a_new_process() -> Iterator[None]:
    """Each test here sets it up anew."""
    fresh_logging()
    yield
    fresh_logging()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_service_message_trace_and_run() -> None:
    stream = io.StringIO()
    configure("parser", SETTINGS, stream)

    with record("m1", "Root=1-2-3"):
        bind_run("r1")
        log.info("run read", state="requested")

    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "run read",
        "level": "info",
        "message_id": "m1",
        "run_id": "r1",
        "service": "parser",
        "state": "requested",
        "trace_id": "Root=1-2-3",
    }


def fail_in_a_record() -> None:
    with record("m1"):
        bind_run("r1")
        raise KeyError


def test_ids_do_not_leak_into_the_next_record() -> None:
    stream = io.StringIO()
    configure("parser", SETTINGS, stream)

    with record("m1", "t1"):
        bind_run("r1")
    with record("m2"):
        log.info("next")
    log.info("after")

    following, after = lines(stream)
    assert following["message_id"] == "m2"
    assert not {"run_id", "trace_id"} & following.keys()
    assert not {"run_id", "trace_id", "message_id"} & after.keys()


def test_ids_do_not_leak_out_of_a_record_that_failed() -> None:
    stream = io.StringIO()
    configure("parser", SETTINGS, stream)

    with pytest.raises(KeyError):
        fail_in_a_record()
    log.info("after")

    assert not {"run_id", "message_id"} & lines(stream)[0].keys()


def test_an_exception_stands_on_its_line() -> None:
    stream = io.StringIO()
    configure("parser", SETTINGS, stream)

    try:
        int("x")
    except ValueError:
        log.exception("message failed")

    (line,) = lines(stream)
    assert line["level"] == "error"
    assert "ValueError: invalid literal" in line["exception"]


def test_a_terminal_gets_readable_text() -> None:
    stream = Terminal()
    configure("parser", SETTINGS, stream)

    log.info("run read")

    assert "run read" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_lines_below_the_level_are_not_written() -> None:
    stream = io.StringIO()
    configure("parser", Settings(aws_region="eu-west-1", log_level="warning"), stream)

    log.info("not this")
    log.warning("but this")

    assert [line["event"] for line in lines(stream)] == ["but this"]


def test_without_a_daemon_the_sdk_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aws_xray_sdk", None)  # an import would fail

    configure("parser", SETTINGS, io.StringIO())

    with record("m1"):
        bind_run("r1")
    assert telemetry._recorder is None
