"""Faults on request: the answers that a Bitbucket in trouble gives, for a while."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from werkzeug.wrappers import Response

from local.bitbucket.answers import Json, Refused

# Without a prefix a fault hits the REST API, whose limits these are; git and OAuth go on.
DEFAULT_PREFIX = "/2.0/"
LONGEST_DELAY = 600.0
FIELDS = {
    "status", "count", "seconds", "retry_after", "path_prefix", "method", "delay_seconds", "after",
    "closed",
}  # fmt: skip  # one line for what one request may hold


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to which requests, how often (None: always) or how long (seconds; None).

    `closed`: the connection ends without an answer. `after`: the request's work is done all the
    same. A prefix of `/` is everything but the control routes: Bitbucket is away.
    """

    status: int | None
    count: int | None
    seconds: float | None
    retry_after: int | None
    path_prefix: str
    method: str | None
    delay_seconds: float
    after: bool
    closed: bool

    def meets(self, method: str, path: str) -> bool:
        """Whether a request is one of those."""
        return path.startswith(self.path_prefix) and self.method in {None, method}

    def answer(self) -> Response | None:
        """What a request is answered with; None where a fault is a delay or no answer at all."""
        if self.status is None:
            return None
        if self.status == 429:  # its text: platform documentation on API request limits
            answer = Response("Rate limit for this resource has been exceeded", 429)
        else:
            page = "<!DOCTYPE html><title>Bitbucket</title><h1>Something went wrong</h1>"
            answer = Response(page, self.status, content_type="text/html; charset=utf-8")
        if self.retry_after is not None:
            answer.headers["Retry-After"] = str(self.retry_after)
        return answer


def read_fault(sent: Mapping[str, object]) -> Fault:
    """The fault that a request to the control route describes; refused with 400 if it is none."""
    if unknown := sent.keys() - FIELDS:
        raise Refused(400, f"unknown: {', '.join(sorted(unknown))}; known: {sorted(FIELDS)}")
    fault = Fault(
        status=_whole(sent, "status", 300, 599),
        count=_whole(sent, "count", 1, 1_000_000),
        seconds=_number(sent, "seconds", 86_400),
        retry_after=_whole(sent, "retry_after", 0, 86_400),
        path_prefix=_text(sent, "path_prefix") or DEFAULT_PREFIX,
        method=_text(sent, "method"),
        delay_seconds=_number(sent, "delay_seconds", LONGEST_DELAY) or 0.0,
        after=sent.get("after") is True,
        closed=sent.get("closed") is True,
    )
    if fault.status is None and not fault.closed and not fault.delay_seconds:
        raise Refused(400, "a fault has a status, a delay_seconds, both, or is closed")
    if fault.status is not None and fault.closed:
        raise Refused(400, "a closed connection has no status")
    return fault


class Faults:
    """The faults in force. They end with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[_Running] = []
        self._ended: list[_Running] = []

    def add(self, fault: Fault) -> Json:
        """Begin with a fault."""
        with self._lock:
            number = len(self._faults) + len(self._ended) + 1
            running = _Running(number, fault, time.monotonic())
            self._faults.append(running)
            return running.as_json(in_force=True)

    def take(self, method: str, path: str) -> Fault | None:
        """The oldest fault in force that meets the request; it is counted."""
        with self._lock:
            self._end_those_over()
            for running in self._faults:
                if running.fault.meets(method, path):
                    running.injected += 1
                    self._end_those_over()
                    return running.fault
        return None

    def clear(self) -> None:
        """End every fault."""
        with self._lock:
            self._ended += self._faults
            self._faults = []

    def listing(self) -> list[Json]:
        """Every fault since the start, with the number of requests it met."""
        with self._lock:
            self._end_those_over()
            told = [running.as_json(in_force=True) for running in self._faults]
            told += [running.as_json(in_force=False) for running in self._ended]
        return told

    def _end_those_over(self) -> None:
        over = [running for running in self._faults if running.is_over()]
        self._ended += over
        self._faults = [running for running in self._faults if running not in over]


@dataclass(slots=True)
class _Running:
    number: int
    fault: Fault
    began: float
    injected: int = 0

    def is_over(self) -> bool:
        spent = self.fault.count is not None and self.injected >= self.fault.count
        elapsed = time.monotonic() - self.began
        return spent or (self.fault.seconds is not None and elapsed >= self.fault.seconds)

    def as_json(self, *, in_force: bool) -> Json:
        return {
            "id": self.number,
            "in_force": in_force,
            "injected": self.injected,
            **{name: getattr(self.fault, name) for name in sorted(FIELDS)},
        }


def _whole(sent: Mapping[str, object], name: str, least: int, most: int) -> int | None:
    value = sent.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Refused(400, f"{name} is a whole number from {least} to {most}")
    return value


def _number(sent: Mapping[str, object], name: str, most: float) -> float | None:
    value = sent.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= most:
        raise Refused(400, f"{name} is a number of seconds from 0 to {most:g}")
    return float(value)


def _text(sent: Mapping[str, object], name: str) -> str | None:
    value = sent.get(name)
    if value is not None and not isinstance(value, str):
        raise Refused(400, f"{name} is a text")
    return value
