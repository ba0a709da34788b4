"""Batch's operations on definitions and tags, and those that describe queues and environments."""

from collections.abc import Callable, Mapping
from functools import partial

from local.batch import requests
from local.batch.errors import ClientException
from local.batch.listing import page
from local.batch.requests import parse
from local.batch.resources import Resources
from local.batch.shapes import Document, Shape
from local.batch.shelf import Resource, Shelf
from local.batch.tags import TagIndex

Operation = Callable[[Document], Document]


class ResourceOperations:
    """Each operation a method from a request to an answer."""

    def __init__(self, resources: Resources, tags: TagIndex) -> None:
        self._resources = resources
        self._tags = tags

    def by_name(self) -> Mapping[str, Operation]:
        """The operations, as Batch names them."""
        resources = self._resources
        return {
            "DescribeComputeEnvironments": partial(
                _describe, "computeEnvironments", resources.compute_environments
            ),
            "DescribeJobQueues": partial(_describe, "jobQueues", resources.queues),
            "RegisterJobDefinition": self._register_job_definition,
            "DeregisterJobDefinition": self._deregister_job_definition,
            "DescribeJobDefinitions": self._describe_job_definitions,
            "ListTagsForResource": self._tags.list,
            "TagResource": self._tags.add,
            "UntagResource": self._tags.remove,
        }

    def _register_job_definition(self, request: Document) -> Document:
        if request["type"] != "container" or "containerProperties" not in request:
            raise ClientException("the embedded endpoint knows container definitions only")
        made = self._resources.register(parse(requests.RegisterJobDefinition, request))
        return {
            "jobDefinitionName": made.job_definition_name,
            "jobDefinitionArn": made.job_definition_arn,
            "revision": made.revision,
        }

    def _deregister_job_definition(self, request: Document) -> Document:
        self._resources.deregister(str(request["jobDefinition"]))
        return {}

    def _describe_job_definitions(self, request: Document) -> Document:
        asked = parse(requests.DescribeJobDefinitions, request)
        shelf = self._resources.definitions
        if asked.job_definitions:
            named = [shelf.get(reference) for reference in asked.job_definitions]
            found = [definition for definition in named if definition is not None]
        else:
            found = [
                one
                for one in shelf.all()[::-1]
                if asked.job_definition_name in (None, one.job_definition_name)
                and asked.status in (None, one.status)
            ]
        found.sort(key=shelf.position, reverse=True)
        part = page(found, lambda one: -shelf.position(one), asked.max_results, asked.next_token)
        return part.document("jobDefinitions", Shape.document)


def _describe(member: str, shelf: Shelf[Resource], request: Document) -> Document:
    asked = parse(requests.DescribeByName, request | {"names": request.get(member, [])})
    if asked.names:
        named = (shelf.get(reference) for reference in asked.names)
        found = [resource for resource in named if resource is not None]
        found.sort(key=shelf.position)
    else:
        found = shelf.all()
    part = page(found, shelf.position, asked.max_results, asked.next_token)
    return part.document(member, Shape.document)
