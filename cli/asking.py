"""AWS is asked, and what it refuses is said in words that name the remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

import botocore.exceptions
import click

from shared.errors import Rejected, Unavailable

# AWS's words for credentials that were good once, or never were (service references, "Common
# errors"; STS for an access key that is not known any more; S3 and EC2 have words of their own).
_RENEW = "aws sso login, or look at AWS_PROFILE"
_STALE = {
    "AuthFailure": _RENEW,
    "ExpiredToken": _RENEW,
    "ExpiredTokenException": _RENEW,
    "InvalidAccessKeyId": _RENEW,
    "InvalidClientTokenId": _RENEW,
    "InvalidToken": _RENEW,
    "RequestExpired": _RENEW,
    "SignatureDoesNotMatch": f"{_RENEW}, or the clock of this machine is wrong",
    "UnrecognizedClientException": _RENEW,
}


class AccountError(click.ClickException):
    """AWS cannot be worked with as things are; the text says why and what to do."""


@contextmanager
def asking(doing: str) -> Iterator[None]:
    """Turn what AWS refuses while `doing` into AccountError, which says what to do if it can."""
    try:
        yield
    except botocore.exceptions.NoCredentialsError as error:
        message = f"{doing}: no AWS credentials: aws configure, aws sso login, or AWS_PROFILE"
        raise AccountError(message) from error
    except botocore.exceptions.ClientError as error:
        answer = error.response.get("Error", {})
        remedy = _STALE.get(answer.get("Code", ""))
        message = f"{doing}: {answer.get('Code')}: {answer.get('Message')}"
        message += f": {remedy}" if remedy else ""
        raise AccountError(message) from error
    except botocore.exceptions.BotoCoreError as error:
        message = f"{doing}: {error}"
        raise AccountError(message) from error


@contextmanager
def reaching(doing: str) -> Iterator[None]:
    """`asking`, and the same for what `shared` raises of AWS and of what can never work."""
    try:
        with asking(doing):
            yield
    except Unavailable as error:
        message = f"{doing}: {error}: try again"
        raise AccountError(message) from error
    except Rejected as error:
        raise AccountError(str(error)) from error
