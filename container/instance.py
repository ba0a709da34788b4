"""Which EC2 instance this is, as its metadata service tells.

EC2 user guide, "Access instance metadata" and "Instance metadata categories". From a container the
service may be out of reach, by the hop limit of its answers, and outside EC2 it does not exist: so
it is given half a second a question.
"""

from __future__ import annotations

import http.client
import json
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

_ADDRESS = "http://169.254.169.254"
_TIMEOUT_SECONDS = 0.5
_MAX_ANSWER = 64 * 1024
# The service is on the machine's own link: no proxy knows it.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Instance:
    """An instance's type, how it is paid for (`spot` or `on-demand`), and where it is."""

    kind: str
    life_cycle: str
    region: str

    def __str__(self) -> str:
        spot = " (spot)" if self.life_cycle == "spot" else ""
        return f"{self.kind}{spot} in {self.region}"


def look_up(environment: Mapping[str, str]) -> Instance | None:
    """The instance we are on; None if there is nobody to ask.

    The environment may name another address for the service, or switch it off, by the variables
    that AWS's own tools read.
    """
    if environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return None
    address = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or _ADDRESS
    latest = f"{address.rstrip('/')}/latest"
    lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    token = _ask("PUT", f"{latest}/api/token", lifetime)
    if token is None:
        return None

    def get(path: str) -> str | None:
        return _ask("GET", f"{latest}/{path}", {"X-aws-ec2-metadata-token": token.strip()})

    paths = ("dynamic/instance-identity/document", "meta-data/instance-life-cycle")
    with ThreadPoolExecutor(len(paths)) as pool:
        document, life_cycle = pool.map(get, paths)
    return read(document or "", life_cycle or "")


def read(document: str, life_cycle: str) -> Instance | None:
    """The instance in its identity document, which is JSON; None if it is none.

    >>> read('{"instanceType": "c7g.large", "region": "eu-west-1"}', "spot")
    Instance(kind='c7g.large', life_cycle='spot', region='eu-west-1')
    """
    try:
        told = json.loads(document)
        return Instance(str(told["instanceType"]), life_cycle.strip(), str(told["region"]))
    except (ValueError, LookupError, TypeError):
        return None


def _ask(method: str, url: str, headers: Mapping[str, str]) -> str | None:
    try:
        request = urllib.request.Request(url, headers=dict(headers), method=method)  # noqa: S310 - AWS's, or the environment's own setting
        with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            return str(answer.read(_MAX_ANSWER).decode())
    except (OSError, ValueError, http.client.HTTPException):
        return None  # nobody is there, or somebody else
