"""Where a log is read while it grows: the log group, or the embedded stack's file of a job.

A log may be larger than memory: it is read by pages, each a few lines or a few thousand.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import ClientError

from cli.account import Account, Deployed
from cli.runs.lines import complete, last_lines_begin, lines_of, read_in_chunks
from shared.aws import calling

# GetLogEvents says that there is no more by the token that it was given (API reference). One that
# never does would be asked for ever.
_EMPTY_PAGES = 3
_MOST_EVENTS = 10_000  # of one GetLogEvents (API reference)


class Log(Protocol):
    """A log that may still grow, or not be there yet.

    Whoever stops in the middle, by a failure or otherwise, goes on behind the last page.
    """

    found: bool

    def read(self) -> Iterator[Sequence[str]]:
        """The lines since the last time, by pages; `found` says afterwards whether it is there."""

    def rest(self) -> Iterator[Sequence[str]]:
        """What is left of a log that will not grow any more, be it a part of a line."""


class GroupLog:
    """A stream of a CloudWatch log group; `tail`: only so many of its last lines, at first."""

    def __init__(self, logs: Any, group: str, stream: str, tail: int | None = None) -> None:
        self._logs = logs
        self._asked: dict[str, Any] = {"logGroupName": group, "logStreamName": stream}
        self._tail = tail
        self._token: str | None = None
        self.found = False

    def read(self) -> Iterator[Sequence[str]]:
        """The lines since the last time, by pages; none while there is no such stream.

        Raises:
            Unavailable: CloudWatch failed.

        """
        if self._tail is not None and self._token is None:
            yield from self._last(self._tail)
            if not self.found:
                return
        empty = 0
        while empty < _EMPTY_PAGES:
            token = self._token
            answer = self._get(token, startFromHead=True)
            if answer is None:
                return
            self._token = answer.get("nextForwardToken")
            if answer["events"]:
                yield _lines(answer)
            if self._token in (None, token):
                return
            empty = 0 if answer["events"] else empty + 1

    def rest(self) -> Iterator[Sequence[str]]:
        """The lines since the last time; CloudWatch has no parts of lines."""
        return self.read()

    def _last(self, count: int) -> Iterator[Sequence[str]]:
        """The last lines, read from the end; what comes later is read from there on."""
        pages: deque[Sequence[str]] = deque()
        forward: str | None = None
        token: str | None = None
        known = empty = 0
        while known < count and empty < _EMPTY_PAGES:
            answer = self._get(token, startFromHead=False, limit=min(count, _MOST_EVENTS))
            if answer is None:
                return
            forward = forward or answer.get("nextForwardToken")
            pages.appendleft(_lines(answer))
            known += len(pages[0])
            empty = 0 if answer["events"] else empty + 1
            before, token = token, answer.get("nextBackwardToken")
            if token in (None, before):
                break
        self._token = forward
        lines = [line for page in pages for line in page][-count:]
        if lines:
            yield lines

    def _get(self, token: str | None, **how: Any) -> dict[str, Any] | None:
        where = self._asked if token is None else {**self._asked, "nextToken": token}
        try:
            with calling("reading the log"):
                answer: dict[str, Any] = self._logs.get_log_events(**where, **how)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        self.found = True
        return answer


class FileLog:
    """The file of the embedded stack that a try's program writes to; `tail` as in `GroupLog`."""

    def __init__(self, path: Path, tail: int | None = None) -> None:
        self._path = path
        self._tail = tail
        self._at: int | None = None
        self.found = False

    def read(self) -> Iterator[Sequence[str]]:
        """The complete lines since the last time; none while there is no such file."""
        return self._new(whole=False)

    def rest(self) -> Iterator[Sequence[str]]:
        """All since the last time."""
        return self._new(whole=True)

    def _new(self, *, whole: bool) -> Iterator[Sequence[str]]:
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return
        with file:
            self.found = True
            if self._at is None:
                self._at = 0 if self._tail is None else last_lines_begin(file, self._tail)
            file.seek(self._at)
            for data in complete(read_in_chunks(file), whole=whole):
                self._at += len(data)
                yield lines_of(data.decode(errors="replace"))


def open_log(
    account: Account, deployed: Deployed, stream: str, *, tail: int | None = None
) -> GroupLog | FileLog:
    """The log of one try of a job, by its stream."""
    if account.local is not None:
        return FileLog(account.local.job_logs / f"{stream}.log", tail)
    return open_machine_log(account, deployed, stream, tail=tail)


def open_machine_log(
    account: Account, deployed: Deployed, stream: str, *, tail: int | None = None
) -> GroupLog:
    """The log of a run on a machine of one's own, by its stream; the embedded stack has it too."""
    group = deployed.output("JobLogGroup")
    return GroupLog(account.client("logs"), group, stream, tail)


def _lines(answer: dict[str, Any]) -> list[str]:
    return [line for event in answer["events"] for line in lines_of(event["message"])]
