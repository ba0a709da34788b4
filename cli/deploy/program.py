"""The job's program in the data bucket, from where every machine fetches it."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from botocore.exceptions import ClientError

from container.build import build

KEY = "program/job.pyz"
# The same sources give the same bytes (container/build.py), so this tells whether it changed.
_DIGEST = "sha256"


def upload(s3: Any, bucket: str) -> bool:
    """Store the program of this working copy, unless the bucket has that very one.

    A machine fetches it at its start and within five minutes; a job that runs keeps its own.
    Whether it was stored is the answer.
    """
    with TemporaryDirectory() as folder:
        program = Path(folder, "job.pyz")
        build(program)
        content = program.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if _stored(s3, bucket) == digest:
        return False
    s3.put_object(Bucket=bucket, Key=KEY, Body=content, Metadata={_DIGEST: digest})
    return True


def _stored(s3: Any, bucket: str) -> str | None:
    try:
        found = s3.head_object(Bucket=bucket, Key=KEY)
    except ClientError as error:
        # 403 as well, where one may not list: S3 then does not tell whether there is an object.
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
            return None
        raise
    digest: str | None = found["Metadata"].get(_DIGEST)
    return digest
