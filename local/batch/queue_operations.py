"""Batch's operations on queues, compute environments and scheduling policies."""

from collections.abc import Callable, Mapping

from local.batch import queue_requests as requests
from local.batch.listing import page
from local.batch.queues import Queues
from local.batch.requests import parse
from local.batch.resources import Resources
from local.batch.shapes import Document

Operation = Callable[[Document], Document]


class QueueOperations:
    """Each operation a method from a request to an answer. DeleteJobQueue is one on jobs."""

    def __init__(self, queues: Queues, resources: Resources) -> None:
        self._queues = queues
        self._resources = resources

    def by_name(self) -> Mapping[str, Operation]:
        """The operations, as Batch names them."""
        return {
            "CreateComputeEnvironment": self._create_compute_environment,
            "UpdateComputeEnvironment": self._update_compute_environment,
            "DeleteComputeEnvironment": self._delete_compute_environment,
            "CreateJobQueue": self._create_job_queue,
            "UpdateJobQueue": self._update_job_queue,
            "CreateSchedulingPolicy": self._create_scheduling_policy,
            "UpdateSchedulingPolicy": self._update_scheduling_policy,
            "DeleteSchedulingPolicy": self._delete_scheduling_policy,
            "DescribeSchedulingPolicies": self._describe_scheduling_policies,
            "ListSchedulingPolicies": self._list_scheduling_policies,
        }

    def _create_compute_environment(self, request: Document) -> Document:
        made = self._queues.create_environment(parse(requests.CreateComputeEnvironment, request))
        return _named(made.document(), "computeEnvironment")

    def _update_compute_environment(self, request: Document) -> Document:
        made = self._queues.update_environment(parse(requests.UpdateComputeEnvironment, request))
        return _named(made.document(), "computeEnvironment")

    def _delete_compute_environment(self, request: Document) -> Document:
        self._queues.delete_environment(str(request["computeEnvironment"]))
        return {}

    def _create_job_queue(self, request: Document) -> Document:
        made = self._queues.create_queue(parse(requests.CreateJobQueue, request))
        return _named(made.document(), "jobQueue")

    def _update_job_queue(self, request: Document) -> Document:
        made = self._queues.update_queue(parse(requests.UpdateJobQueue, request))
        return _named(made.document(), "jobQueue")

    def _create_scheduling_policy(self, request: Document) -> Document:
        made = self._queues.create_policy(parse(requests.CreateSchedulingPolicy, request))
        return {"name": made.name, "arn": made.arn}

    def _update_scheduling_policy(self, request: Document) -> Document:
        self._queues.update_policy(parse(requests.UpdateSchedulingPolicy, request))
        return {}

    def _delete_scheduling_policy(self, request: Document) -> Document:
        self._queues.delete_policy(str(request["arn"]))
        return {}

    def _describe_scheduling_policies(self, request: Document) -> Document:
        asked = parse(requests.DescribeSchedulingPolicies, request)
        found = [self._resources.policies.get(arn) for arn in dict.fromkeys(asked.arns)]
        return {"schedulingPolicies": [one.document() for one in found if one is not None]}

    def _list_scheduling_policies(self, request: Document) -> Document:
        asked = parse(requests.ListSchedulingPolicies, request)
        shelf = self._resources.policies
        part = page(shelf.all(), shelf.position, asked.max_results, asked.next_token)
        return part.document("schedulingPolicies", lambda one: {"arn": one.arn})


def _named(document: Document, kind: str) -> Document:
    """What is answered about a resource that was made or changed: its name and its ARN."""
    return {member: document[member] for member in (f"{kind}Name", f"{kind}Arn")}
