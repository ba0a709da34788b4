"""A bucket in memory into which jobs write what they want, and a table of best results."""

import io
import json
from typing import Any

from shared.best import BestResults
from tests.fakes import refusal

_PAGE = 1000
# DynamoDB developer guide, "Constraints": an item.
_LARGEST_ITEM = 400 * 1024


class Bucket:
    """S3's client. `objects` is what is stored, by key; `sizes` what S3 says of those that lie."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.sizes: dict[str, int] = {}
        self.withheld: dict[str, str] = {}
        self.listings = 0

    def list_objects_v2(
        self,
        *,
        Bucket: str,  # noqa: N803 - botocore's name
        Prefix: str,  # noqa: N803 - botocore's name
        StartAfter: str = "",  # noqa: N803 - botocore's name
        ContinuationToken: str = "",  # noqa: N803 - botocore's name
    ) -> dict[str, Any]:
        """Keys in the order of their bytes, a thousand a page."""
        del Bucket
        self.listings += 1
        after = max(StartAfter, ContinuationToken, key=str.encode).encode()
        keys = sorted(key.encode() for key in self.objects if key.startswith(Prefix))
        keys = [key for key in keys if key > after]
        page: dict[str, Any] = {"Contents": [{"Key": key.decode()} for key in keys[:_PAGE]]}
        if len(keys) > _PAGE:
            page |= {"IsTruncated": True, "NextContinuationToken": keys[_PAGE - 1].decode()}
        return page

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - botocore's names
        """An object's content, as a stream; one that says a size of its own has no content."""
        del Bucket
        if Key in self.withheld:
            raise refusal(self.withheld[Key], 403, "GetObject")
        if Key not in self.objects:
            raise refusal("NoSuchKey", 404, "GetObject")
        if Key in self.sizes:
            return {"Body": _NotRead(), "ContentLength": self.sizes[Key]}
        content = self.objects[Key]
        return {"Body": io.BytesIO(content), "ContentLength": len(content)}


class _NotRead:
    """A body that nobody has room for."""

    def close(self) -> None:
        """Let it go."""

    def read(self) -> bytes:
        """Nobody should."""
        message = "two gigabytes are read"
        raise AssertionError(message)


class KeptBest(BestResults):
    """The real decisions on best results, whose items are as DynamoDB takes them."""

    def __init__(self) -> None:
        super().__init__(None, "best")
        self._item: dict[str, Any] = {}

    def _get(self, key: dict[str, Any]) -> dict[str, Any]:
        del key
        return self._item

    def _write(self, key: dict[str, Any], item: dict[str, Any], *written: Any) -> bool:
        self._dynamodb = _Table()
        done = super()._write(key, item, *written)
        self._item = self._dynamodb.item
        return done


class _Table:
    """DynamoDB's client, as far as one item is written."""

    def __init__(self) -> None:
        self.item: dict[str, Any] = {}

    def update_item(self, **call: Any) -> dict[str, Any]:
        """Take the attributes that are set, if they fit."""
        self.item = {
            name[1:]: value
            for name, value in call["ExpressionAttributeValues"].items()
            if name != ":read"
        }
        assert len(json.dumps(self.item, ensure_ascii=False).encode()) < _LARGEST_ITEM
        return {}
