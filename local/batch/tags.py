"""The tags of queues, compute environments, definitions and jobs, found by ARN."""

from functools import partial

from local.batch.arns import name_in
from local.batch.errors import ClientException
from local.batch.jobs import Job
from local.batch.ledger import Ledger
from local.batch.requests import TagResource, UntagResource, parse
from local.batch.resources import Resources
from local.batch.shapes import Document


class TagIndex:
    """Reads and changes the tags of whatever an ARN names."""

    def __init__(self, resources: Resources, ledger: Ledger) -> None:
        self._resources = resources
        self._ledger = ledger

    def list(self, request: Document) -> Document:
        """ListTagsForResource."""
        return {"tags": dict(self._tags(str(request["resourceArn"])))}

    def add(self, request: Document) -> Document:
        """TagResource."""
        asked = parse(TagResource, request)
        self._replace(asked.resource_arn, self._tags(asked.resource_arn) | asked.tags)
        return {}

    def remove(self, request: Document) -> Document:
        """UntagResource."""
        asked = parse(UntagResource, request)
        tags = self._tags(asked.resource_arn)
        kept = {key: value for key, value in tags.items() if key not in asked.tag_keys}
        self._replace(asked.resource_arn, kept)
        return {}

    def _tags(self, arn: str) -> dict[str, str]:
        kind = _kind(arn)
        found = (
            self._ledger.get(name_in(arn))
            if kind == "job"
            else self._resources.shelf(kind).get(arn)
        )
        if found is None:
            raise ClientException(f"resource {arn} does not exist")
        return found.tags

    def _replace(self, arn: str, tags: dict[str, str]) -> None:
        if (kind := _kind(arn)) == "job":
            self._ledger.change(name_in(arn), partial(Job.changed, tags=tags))
        else:
            self._resources.shelf(kind).retag(arn, tags)


def _kind(arn: str) -> str:
    """The kind of resource in an ARN.

    >>> _kind("arn:aws:batch:eu-west-1:123456789012:job-queue/gpu")
    'job-queue'
    """
    return arn.rpartition("/")[0].rpartition(":")[2]
