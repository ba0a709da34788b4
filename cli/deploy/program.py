"""What the data bucket holds for all projects: the job's program, and the template of a project."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from botocore.exceptions import ClientError

from container.build import build
from local.layout import PROJECT

PREFIX = "program/"
# The same sources give the same bytes (container/build.py), so this tells whether one changed.
_DIGEST = "sha256"


def files() -> Mapping[str, bytes]:
    """The files of this working copy, by name.

    A machine fetches the program at its start and within minutes after it changed; a job that runs
    keeps its own. People who add projects may hand CloudFormation that template and no other.
    """
    with TemporaryDirectory() as folder:
        program = Path(folder, "job.pyz")
        build(program)
        content = program.read_bytes()
    return {"job.pyz": content, "project.yaml": (PROJECT / "container/project.yaml").read_bytes()}


def upload(s3: Any, bucket: str) -> list[str]:
    """Store what the bucket does not have in this very form; the names of what was stored."""
    stored = []
    for name, content in files().items():
        key, digest = f"{PREFIX}{name}", hashlib.sha256(content).hexdigest()
        if _stored(s3, bucket, key) != digest:
            s3.put_object(Bucket=bucket, Key=key, Body=content, Metadata={_DIGEST: digest})
            stored.append(name)
    return stored


def _stored(s3: Any, bucket: str, key: str) -> str | None:
    try:
        found = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        # 403 as well, where one may not list: S3 then does not tell whether there is an object.
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
            return None
        raise
    digest: str | None = found["Metadata"].get(_DIGEST)
    return digest
