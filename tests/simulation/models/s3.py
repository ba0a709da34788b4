"""S3: objects by bucket and key. Reads and lists see every write that came before.

Source: Amazon S3 user guide, "Amazon S3 data consistency model".
"""

import io
from typing import Any

from tests.simulation.models.ports import Chooses, Later, Now, refused

_PAGE = 1000


class S3:
    """S3's client. `objects` is what is stored, by bucket and key; every bucket exists."""

    def __init__(self, now: Now, choices: Chooses, later: Later) -> None:
        del now, choices, later
        self.objects: dict[tuple[str, str], bytes] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> dict[str, Any]:  # noqa: N803 - botocore's names
        """Store an object, in the place of one of that key."""
        self.objects[Bucket, Key] = bytes(Body)
        return {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - botocore's names
        """An object's content, as a stream."""
        content = self.objects.get((Bucket, Key))
        if content is None:
            raise refused("GetObject", "NoSuchKey", "The specified key does not exist.", 404)
        return {"Body": io.BytesIO(content), "ContentLength": len(content)}

    def list_objects_v2(
        self,
        *,
        Bucket: str,  # noqa: N803 - botocore's name
        Prefix: str = "",  # noqa: N803 - botocore's name
        StartAfter: str = "",  # noqa: N803 - botocore's name
        Delimiter: str = "",  # noqa: N803 - botocore's name
        ContinuationToken: str = "",  # noqa: N803 - botocore's name
    ) -> dict[str, Any]:
        """Keys in the order of their bytes, a thousand a page.

        Those that hold the delimiter after the prefix are left out; folders are not told.
        """
        after = max(StartAfter, ContinuationToken)
        keys = sorted(
            (
                key
                for bucket, key in self.objects
                if bucket == Bucket and key.startswith(Prefix) and key > after
                if not (Delimiter and Delimiter in key[len(Prefix) :])
            ),
            key=str.encode,
        )
        more = {"NextContinuationToken": keys[_PAGE - 1]} if len(keys) > _PAGE else {}
        page = [{"Key": key, "Size": len(self.objects[Bucket, key])} for key in keys[:_PAGE]]
        found = {"Contents": page} if page else {}
        return {**found, "KeyCount": len(page), "IsTruncated": bool(more), **more}
