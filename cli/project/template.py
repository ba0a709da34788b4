"""The template of projects' stacks where `cloud-runner deploy` has stored it: in the data bucket.

CloudFormation fetches it from there, so that IAM can hold project admins to this one template.
"""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cli.account import asking

KEY = "program/project.yaml"


@dataclass(frozen=True)
class StoredTemplate:
    """The template in `bucket`."""

    s3: Any
    bucket: str

    @property
    def url(self) -> str:
        """Its address, letter by letter as the policy of project admins has it (template.yaml)."""
        region = self.s3.meta.region_name
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        return f"https://{self.bucket}.s3.{region}.{suffix}/{KEY}"

    def text(self) -> str | None:
        """Its text; None if nobody has stored it."""
        with asking(f"reading s3://{self.bucket}/{KEY}"):
            try:
                answer = self.s3.get_object(Bucket=self.bucket, Key=KEY)
                text: str = answer["Body"].read().decode()
            except ClientError as error:
                # 403 as well, where one may not list: S3 then does not tell that it is missing.
                if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
                    return None
                raise
        return text
