"""One delivery of a webhook as the HTTP API hands it over, and what it is answered."""

import base64
import json
from dataclasses import dataclass
from typing import Any, Self

from shared.events import CommitPushed

# Bitbucket sends no payload above 256 KB; anything near this is not from there.
MAX_BODY_BYTES = 1024 * 1024
# A uuid has 36 characters, a trace's header of X-Ray about a hundred.
_LONGEST_ID = 200


@dataclass(frozen=True)
class Answer:
    """An HTTP status with its text, and the events that must be stored before it is given."""

    status: int
    text: str = ""
    events: tuple[CommitPushed, ...] = ()

    def response(self) -> dict[str, Any]:
        """The answer in the HTTP API's form (payload format 2.0)."""
        if self.status == 204:
            return {"statusCode": 204}
        return {
            "statusCode": self.status,
            "headers": {"content-type": "application/json"},
            "body": json.dumps({"message": self.text}),
        }


@dataclass(frozen=True)
class Delivery:
    """A webhook's delivery; the body still as it came, so that a large one costs nothing."""

    headers: dict[str, str]
    text: str
    base64: bool

    @classmethod
    def of(cls, event: dict[str, Any]) -> Self:
        """The delivery in an HTTP API event (payload format 2.0), whose headers are lower-case."""
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        return cls(headers, event.get("body") or "", event.get("isBase64Encoded") is True)

    @property
    def ids(self) -> tuple[str, str | None]:
        """The request's id and its trace's, for the log: anybody may send them, of any length."""
        request, trace = (self.headers.get(name) for name in ("x-request-uuid", "x-amzn-trace-id"))
        return (request or "none")[:_LONGEST_ID], trace and trace[:_LONGEST_ID]

    @property
    def too_large(self) -> bool:
        """Whether the body exceeds what is read at all; told before it is decoded."""
        if self.base64:
            return len(self.text) * 3 // 4 - self.text[-2:].count("=") > MAX_BODY_BYTES
        # No character takes more than four bytes: most bodies need not be encoded to be told.
        return len(self.text) * 4 > MAX_BODY_BYTES and len(self._raw()) > MAX_BODY_BYTES

    def body(self) -> bytes:
        """The raw body, which is what the signature is about; empty where base64 is malformed."""
        if not self.base64:
            return self._raw()
        try:
            return base64.b64decode(self.text, validate=True)
        except ValueError:  # not the alphabet, or not even ASCII
            return b""

    def _raw(self) -> bytes:
        return self.text.encode(errors="surrogatepass")
