"""How AWS is called: timeouts, retries, and which of its failures may pass.

botocore retries what it may; what is left is either a dependency that failed, `Unavailable`, or
a bug, which rises as botocore's own error.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFailed

from shared.errors import Unavailable

# botocore's standard mode has these codes as throttling: the service has refused, for now. A
# server's own error is none of them: what it has done is not known.
_THROTTLED = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
_CONNECT_SECONDS = 2
_READ_SECONDS = 5


class Clients:
    """boto3 clients of one region, all from one session, so that its models load once."""

    def __init__(self, region: str) -> None:
        # Any: the service is a parameter here, and its methods are known to the adapters alone.
        self._session: Any = boto3.Session(region_name=region)

    def make(self, service: str, *, attempts: int = 3) -> Any:
        """A client of `service`; a call is tried `attempts` times in all, 5 s each at most."""
        return self._session.client(
            service,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": attempts},
            ),
        )


def throttled(error: ClientError) -> bool:
    """Whether a service refused a call only for now, so that it has surely not been done."""
    return error.response.get("Error", {}).get("Code") in _THROTTLED


@contextmanager
def calling(doing: str) -> Iterator[None]:
    """Turn a passing failure of AWS while `doing` into `Unavailable`; let anything else rise."""
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= 500 or throttled(error):
            message = f"{doing}: {error.response.get('Error', {}).get('Code')}"
            raise Unavailable(message) from error
        raise
    except (ConnectionFailed, HTTPClientError) as error:
        message = f"{doing}: {type(error).__name__}"
        raise Unavailable(message) from error
