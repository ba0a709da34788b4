"""What Bitbucket's refusals mean to whoever called it.

A 404 says least: what was asked for is gone, or is not there yet on the replica that answered, or
is hidden from these credentials, since Bitbucket answers so where others answer 403
(community.atlassian.com, Bitbucket questions, 3141816). Who may lose something by it asks further:
`shared.bitbucket` about the repository, `shared.gone` about the time.
"""

import re

import urllib3

from shared.errors import Unavailable
from shared.events import Model

# A request that was not answered may still be carried out, by a gateway that kept it back: whoever
# repeats it sooner than that may be overtaken, and an old status stand in the place of a newer one.
# To read a thing twice, or late, does no harm.
CARRIED_OUT_SECONDS = 60
_GATEWAYS = (502, 504)
# What may stand in a log line for the name of a field.
_FIELD = re.compile(r"[A-Za-z0-9_.]{1,40}")
_MOST_FIELDS = 10


class NotFound(Exception):
    """Bitbucket shows no such thing to these credentials."""


class CredentialsRefused(Unavailable):
    """Bitbucket took the credentials for invalid or insufficient: somebody has to mend them."""


class RepositoryHidden(CredentialsRefused):
    """Bitbucket shows not even the repository: access to it was lost, or it was deleted.

    Nobody can tell which, so it is tried for as long as any that somebody has to mend.
    """


class UnexpectedAnswer(ValueError):
    """Bitbucket answered what no caller can do anything about.

    The text is one for log lines: what Bitbucket says repeats what we sent, so it is not quoted.
    """


class _Complaint(Model):
    fields: dict[str, object]


class _Refusal(Model):
    """The form of Bitbucket's errors, but for their sentences.

    Bitbucket Cloud's REST reference: "Standardized error responses".
    """

    error: _Complaint


def check(answer: urllib3.BaseHTTPResponse, doing: str, method: str) -> None:
    """Raise what an answer that is not a success means to the caller."""
    status = answer.status
    if 200 <= status < 300:
        return
    message = f"{doing}: {status}"
    if status == 404:
        raise NotFound(message)
    if status in (401, 403):
        raise CredentialsRefused(message)
    if status == 429 or status >= 500:
        wait = _retry_after(answer.headers.get("Retry-After"))
        if status in _GATEWAYS and method != "GET":
            wait = max(wait or 0, CARRIED_OUT_SECONDS)
        raise Unavailable(message, retry_after=wait)
    fields = ", ".join(_fields(answer.data))
    raise UnexpectedAnswer(f"{message}: it complains of {fields}" if fields else message)


def _fields(body: bytes) -> list[str]:
    """The names of the fields that an error of Bitbucket's is about; none where it is no such."""
    try:
        refusal = _Refusal.model_validate_json(body)
    except ValueError:
        return []
    return [name for name in refusal.error.fields if _FIELD.fullmatch(name)][:_MOST_FIELDS]


def _retry_after(header: str | None) -> float | None:
    # Bitbucket sends seconds; an HTTP date is answered by the queue's own backoff.
    return float(header) if header is not None and header.isascii() and header.isdigit() else None
