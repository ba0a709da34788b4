"""The results of a sweep as S3 lists them: whoever watches pays by the new ones, not by all.

Jobs write there what they want, so nothing of it is read without a limit.
"""

import re
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import calling
from shared.foreign_json import read_json
from shared.points import (
    LONGEST_LINE,
    MOST_CHILDREN,
    MOST_LISTED,
    Place,
    Result,
    not_ahead,
    seen_since,
)

# A result holds a line of the list and the metrics, of which a job keeps 64 KiB.
_MOST_BYTES = 1 << 20
# A list that the stack has made.
_MOST_OF_LIST = MOST_CHILDREN * (LONGEST_LINE + 1)
_LIST = re.compile(r"([0-9]{4})\.jsonl")
# Waves have four digits, and each has a list and a folder.
_MOST_OF_WAVES = 20_000
# Objects that are there, and cannot be had: archived by their storage class, or encrypted with a
# key that is not S3's (Amazon S3 API reference, "Error responses"; user guide, SSE-C).
_WITHHELD = frozenset({"InvalidObjectState", "InvalidRequest"})


class Listed(list[tuple[str, Result]]):
    """Keys and results, in the order of the keys; `cut` where there are more than were read."""

    cut = False


class SweepResults:
    """The objects of one sweep in a bucket. `clock` tells seconds since 1970."""

    def __init__(
        self, s3: Any, bucket: str, place: Place, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._place = place
        self._clock = clock

    def new(
        self, after: str | None, *, overlap_ms: int = 300_000, most: int = MOST_LISTED
    ) -> Listed:
        """Key and result of what has come since the key `after` was seen; all if it is None.

        Results of the last `overlap_ms` before it are among them, whether they were seen or not:
        the times in the names are those of many machines. Where `after` is of a machine whose clock
        is ahead, it counts as seen now. One ListObjectsV2 call per thousand results (its page,
        service model: MaxKeys). Objects that are no results are left out, and what
        comes after the first `most` objects or so.

        Raises:
            Unavailable: S3 failed.

        """
        listing = {"Prefix": self._place.results}
        if after is not None:
            now_ms = int(self._clock() * 1000)
            listing["StartAfter"] = seen_since(not_ahead(after, now_ms), overlap_ms)
        keys, cut = self._keys(listing, most)
        found = Listed()
        found.cut = cut
        for key in keys:
            name = key.removeprefix(self._place.results)
            result = None if "/" in name else Result.read(name)
            if result is not None:
                found.append((key, result))
        return found

    def points(self, wave: int, most_bytes: int = _MOST_OF_LIST) -> list[dict[str, Any]]:
        """The parameters of each point of a wave, by index.

        Raises:
            LookupError: there is no such list.
            ValueError: it is none, or has more than `most_bytes`.
            Unavailable: S3 failed.

        """
        lines = self._get(self._place.points(wave), most_bytes).splitlines()
        found = [point for point in map(read_json, lines) if isinstance(point, dict)]
        if len(found) < len(lines):
            message = "a line is no point"
            raise ValueError(message)
        return found

    def waves(self) -> list[int]:
        """The waves that have a list, in order: one ListObjectsV2 call per thousand."""
        folder = self._place.points(0).rpartition("/")[0] + "/"
        # What points leave lies in folders beside the lists.
        keys, _ = self._keys({"Prefix": folder, "Delimiter": "/"}, _MOST_OF_WAVES)
        found = (_LIST.fullmatch(key.removeprefix(folder)) for key in keys)
        return [int(match[1]) for match in found if match is not None]

    def body(self, key: str) -> object:
        """What a result says beyond its name: parameters, metrics, reason, log; if a job is honest.

        Raises:
            LookupError: there is no such object.
            ValueError: it is no JSON, has more than 1 MiB, or cannot be had.
            Unavailable: S3 failed.

        """
        return read_json(self._get(key, _MOST_BYTES))

    def _keys(self, listing: dict[str, str], most: int) -> tuple[list[str], bool]:
        """The first keys, `most` or a page more, and whether there are others."""
        keys: list[str] = []
        seen = 0
        while True:
            with calling("listing the objects of a sweep"):
                page = self._s3.list_objects_v2(Bucket=self._bucket, **listing)
            found = page.get("Contents", [])
            keys += (entry["Key"] for entry in found)
            # A page of nothing counts as well: there may be no end of those.
            seen += max(1, len(found) + len(page.get("CommonPrefixes", [])))
            if not page.get("IsTruncated"):
                return keys, False
            if seen >= most:
                return keys, True
            listing = listing | {"ContinuationToken": page["NextContinuationToken"]}

    def _get(self, key: str, most_bytes: int) -> bytes:
        with calling("reading an object of a sweep"):
            try:
                answer = self._s3.get_object(Bucket=self._bucket, Key=key)
                if answer["ContentLength"] > most_bytes:
                    answer["Body"].close()
                    message = f"s3://{self._bucket}/{key} has more than {most_bytes:,} bytes"
                    raise ValueError(message)
                content: bytes = answer["Body"].read()
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code")
                if code == "NoSuchKey":
                    message = f"s3://{self._bucket}/{key} is not there"
                    raise LookupError(message) from error
                if code in _WITHHELD:
                    message = f"s3://{self._bucket}/{key} cannot be had: {code}"
                    raise ValueError(message) from error
                raise
        return content
