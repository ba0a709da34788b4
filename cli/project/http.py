"""One HTTP request and its answer, whatever the status."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import click
import urllib3

_TIMEOUT = urllib3.Timeout(connect=10, read=30)  # seconds


class NotAnsweredError(click.ClickException):
    """Nobody answered, so it is not known what happened."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body's JSON; None where it is none, as in a proxy's page."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Sends(Protocol):
    """Sends a request."""

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """The answer; NotAnsweredError if there is none."""


class Http:
    """Sends requests over the network, once each: what is unclear, the caller looks up."""

    def __init__(self, timeout: urllib3.Timeout = _TIMEOUT) -> None:
        self._pool = urllib3.PoolManager(retries=False, timeout=timeout)

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """The answer; NotAnsweredError if there is none."""
        try:
            answer = self._pool.request(method, url, body=body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            where = urlsplit(url)
            message = (
                f"{method} {where.scheme}://{where.netloc}{where.path}: no answer "
                f"({type(error).__name__}); the same command goes on from here"
            )
            raise NotAnsweredError(message) from error
        return Answer(answer.status, answer.data)
