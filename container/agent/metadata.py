"""The instance metadata service, in its second version: a token first, then answers.

EC2 user guide, "Access instance metadata". Outside EC2 it does not exist.
"""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.request

_ADDRESS = "http://169.254.169.254"
_TIMEOUT_SECONDS = 1
_TOKEN_SECONDS = 21600
_MAX_ANSWER = 4096
# The service is on the machine's own link: no proxy knows it.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def is_off() -> bool:
    """Whether nobody is to be asked; a variable of AWS's own tools."""
    return os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"


class Metadata:
    """The service of this machine."""

    def __init__(self) -> None:
        address = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or _ADDRESS
        self._latest = f"{address.rstrip('/')}/latest"
        self._token = ""

    def get(self, path: str) -> str | None:
        """What it says; None if it says nothing, or nobody is there."""
        lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_SECONDS)}
        self._token = self._token or (self._ask("PUT", "api/token", lifetime) or "").strip()
        return self._ask("GET", f"meta-data/{path}", {"X-aws-ec2-metadata-token": self._token})

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> str | None:
        try:
            request = urllib.request.Request(  # noqa: S310 - AWS's, or the environment's own setting
                f"{self._latest}/{path}", headers=headers, method=method
            )
            with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                return str(answer.read(_MAX_ANSWER).decode(errors="replace"))
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == http.client.UNAUTHORIZED:
                self._token = ""
            return None
        except (OSError, ValueError, http.client.HTTPException):
            return None  # nobody is there, or somebody else


def instance() -> str | None:
    """Which instance this is."""
    return None if is_off() else Metadata().get("instance-id")
