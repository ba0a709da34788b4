"""The log's lines on their way to CloudWatch Logs."""

import threading
from typing import Any

import pytest

from container.agent import stream
from container.agent.bounded import TookTooLong, bounded
from container.agent.stream import Stream

# For what comes at once, unless the machine is busy.
_PATIENCE_SECONDS = 60


class Logs:
    """CloudWatch Logs that fails for the first `failures` calls, and holds what it takes."""

    class exceptions:  # noqa: N801 - as boto3 has it
        ResourceAlreadyExistsException = KeyError

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.calls: list[list[str]] = []
        self.times: list[int] = []

    def create_log_stream(self, **_: Any) -> None:
        raise KeyError("it is there")

    def put_log_events(self, logEvents: list[dict[str, Any]], **_: Any) -> None:  # noqa: N803
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the network is away")
        assert 0 < len(logEvents) <= 10_000
        assert sum(len(one["message"].encode()) + 26 for one in logEvents) <= 1_048_576
        self.calls.append([one["message"] for one in logEvents])
        self.times += [one["timestamp"] for one in logEvents]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_SECONDS", 0.01)


def sent(logs: Logs) -> list[str]:
    return [line for call in logs.calls for line in call]


def test_lines_arrive_whole_and_in_order_however_they_come() -> None:
    logs = Logs(failures=2)
    log = Stream(lambda: logs, "group", "stream")
    for part in (b"on", b"e\ntwo\n\n 10%\r 50%\r", b"100%\nla", b"st"):
        log.write(part)
    log.close(_PATIENCE_SECONDS)

    assert sent(logs) == ["one", "two", " 10%", " 50%", "100%", "last"]
    assert logs.times == sorted(logs.times)


def test_more_lines_than_one_call_takes_are_several_calls() -> None:
    logs = Logs()
    log = Stream(lambda: logs, "group", "stream")
    log.write(b"\n".join([b"x" * 30_000] * 50 + [b"y"] * 12_000 + [b"z" * 200_000, b""]))
    log.close(_PATIENCE_SECONDS)

    assert len(logs.calls) >= 3
    assert len(sent(logs)) == 50 + 12_000 + 1
    assert len(sent(logs)[-1]) == 64 * 1024


def test_while_the_network_is_away_the_oldest_lines_make_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "_WAITING_BYTES", 30)
    away = threading.Event()
    logs = Logs()

    def connect() -> Logs:
        if not away.wait(0.01):
            raise ConnectionError
        return logs

    log = Stream(connect, "group", "stream")
    for number in range(100):
        log.write(b"line %d\n" % number)
    away.set()
    log.close(_PATIENCE_SECONDS)

    assert sent(logs)[-1] == "line 99"
    assert len(sent(logs)) < 20


def test_what_cannot_be_sent_is_not_waited_for() -> None:
    logs, back = Logs(), threading.Event()

    def connect() -> Logs:
        if not back.is_set():
            raise ConnectionError("the network is away")
        return logs

    log = Stream(connect, "group", "stream")
    log.write(b"line\n")

    with pytest.raises(TimeoutError):
        log.close(0.05)
    # Its thread goes on until then, and would tell its troubles into other tests.
    back.set()
    log.close(_PATIENCE_SECONDS)
    assert sent(logs) == ["line"]


def test_work_that_hangs_is_left_alone() -> None:
    with pytest.raises(TookTooLong):
        bounded(threading.Event().wait, 0.05)
    with pytest.raises(ZeroDivisionError):
        bounded(lambda: 1 / 0, 5)
    assert bounded(lambda: 3, 5) == 3
