"""What a function says while it works: log lines, and X-Ray where it listens.

A log line is one JSON object in Lambda and readable text on a terminal. The message's id, its
trace and the run's id are bound once and stand on every line that follows. With the active tracing
of Lambda each record has a subsegment of its own that carries the run's id as an annotation
(Lambda's own segment takes none). Where no daemon listens the SDK is not even imported.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, TextIO

import structlog
from structlog.contextvars import bind_contextvars, merge_contextvars, unbind_contextvars

if TYPE_CHECKING:
    from shared.settings import Settings

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

_recorder: Any = None


def configure(service: str, settings: "Settings", stream: TextIO | None = None) -> None:
    """Set up log lines of `service` on `stream` (standard output), and tracing."""
    stream = stream or sys.stdout
    structlog.configure(
        processors=[
            merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _Named(service),
            *_rendering(stream),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_level(settings.log_level)),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    if settings.aws_xray_daemon_address:
        _trace(service)


@contextmanager
def record(message_id: str, trace: str | None = None) -> Iterator[None]:
    """Everything about one message: its lines carry its ids, and X-Ray sees it as one piece."""
    bind_contextvars(message_id=message_id, **({} if trace is None else {"trace_id": trace}))
    try:
        with nullcontext() if _recorder is None else _recorder.in_subsegment("record"):
            yield
    finally:
        unbind_contextvars("message_id", "trace_id", "run_id")


def bind_run(run_id: str) -> None:
    """From here on, lines of this record carry the run's id, and so does its subsegment."""
    bind_contextvars(run_id=run_id)
    if _recorder is not None:
        subsegment = _recorder.current_subsegment()
        if subsegment is not None:
            subsegment.put_annotation("run_id", run_id)


class _Named:
    """Puts the service's name on each line, so that lines of one run read across services."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(
        self, _logger: object, _method: str, line: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        line["service"] = self._service
        return line


def _rendering(stream: TextIO) -> list[structlog.typing.Processor]:
    if stream.isatty():
        return [structlog.dev.ConsoleRenderer()]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def _level(name: str) -> int:
    return logging.getLevelNamesMapping()[name.upper()]


def _trace(service: str) -> None:
    global _recorder  # noqa: PLW0603 - the SDK's recorder is one per process as well
    # Imported here: it costs a cold start some 100 ms, and is of no use without a daemon.
    from aws_xray_sdk.core import patch, xray_recorder  # noqa: PLC0415

    xray_recorder.configure(service=service, context_missing="IGNORE_ERROR")
    patch(("botocore",))
    _recorder = xray_recorder
