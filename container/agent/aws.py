"""Clients for AWS as the machine's role. boto3 is the machine's own, or what `setup` fetched."""

from __future__ import annotations

import site
import sys
from typing import Any

from container.agent.place import home

CONNECT_SECONDS = 5
READ_SECONDS = 30


def add_packages() -> None:
    """Make importable what `setup` has installed, before what the machine has: that is too old."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    packages = home() / "venv/lib" / version / "site-packages"
    if packages.is_dir():
        before = list(sys.path)
        site.addsitedir(str(packages))
        sys.path.sort(key=before.__contains__)


def client(service: str, region: str) -> Any:
    """A client whose calls end, with an error if need be.

    Raises:
        ImportError: there is no boto3.
    """
    import boto3  # noqa: PLC0415 - it takes a second, and need not be there
    from botocore.config import Config  # noqa: PLC0415 - see above

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    session: Any = boto3.session.Session()  # one for each, since none is for several threads
    return session.client(service, region_name=region, config=config)


def status(error: Exception) -> int:
    """The HTTP status that a service answered with; 0 if none did."""
    answer = getattr(error, "response", None)
    metadata = answer.get("ResponseMetadata", {}) if isinstance(answer, dict) else {}
    return int(metadata.get("HTTPStatusCode", 0))
