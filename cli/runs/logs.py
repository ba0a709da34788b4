"""Where a job's log is read: the log group, the embedded stack's file, or the copy in S3."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import ClientError

from cli.account import Account, Deployed
from cli.shown import printable
from shared.points import Place
from shared.runs import Run

# GetLogEvents says that there is no more by the token that it was given (API reference). One that
# never does would be asked for ever.
_EMPTY_PAGES = 3
_MOST_EVENTS = 10_000  # of one GetLogEvents (API reference)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[mK]")
# S3 calls an object that is not there forbidden where its list may not be read.
_NOT_THERE = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})


class Log(Protocol):
    """A log that may still grow, or not be there yet."""

    def read(self) -> list[str] | None:
        """The lines since the last time; None while there is no such log."""

    def rest(self) -> list[str]:
        """What is left of a log that will not grow any more, be it a part of a line."""


class GroupLog:
    """A stream of a CloudWatch log group; `tail`: only so many of its last lines."""

    def __init__(self, logs: Any, group: str, stream: str, tail: int | None = None) -> None:
        self._logs = logs
        self._asked: dict[str, Any] = {"logGroupName": group, "logStreamName": stream}
        self._tail = tail
        self._token: str | None = None

    def read(self) -> list[str] | None:
        """The lines since the last time; None while there is no such stream."""
        try:
            return list(self._pages())
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise

    def rest(self) -> list[str]:
        """The lines since the last time; CloudWatch has no parts of lines."""
        return self.read() or []

    def _pages(self) -> Iterator[str]:
        empty = 0
        while empty < _EMPTY_PAGES:
            token = self._token
            answer = self._logs.get_log_events(**self._asked, **self._from(token))
            self._token = answer.get("nextForwardToken")
            for event in answer["events"]:
                yield from lines_of(event["message"])
            if self._token in (None, token):
                return
            empty = 0 if answer["events"] else empty + 1

    def _from(self, token: str | None) -> dict[str, Any]:
        if token is not None:
            return {"nextToken": token, "startFromHead": True}
        if self._tail is not None:
            return {"startFromHead": False, "limit": min(self._tail, _MOST_EVENTS)}
        return {"startFromHead": True}


class FileLog:
    """The file of the embedded stack that a try's program writes to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def read(self) -> list[str] | None:
        """The complete lines since the last time; None while there is no such file."""
        data = self._new()
        return None if data is None else self._take(data[: data.rfind(b"\n") + 1])

    def rest(self) -> list[str]:
        """All since the last time."""
        return self._take(self._new() or b"")

    def _new(self) -> bytes | None:
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                return file.read()
        except FileNotFoundError:
            return None

    def _take(self, data: bytes) -> list[str]:
        self._at += len(data)
        return lines_of(data.decode(errors="replace"))


def open_log(
    account: Account, deployed: Deployed, stream: str, *, tail: int | None = None
) -> GroupLog | FileLog:
    """The log of one try, by its stream."""
    if account.local is not None:
        return FileLog(account.local.job_logs / f"{stream}.log")
    group = deployed.output("JobLogGroup")
    return GroupLog(account.client("logs"), group, stream, tail)


def copy_key(run: Run, attempt: int, point: int | None = None) -> str | None:
    """Where in the data bucket a job leaves its log; None for a run without a repository.

    `point` is the index of a sweep's point.
    """
    if run.repository is None:
        return None
    sweep = run.asked.sweep
    if sweep is not None and (point is not None or sweep.size == 1):
        place = Place(run.repository.slug, sweep.sweep_id)
        return place.left_by(sweep.wave, attempt, point or 0, "job.log")
    return f"projects/{run.repository.slug}/runs/{run.run_id}/{attempt}/job.log"


def read_copy(s3: Any, bucket: str, key: str) -> list[str] | None:
    """The lines of a copy; None if it is not there."""
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_THERE:
            return None
        raise
    return lines_of(body.decode(errors="replace"))


def lines_of(text: str) -> list[str]:
    r"""The lines of a part of a log.

    >>> lines_of("one\n\ntwo\n"), lines_of("")
    (['one', '', 'two'], [])
    """
    return text.removesuffix("\n").split("\n") if text else []


def plain(line: str) -> str:
    r"""A line of a log as it is shown: no colours, and nothing else that a terminal would obey.

    Of what a progress bar has written over itself the last is shown.

    >>> plain("\x1b[32mepoch 1\x1b[0m\tloss 0.5\x1b]0;title\x07")
    'epoch 1\tloss 0.5\\x1b]0;title\\x07'
    >>> plain("10%\r50%\r100%\r")
    '100%'
    """
    shown = _COLOUR.sub("", line).rstrip("\r").rpartition("\r")[2]
    return "\t".join(printable(part) for part in shown.split("\t"))
