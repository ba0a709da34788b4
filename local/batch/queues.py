"""Where jobs wait and run, made, changed and removed: queues, compute environments, policies.

What Batch does over minutes is done at once here: an environment is VALID when it is made.
"""

import threading

from pydantic import JsonValue

from local.batch.arns import Account
from local.batch.errors import ClientException
from local.batch.policies import SchedulingPolicy
from local.batch.queue_requests import (
    CreateComputeEnvironment,
    CreateJobQueue,
    CreateSchedulingPolicy,
    Order,
    UpdateComputeEnvironment,
    UpdateJobQueue,
    UpdateSchedulingPolicy,
)
from local.batch.resources import Resources
from local.batch.shapes import ComputeEnvironment, JobQueue


class Queues:
    """The queues and what they stand on; safe to use from several threads."""

    def __init__(self, resources: Resources, account: Account) -> None:
        self._resources = resources
        self._account = account
        self._lock = threading.Lock()

    def create_environment(self, request: CreateComputeEnvironment) -> ComputeEnvironment:
        """Add a compute environment."""
        name = request.compute_environment_name
        if request.type == "MANAGED" and request.compute_resources is None:
            raise ClientException("a MANAGED compute environment needs computeResources")
        with self._lock:
            if self._resources.compute_environments.get(name) is not None:
                raise ClientException(f"compute environment {name} exists already")
            environment = ComputeEnvironment.model_validate(
                request.document()
                | {
                    "computeEnvironmentArn": self._account.batch("compute-environment", name),
                    "ecsClusterArn": self._account.ecs("cluster", f"AWSBatch-{name}"),
                }
            )
            self._resources.compute_environments.put(environment)
            return environment

    def update_environment(self, request: UpdateComputeEnvironment) -> ComputeEnvironment:
        """Change a compute environment; members of its resources that are not given stay."""
        with self._lock:
            before = self._resources.compute_environment(request.compute_environment)
            changes = request.document()
            del changes["computeEnvironment"]
            if request.compute_resources is not None:
                resources = (before.compute_resources or {}) | request.compute_resources
                changes["computeResources"] = resources
            after = ComputeEnvironment.model_validate(before.document() | changes)
            self._resources.compute_environments.put(after)
            return after

    def delete_environment(self, reference: str) -> None:
        """Remove a compute environment that is DISABLED and in no queue; again is no error."""
        with self._lock:
            environment = self._resources.compute_environments.get(reference)
            if environment is None:
                return
            if environment.state != "DISABLED":
                raise ClientException("Cannot delete, the compute environment is not DISABLED")
            arn = environment.compute_environment_arn
            if any(
                arn == one.compute_environment
                for queue in self._resources.queues.all()
                for one in queue.compute_environment_order
            ):
                raise ClientException("Cannot delete, found existing JobQueue relationship")
            self._resources.compute_environments.remove(environment)

    def create_queue(self, request: CreateJobQueue) -> JobQueue:
        """Add a queue over compute environments that exist."""
        name = request.job_queue_name
        with self._lock:
            if self._resources.queues.get(name) is not None:
                raise ClientException(f"job queue {name} exists already")
            if request.scheduling_policy_arn is not None:
                self._resources.policy(request.scheduling_policy_arn)
            queue = JobQueue.model_validate(
                request.document()
                | {
                    "jobQueueArn": self._account.batch("job-queue", name),
                    "computeEnvironmentOrder": self._order(request.compute_environment_order),
                }
            )
            self._resources.queues.put(queue)
            return queue

    def update_queue(self, request: UpdateJobQueue) -> JobQueue:
        """Change a queue. Its scheduling policy can be replaced, never added."""
        with self._lock:
            before = self._resources.queue(request.job_queue)
            changes = request.document()
            del changes["jobQueue"]
            if request.scheduling_policy_arn is not None:
                self._resources.policy(request.scheduling_policy_arn)
                if before.scheduling_policy_arn is None:
                    raise ClientException("a job queue without a scheduling policy takes none")
            if request.compute_environment_order is not None:
                order = self._order(request.compute_environment_order)
                changes["computeEnvironmentOrder"] = order
            after = JobQueue.model_validate(before.document() | changes)
            self._resources.queues.put(after)
            return after

    def delete_queue(self, reference: str) -> JobQueue | None:
        """Remove a queue that is DISABLED, and answer it; None if there is none."""
        with self._lock:
            queue = self._resources.queues.get(reference)
            if queue is None:
                return None
            if queue.state != "DISABLED":
                raise ClientException("Cannot delete, the job queue is not DISABLED")
            self._resources.queues.remove(queue)
            return queue

    def create_policy(self, request: CreateSchedulingPolicy) -> SchedulingPolicy:
        """Add a scheduling policy."""
        with self._lock:
            if self._resources.policies.get(request.name) is not None:
                raise ClientException(f"scheduling policy {request.name} exists already")
            arn = self._account.batch("scheduling-policy", request.name)
            policy = SchedulingPolicy.model_validate(request.document() | {"arn": arn})
            self._resources.policies.put(policy)
            return policy

    def update_policy(self, request: UpdateSchedulingPolicy) -> None:
        """Replace what a scheduling policy says."""
        with self._lock:
            before = self._resources.policy(request.arn)
            changes = {"fairshare_policy": request.fairshare_policy}
            self._resources.policies.put(before.model_copy(update=changes))

    def delete_policy(self, arn: str) -> None:
        """Remove a scheduling policy that no queue has; again is no error."""
        with self._lock:
            policy = self._resources.policies.get(arn)
            if policy is None:
                return
            if any(
                queue.scheduling_policy_arn == policy.arn for queue in self._resources.queues.all()
            ):
                raise ClientException("Cannot delete, a job queue uses the scheduling policy")
            self._resources.policies.remove(policy)

    def _order(self, asked: Order) -> list[JsonValue]:
        """The compute environments by ARN, the first to be used first."""
        return [
            {
                "order": one.order,
                "computeEnvironment": self._resources.compute_environment(
                    one.compute_environment
                ).compute_environment_arn,
            }
            for one in sorted(asked, key=lambda one: one.order)
        ]
