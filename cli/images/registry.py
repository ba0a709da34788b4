"""ECR, as far as an image's upload needs it: the password, and what is there afterwards."""

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

_PAUSE_SECONDS = 3
# A scan on push is not told of at once; a repository without one is never told of.
_BEGUN_WITHIN_SECONDS = 10
_UNFINISHED = ("IN_PROGRESS", "PENDING")
_SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED")


@dataclass(frozen=True)
class Stored:
    """An image as ECR has it; `size` is bytes, compressed. `scan` is None where there is none."""

    digest: str
    size: int
    scan: str | None = None
    findings: Mapping[str, int] | None = None

    def scanned(self) -> str:
        """What the scan found, the worst first."""
        if self.scan is None:
            return "not scanned"
        if self.findings is None:
            return f"scan {self.scan.lower().replace('_', ' ')}"
        counts = [(self.findings.get(one, 0), one.lower()) for one in _SEVERITIES]
        return ", ".join(f"{count} {name}" for count, name in counts if count) or "nothing found"


class Registry:
    """One repository of the account's registry."""

    def __init__(
        self,
        ecr: Any,
        repository: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ecr = ecr
        self._repository = repository
        self._clock = clock
        self._sleep = sleep

    def password(self) -> str:
        """The password of the user `AWS`, for twelve hours (API reference)."""
        answer = self._ecr.get_authorization_token()
        token = base64.b64decode(answer["authorizationData"][0]["authorizationToken"]).decode()
        return token.partition(":")[2]

    def find(self, tag: str) -> Stored | None:
        """The image of a tag, or None."""
        try:
            answer = self._ecr.describe_images(
                repositoryName=self._repository, imageIds=[{"imageTag": tag}]
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ImageNotFoundException":
                return None
            raise
        image = answer["imageDetails"][0]
        summary = image.get("imageScanFindingsSummary", {})
        return Stored(
            digest=image["imageDigest"],
            size=image.get("imageSizeInBytes", 0),
            scan=image.get("imageScanStatus", {}).get("status"),
            findings=summary.get("findingSeverityCounts"),
        )

    def find_scanned(self, tag: str, seconds: float) -> Stored | None:
        """The same, once its scan has ended, or as it is when `seconds` are over."""
        start = self._clock()
        while True:
            found = self.find(tag)
            waited = self._clock() - start
            begins = min(seconds, _BEGUN_WITHIN_SECONDS)
            if found is None or waited >= (begins if found.scan is None else seconds):
                return found
            if found.scan is not None and found.scan not in _UNFINISHED:
                return found
            self._sleep(_PAUSE_SECONDS)
