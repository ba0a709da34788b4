"""How AWS's services, and the way to them, fail as botocore tells it; and what it tries again."""

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from tests.fakes import refusal

_THROTTLING = {
    "batch": ("TooManyRequestsException", 429),
    "dynamodb": ("ProvisionedThroughputExceededException", 400),
    "ec2": ("RequestLimitExceeded", 503),
    "events": ("ThrottlingException", 400),
    "s3": ("SlowDown", 503),
    "secretsmanager": ("ThrottlingException", 400),
    "sqs": ("RequestThrottled", 403),
}
_THROTTLING_CODES = frozenset(code for code, _ in _THROTTLING.values())
_BROKEN = {"batch": "ServerException", "dynamodb": "InternalServerError"}


def too_many(service: str, operation: str) -> ClientError:
    """The service refuses the call, for now."""
    code, status = _THROTTLING[service]
    return refusal(code, status, operation)


def broken(service: str, operation: str) -> ClientError:
    """The service has failed: what it has done is not told."""
    return refusal(_BROKEN.get(service, "InternalFailure"), 500, operation)


def denied(operation: str) -> ClientError:
    """A role that is being deployed: nobody expects it, and it passes."""
    return refusal("AccessDeniedException", 400, operation)


def unanswered(service: str) -> ReadTimeoutError:
    """No answer came in time."""
    return ReadTimeoutError(endpoint_url=_url(service))


def unreached(service: str) -> ConnectTimeoutError:
    """No connection came about in time."""
    return ConnectTimeoutError(endpoint_url=_url(service))


def refused_connection(service: str) -> EndpointConnectionError:
    """There is nobody to connect to."""
    return EndpointConnectionError(endpoint_url=_url(service), error=OSError("refused"))


def retried(error: Exception) -> bool:
    """Whether botocore's standard mode makes a call again that has failed so."""
    if not isinstance(error, ClientError):
        return True
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status >= 500 or error.response["Error"]["Code"] in _THROTTLING_CODES


def _url(service: str) -> str:
    return f"https://{service}.invalid"
