"""The copy of its log that a job leaves in S3 at its end."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from botocore.exceptions import ClientError

from cli.runs.lines import complete, lines_of, read_in_chunks
from shared.aws import calling
from shared.points import Place
from shared.runs import Run

# S3 calls an object that is not there forbidden where its list may not be read.
_NOT_THERE = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})
# Of a copy whose last lines are wanted so much is fetched first: some ten thousand lines.
_END_BYTES = 1 << 20


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


def read_copy(
    s3: Any, bucket: str, key: str, tail: int | None = None
) -> Iterator[Sequence[str]] | None:
    """The lines of a copy, or its last ones, by pages; None if it is not there.

    Raises:
        Unavailable: S3 failed, at once or at any page.

    """
    if tail is not None:
        end = _end(s3, bucket, key, tail)
        if end is None or end:
            return None if end is None else iter((end,))
    answer = _object(s3, bucket, key)
    if answer is None:
        return None
    pages = _pages(answer["Body"])
    return pages if tail is None else _last(pages, tail)


def _end(s3: Any, bucket: str, key: str, tail: int) -> Sequence[str] | None:
    """The last lines if they are in the end of the object; None without one, [] if they are not."""
    try:
        answer = _object(s3, bucket, key, Range=f"bytes=-{_END_BYTES}")
    except ClientError as error:
        if error.response["Error"]["Code"] == "InvalidRange":  # there is nothing in it
            return []
        raise
    if answer is None:
        return None
    lines = [line for page in _pages(answer["Body"]) for line in page]
    # bytes 5-9/10: the first line of a part is a part of one
    whole = answer.get("ContentRange", "bytes 0-").startswith("bytes 0-")
    return lines[-tail:] if whole else lines[1:][-tail:] if len(lines) > tail else []


def _last(pages: Iterator[Sequence[str]], count: int) -> Iterator[Sequence[str]]:
    yield list(deque((line for page in pages for line in page), count))


def _object(s3: Any, bucket: str, key: str, **part: str) -> dict[str, Any] | None:
    try:
        with calling("reading the copy of a log"):
            answer: dict[str, Any] = s3.get_object(Bucket=bucket, Key=key, **part)
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_THERE:
            return None
        raise
    return answer


def _pages(body: Any) -> Iterator[Sequence[str]]:
    with closing(body), calling("reading the copy of a log"):
        for data in complete(read_in_chunks(body), whole=True):
            yield lines_of(data.decode(errors="replace"))
