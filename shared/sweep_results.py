"""The results of a sweep as S3 lists them: whoever watches pays by the new ones, not by all."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import calling
from shared.points import Place, Result, decode, not_ahead, seen_since


class SweepResults:
    """The objects of one sweep in a bucket. `clock` tells seconds since 1970."""

    def __init__(
        self, s3: Any, bucket: str, place: Place, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._place = place
        self._clock = clock

    def new(self, after: str | None, *, overlap_ms: int = 300_000) -> list[tuple[str, Result]]:
        """Key and result of what has come since the key `after` was seen; all if it is None.

        Results of the last `overlap_ms` before it are among them, whether they were seen or not:
        the times in the names are those of many machines. Where `after` is of a machine whose clock
        is ahead, it counts as seen now. One ListObjectsV2 call per thousand results (its page,
        service model: MaxKeys). Objects that are no results are left out.

        Raises:
            Unavailable: S3 failed.

        """
        listing = {"Prefix": self._place.results}
        if after is not None:
            now_ms = int(self._clock() * 1000)
            listing["StartAfter"] = seen_since(not_ahead(after, now_ms), overlap_ms)
        found = ((key, Result.read(key)) for key in self._keys(listing))
        return [(key, result) for key, result in found if result is not None]

    def points(self, wave: int) -> list[dict[str, Any]]:
        """The parameters of each point of a wave, by index.

        Raises:
            LookupError: there is no such list.
            Unavailable: S3 failed.

        """
        return decode(self._get(self._place.points(wave)))

    def waves(self) -> list[int]:
        """The waves that have a list, in order: one ListObjectsV2 call per thousand."""
        folder = self._place.points(0).rpartition("/")[0] + "/"
        found = []
        # What points leave lies in folders beside the lists.
        for key in self._keys({"Prefix": folder, "Delimiter": "/"}):
            number = key.removeprefix(folder).removesuffix(".jsonl")
            if number.isdecimal():
                found.append(int(number))
        return found

    def body(self, key: str) -> dict[str, Any]:
        """What a result says beyond its name: parameters, metrics, reason, log.

        Raises:
            LookupError: there is no such object.
            Unavailable: S3 failed.

        """
        told: dict[str, Any] = json.loads(self._get(key))
        return told

    def _keys(self, listing: dict[str, str]) -> Iterator[str]:
        while True:
            with calling("listing the objects of a sweep"):
                page = self._s3.list_objects_v2(Bucket=self._bucket, **listing)
            yield from (entry["Key"] for entry in page.get("Contents", []))
            if not page.get("IsTruncated"):
                return
            listing = listing | {"ContinuationToken": page["NextContinuationToken"]}

    def _get(self, key: str) -> bytes:
        with calling("reading an object of a sweep"):
            try:
                answer = self._s3.get_object(Bucket=self._bucket, Key=key)
                content: bytes = answer["Body"].read()
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "NoSuchKey":
                    message = f"s3://{self._bucket}/{key} is not there"
                    raise LookupError(message) from error
                raise
        return content
