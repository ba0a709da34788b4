"""The log's lines to CloudWatch Logs, from a thread that nobody waits for.

PutLogEvents (API reference): at most 10,000 events and 1,048,576 bytes a call, 26 bytes more for
each event, in the order of their times; none of them empty. An event is cut at 64 KiB here.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from container.agent.place import say

_MAX_EVENTS = 10_000
_MAX_BYTES = 1_000_000
_EVENT_BYTES = 26
_LINE_BYTES = 64 * 1024
# What waits while the network is away; the oldest goes first.
_WAITING_BYTES = 16 * 1024 * 1024
# Nor may a call's events be of more than a day.
_SPAN_MS = 23 * 3600 * 1000
_SECONDS = 2.0
_MAX_PAUSE_SECONDS = 30.0
# A progress bar returns to the line's beginning.
_ENDS = re.compile(rb"[\r\n]+")


class Stream:
    """A log stream that is made with its first lines; `connect` gives a client, and may fail."""

    def __init__(self, connect: Callable[[], Any], group: str, stream: str) -> None:
        self._connect = connect
        self._where = {"logGroupName": group, "logStreamName": stream}
        self._client: Any = None
        self._lock = threading.Lock()
        # When, what, and how many bytes that is.
        self._waiting: deque[tuple[int, str, int]] = deque()
        self._bytes = 0
        self._dropped = 0
        self._rest = b""
        self._last = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Add to the log; it is sent by and by."""
        *lines, self._rest = _ENDS.split(self._rest + data)
        if len(self._rest) > _LINE_BYTES:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._add(line)

    def close(self, seconds: float) -> None:
        """Send the rest, for so long.

        Raises:
            TimeoutError: not all of it could be sent.
        """
        self._add(self._rest)
        self._closing.set()
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError("CloudWatch Logs did not take the end of the log")

    def _add(self, line: bytes) -> None:
        text = line[:_LINE_BYTES].decode(errors="replace")
        if not text.strip():
            return
        with self._lock:
            # The clock may have been set back meanwhile.
            self._last = max(self._last, int(time.time() * 1000))
            self._waiting.append((self._last, text, len(text.encode())))
            self._bytes += self._waiting[-1][2]
            while self._bytes > _WAITING_BYTES:
                self._bytes -= self._waiting.popleft()[2]
                self._dropped += 1

    def _run(self) -> None:
        pause = _SECONDS
        while True:
            closing = self._closing.wait(_SECONDS)
            batch = self._take()
            if not batch and closing:
                return
            try:
                self._send(batch)
                pause = _SECONDS
            except ImportError as missing:
                say(f"CloudWatch Logs: {missing}")
                return
            except Exception as error:  # noqa: BLE001 - the network may come back
                say(f"CloudWatch Logs: {error}")
                with self._lock:
                    self._waiting.extendleft(reversed(batch))
                    self._bytes += sum(size for _, _, size in batch)
                self._closing.wait(pause)
                time.sleep(_SECONDS / 2)
                pause = min(2 * pause, _MAX_PAUSE_SECONDS)

    def _take(self) -> list[tuple[int, str, int]]:
        batch: list[tuple[int, str, int]] = []
        total = 0
        with self._lock:
            if self._dropped and self._waiting:
                text = f"cloud-runner: {self._dropped} lines are left out here"
                self._waiting.appendleft((self._waiting[0][0], text, 0))
                self._dropped = 0
            while self._waiting and len(batch) < _MAX_EVENTS:
                at, _, size = self._waiting[0]
                total += size + _EVENT_BYTES
                if total > _MAX_BYTES or (batch and at - batch[0][0] > _SPAN_MS):
                    break
                self._bytes -= size
                batch.append(self._waiting.popleft())
        return batch

    def _send(self, batch: list[tuple[int, str, int]]) -> None:
        if not batch:
            return
        if self._client is None:
            client = self._connect()
            try:
                client.create_log_stream(**self._where)
            except client.exceptions.ResourceAlreadyExistsException:
                say("the log goes on in a stream that is there already")
            self._client = client
        events = [{"timestamp": at, "message": text} for at, text, _ in batch]
        self._client.put_log_events(**self._where, logEvents=events)
