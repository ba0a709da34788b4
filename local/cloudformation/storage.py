"""Templates in the embedded S3: those that requests name, and those that were rewritten."""

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from local.aws import REGION

BUCKET = "cloudformation-front-templates"


@dataclass(frozen=True)
class Storage:
    """S3, through a boto3 client."""

    client: Any

    def prepare(self) -> None:
        """Make the bucket of rewritten templates; again is no error in one account."""
        self.client.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )

    def read(self, url: str) -> str | None:
        """The text of the object at an address; None if there is none."""
        bucket, key = place(url)
        try:
            answer = self.client.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
                return None
            raise
        return str(answer["Body"].read().decode())

    def keep(self, text: str) -> str:
        """Keep a text; the address of its object."""
        key = hashlib.sha256(text.encode()).hexdigest()
        self.client.put_object(Bucket=BUCKET, Key=key, Body=text.encode())
        return f"{self.client.meta.endpoint_url}/{BUCKET}/{key}"


def place(url: str) -> tuple[str, str]:
    """The bucket and the key in an address of S3, in either of its two styles.

    >>> place("http://127.0.0.1:4566/bucket/a/b.yaml")
    ('bucket', 'a/b.yaml')
    >>> place("https://bucket.s3.eu-west-1.amazonaws.com/a/b.yaml")
    ('bucket', 'a/b.yaml')
    """
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path).lstrip("/")
    bucket, separator, _ = host.partition(".s3.")
    if separator:
        return bucket, path
    first, _, rest = path.partition("/")
    return first, rest
