"""A project's ECR repository: whether it is there, and its newest image."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cli.account import asking


@dataclass(frozen=True)
class Image:
    """An image: its digest, its tags, when it was pushed (ISO 8601)."""

    digest: str
    tags: tuple[str, ...]
    pushed: str


class Images:
    """The ECR repository called `name`."""

    def __init__(self, ecr: Any, name: str) -> None:
        self._ecr = ecr
        self.name = name

    def exists(self) -> bool:
        """Whether there is such a repository."""
        with asking(f"looking for the ECR repository {self.name}"):
            try:
                self._ecr.describe_repositories(repositoryNames=[self.name])
            except ClientError as error:
                if error.response["Error"]["Code"] == "RepositoryNotFoundException":
                    return False
                raise
        return True

    def newest(self) -> Image | None:
        """The image that was pushed last; None if there is none."""
        with asking(f"looking for images in {self.name}"):
            try:
                pages = self._ecr.get_paginator("describe_images").paginate(
                    repositoryName=self.name
                )
                found = [image for page in pages for image in page["imageDetails"]]
            except ClientError as error:
                if error.response["Error"]["Code"] == "RepositoryNotFoundException":
                    return None
                raise
        if not found:
            return None
        last = max(found, key=lambda image: image["imagePushedAt"])
        pushed = last["imagePushedAt"].isoformat(timespec="seconds")
        return Image(last["imageDigest"], tuple(last.get("imageTags", ())), pushed)

    def delete(self) -> None:
        """Delete the repository with all its images; nothing if there is none."""
        with asking(f"deleting the ECR repository {self.name}"):
            try:
                self._ecr.delete_repository(repositoryName=self.name, force=True)
            except ClientError as error:
                if error.response["Error"]["Code"] != "RepositoryNotFoundException":
                    raise
