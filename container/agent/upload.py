"""A file in S3 that grows there while it is made, and never takes the place of another.

S3 user guide: a part of an upload is at least 5 MiB, an upload has at most 10,000 parts ("Multipart
upload limits"), a part that is sent again replaces the one of its number ("UploadPart"), and
`IfNoneMatch: *` refuses to replace an object ("Conditional writes").
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from container.agent import aws
from container.agent.place import say

_PART_BYTES = 32 * 1024 * 1024
# S3 says with these that it may take the same later; the second is a conflict of two uploads.
_TRY_AGAIN = (408, 409, 429)


class NotStored(Exception):
    """S3 does not take it. `final`: it never will."""

    def __init__(self, error: Exception | str, *, final: bool = False) -> None:
        super().__init__(
            f"{type(error).__name__}: {error}" if isinstance(error, Exception) else error
        )
        code = aws.status(error) if isinstance(error, Exception) else 0
        self.final = final or (400 <= code < 500 and code not in _TRY_AGAIN)


class Taken(Exception):
    """There is an object of this name already."""


@dataclass(frozen=True)
class Mark:
    """How far an upload was: so many parts, and what was not sent yet."""

    parts: int
    buffer: bytes


class Upload:
    """A file of S3 that can only be written, and is there once it is finished.

    Its operations raise NotStored or Taken; they do nothing more once `over` is set.
    """

    def __init__(self, s3: Any, bucket: str, key: str, over: threading.Event) -> None:
        self._s3 = s3
        self._where = {"Bucket": bucket, "Key": key}
        self._over = over
        self._buffer = bytearray()
        self._upload: dict[str, str] = {}
        self._parts: list[dict[str, Any]] = []

    def refuse_taken(self) -> None:
        """See whether there is one already."""
        try:
            self._s3.head_object(**self._where)
        except Exception as error:
            # Without the right to list, what is not there is forbidden.
            if aws.status(error) in (403, 404):
                return
            raise NotStored(error) from error
        raise Taken

    def write(self, data: bytes) -> None:
        """Add to it."""
        self._buffer += data
        if len(self._buffer) >= _PART_BYTES:
            self._send()

    def mark(self) -> Mark:
        """Note how far it is."""
        return Mark(len(self._parts), bytes(self._buffer))

    def back(self, mark: Mark) -> None:
        """Forget what was written since."""
        del self._parts[mark.parts :]
        self._buffer[:] = mark.buffer

    def finish(self) -> None:
        """Send the rest; it is there then."""
        if not self._upload:
            self._put("put_object", Body=bytes(self._buffer))
            return
        self._send()
        self._put("complete_multipart_upload", MultipartUpload={"Parts": self._parts})

    def abandon(self) -> None:
        """Leave no parts behind, which would cost something for ever."""
        if self._upload:
            try:
                self._s3.abort_multipart_upload(**self._where, **self._upload)
            except Exception as error:  # noqa: BLE001 - what has failed before says more
                say(f"abandoning the upload: {error}")

    def _send(self) -> None:
        if not self._upload:
            self._upload = {"UploadId": self._ask("create_multipart_upload")["UploadId"]}
        number = len(self._parts) + 1
        sent = self._ask("upload_part", PartNumber=number, Body=bytes(self._buffer))
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        self._buffer.clear()

    def _put(self, operation: str, **arguments: Any) -> None:
        try:
            self._ask(operation, **arguments, IfNoneMatch="*")
        except NotStored as refused:
            if not _is_unknown(refused.__cause__):
                raise
            # It was looked up before: that is not as sure, and better than to lose it all.
            say("this boto3 knows no conditional writes: storing without the condition")
            self._ask(operation, **arguments)

    def _ask(self, operation: str, **arguments: Any) -> Any:
        if self._over.is_set():
            raise NotStored("given up", final=True)
        try:
            return getattr(self._s3, operation)(**self._where, **self._upload, **arguments)
        except Exception as error:
            if aws.status(error) == 412:
                raise Taken from error
            raise NotStored(error, final=_is_unknown(error)) from error


def _is_unknown(error: BaseException | None) -> bool:
    """Whether boto3 refuses an argument itself: it does so each time."""
    from botocore.exceptions import ParamValidationError  # noqa: PLC0415 - need not be there

    return isinstance(error, ParamValidationError)
