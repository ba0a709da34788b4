"""A project's objects in the data bucket."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cli.account import AccountError, asking

_AT_ONCE = 1000  # DeleteObjects takes no more


@dataclass(frozen=True)
class Objects:
    """The objects below a prefix of a bucket, with all their versions."""

    s3: Any
    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def exist(self) -> bool:
        """Whether there are any, be it only as versions."""
        with asking(f"looking for objects below {self}"):
            return next(self._versions(), None) is not None

    def delete(self) -> int:
        """Delete them for good; how many versions there were."""
        deleted = 0
        doing = f"deleting the objects below {self}"
        with asking(doing):
            for versions in self._versions():
                wanted = {"Objects": versions, "Quiet": True}
                told = self.s3.delete_objects(Bucket=self.bucket, Delete=wanted)
                if errors := told.get("Errors"):
                    message = f"{doing}: {errors[0].get('Code')} at {errors[0].get('Key')}"
                    raise AccountError(message)
                deleted += len(versions)
        return deleted

    def _versions(self) -> Iterator[list[dict[str, str]]]:
        pages = self.s3.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=self.prefix, PaginationConfig={"PageSize": _AT_ONCE}
        )
        for page in pages:
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if found:
                yield [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
