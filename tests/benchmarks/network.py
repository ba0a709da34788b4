"""The network, answered within the process: AWS at botocore's HTTP layer, Bitbucket at urllib3's.

Everything above is really done: parameters are validated, serialised and signed, answers parsed.
"""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs

import urllib3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.httpsession import URLLib3Session


@dataclass(frozen=True)
class Request:
    """What would have gone out: `operation` is the AWS operation or path, or Bitbucket's url."""

    operation: str
    body: bytes
    bitbucket: bool = False

    def json(self) -> dict[str, Any]:
        """The body."""
        read: dict[str, Any] = json.loads(self.body)
        return read


@dataclass(frozen=True)
class Answer:
    """What comes back: JSON, or XML from EC2."""

    body: bytes
    status: int = 200


Answers = Callable[[Request], Answer]


class _Raw(io.BytesIO):
    """An answer's body as botocore reads it."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


@contextmanager
def answered(answer: Answers) -> Iterator[None]:
    """Nothing goes out while the block runs: `answer` says what comes back."""

    def send(_session: object, request: AWSPreparedRequest) -> AWSResponse:
        # The JSON protocols name the operation in a header (bytes by now), Batch's in the path, and
        # EC2's in its form.
        target: Any = request.headers.get("X-Amz-Target")
        name = target.decode().rpartition(".")[2] if target else request.url.rpartition("/")[2]
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        name = name or parse_qs(body.decode())["Action"][0]
        given = answer(Request(name, body))
        headers = HTTPHeaders.from_pairs(
            [
                ("x-amzn-RequestId", "00000000-0000-4000-8000-000000000000"),
                ("content-type", "application/x-amz-json-1.0"),
                ("content-length", str(len(given.body))),
            ]
        )
        return AWSResponse(request.url, given.status, headers, _Raw(given.body))

    def urlopen(
        pool: urllib3.HTTPConnectionPool, method: str, url: str, body: bytes = b"", **_: object
    ) -> urllib3.HTTPResponse:
        asked = Request(f"{method} {pool.scheme}://{pool.host}{url}", body, bitbucket=True)
        given = answer(asked)
        return urllib3.HTTPResponse(
            io.BytesIO(given.body), {"Content-Type": "application/json"}, given.status
        )

    with (
        patch.object(URLLib3Session, "send", send),
        patch.object(urllib3.HTTPConnectionPool, "urlopen", urlopen),
    ):
        yield
