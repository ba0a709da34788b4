"""Pages of answers, and ListJobs' filters.

A page's token is where the page before it ended, so new entries neither repeat nor hide old ones.
"""

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from local.batch.arns import name_in
from local.batch.errors import ClientException
from local.batch.jobs import Job
from local.batch.requests import Filter
from local.batch.shapes import Document, Status

Item = TypeVar("Item")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Some items, and the token for the next ones, if there are any."""

    items: tuple[Item, ...]
    next_token: str | None

    def document(self, member: str, shown: Callable[[Item], Document]) -> Document:
        """The page as an operation answers it."""
        answer: Document = {member: [shown(item) for item in self.items]}
        return answer if self.next_token is None else answer | {"nextToken": self.next_token}


def page(
    items: Iterable[Item], place: Callable[[Item], int], size: int, token: str | None
) -> Page[Item]:
    """The `size` items after a token's. Items come in the growing order of their places."""
    after = None if token is None else _place_in(token)
    rest = (item for item in items if after is None or place(item) > after)
    found = tuple(islice(rest, size + 1))
    if len(found) <= size:
        return Page(found, None)
    kept = found[:size]
    return Page(kept, base64.urlsafe_b64encode(str(place(kept[-1])).encode()).decode())


def _place_in(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token))
    except (ValueError, binascii.Error) as error:
        raise ClientException(f"nextToken: not one of this endpoint's: {token!r}") from error


def wanted_status(status: str | None) -> Status:
    """The state that ListJobs asks for without a filter; RUNNING if it names none."""
    return Status.RUNNING if status is None else Status(status)


def matching(filter_: Filter) -> Callable[[Job], bool]:
    """ListJobs' filter as a predicate; its meanings are those in botocore's Batch model."""
    values = filter_.values
    match filter_.name:
        case "JOB_NAME":
            return lambda job: any(
                _matches(value.lower(), job.job_name.lower()) for value in values
            )
        case "JOB_DEFINITION":
            return lambda job: any(_uses(value, job) for value in values)
        case "BEFORE_CREATED_AT":
            return lambda job: job.created_at < _milliseconds(values[0])
        case "AFTER_CREATED_AT":
            return lambda job: job.created_at > _milliseconds(values[0])
        case name:
            raise ClientException(f"filters: the embedded endpoint does not know {name!r}")


def _matches(pattern: str, text: str) -> bool:
    """Whether a text is the pattern, or begins with it where it ends with `*`.

    >>> _matches("train-*", "train-1"), _matches("train", "train-1")
    (True, False)
    """
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _uses(definition: str, job: Job) -> bool:
    if definition.startswith("arn:"):
        return job.job_definition == definition
    return _matches(definition, name_in(job.job_definition).partition(":")[0])


def _milliseconds(value: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise ClientException(f"filters: not a time in milliseconds: {value!r}") from error


def summary(detail: Document) -> Document:
    """ListJobs' short form of a job's detail."""
    kept = (
        *("jobArn", "jobId", "jobName", "createdAt", "shareIdentifier", "status", "statusReason"),
        *("startedAt", "stoppedAt", "arrayProperties", "jobDefinition", "isCancelled"),
        "isTerminated",
    )
    short = {member: detail[member] for member in kept if member in detail}
    container = detail["container"]
    ended = ("exitCode", "reason")
    if isinstance(container, dict) and any(member in container for member in ended):
        short["container"] = {one: container[one] for one in ended if one in container}
    return short
