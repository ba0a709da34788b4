"""How AWS is called: timeouts, retries, and which of its failures may pass.

botocore retries what it may; what is left is either a dependency that failed, `Unavailable`, or
a bug, which rises as botocore's own error.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFailed
from botocore.session import Session

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
_ATTEMPTS = 3
# What a call takes whose service takes connections and then says nothing. Between the attempts
# botocore pauses for 1 s and then 2 s at the most (its standard mode: 2 ** n, times a random part).
HUNG_CALL_SECONDS = _ATTEMPTS * _READ_SECONDS + 1 + 2


class Clients:
    """Clients of one region, all from one session, so that what they share loads once.

    They are botocore's own, which boto3 hands out as well: a cold start need not load the rest.
    """

    def __init__(self, region: str) -> None:
        # Any: the service is a parameter here, and its methods are known to the adapters alone.
        self._session: Any = Session()
        self._region = region

    def make(self, service: str, *, attempts: int = _ATTEMPTS, seconds: int = _READ_SECONDS) -> Any:
        """A client of `service`; a call is tried `attempts` times, `seconds` each at most."""
        return self._session.create_client(
            service,
            region_name=self._region,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=seconds,
                # AWS checks what it gets as well: to do it here is a twelfth of a call's CPU.
                parameter_validation=False,
                retries={"mode": "standard", "total_max_attempts": attempts},
            ),
        )

    def make_late(self, service: str) -> Any:
        """The same for what hardly ever happens: made at its first call, not at a cold start."""
        return _Late(lambda: self.make(service))


class _Late:
    """A client that is made when it is first used."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._client: Any = None

    def __getattr__(self, method: str) -> Any:
        if self._client is None:
            self._client = self._make()
        return getattr(self._client, method)


def throttled(error: ClientError) -> bool:
    """Whether a service refused a call only for now, so that it has surely not been done."""
    return error.response.get("Error", {}).get("Code") in _THROTTLED


def condition_failed(error: ClientError) -> bool:
    """Whether DynamoDB refused a write because the item was not as the write wanted it."""
    return error.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException"


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
