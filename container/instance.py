"""Which EC2 instance this is, as the machine has noted, or as its metadata service tells.

The machines of our compute stack (compute.yaml) keep jobs from the service, by which a job could
take the machine's own role, and put what it says beside the program. Elsewhere the service is
asked: EC2 user guide, "Access instance metadata" and "Instance metadata categories". It may be out
of reach, and outside EC2 it does not exist: so it is given half a second a question.
"""

from __future__ import annotations

import http.client
import json
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

# This module is container/instance.py in the program's one file.
NOTE = Path(__file__).parents[2] / "machine.json"
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


def look_up(environment: Mapping[str, str], note: Path = NOTE) -> Instance | None:
    """The instance we are on; None if there is no note and nobody to ask.

    The environment may name another address for the service, or switch it off, by the variables
    that AWS's own tools read.
    """
    noted = _read_note(note)
    if noted is not None:
        return noted
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


def _read_note(note: Path) -> Instance | None:
    try:
        text = note.read_text(encoding="utf-8")
        life_cycle = str(json.loads(text)["lifeCycle"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return read(text, life_cycle)


def _ask(method: str, url: str, headers: Mapping[str, str]) -> str | None:
    try:
        request = urllib.request.Request(url, headers=dict(headers), method=method)  # noqa: S310 - AWS's, or the environment's own setting
        with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            return str(answer.read(_MAX_ANSWER).decode())
    except (OSError, ValueError, http.client.HTTPException):
        return None  # nobody is there, or somebody else
