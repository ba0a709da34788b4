"""What stands still: job definitions with their revisions, and where jobs wait and run."""

import threading

from local.batch.arns import Account, name_in
from local.batch.errors import ClientException
from local.batch.policies import FairShare, SchedulingPolicy
from local.batch.requests import RegisterJobDefinition
from local.batch.shapes import ComputeEnvironment, JobDefinition, JobQueue
from local.batch.shelf import Shelf
from local.batch.store import Store


class Resources:
    """All of them; safe to use from several threads."""

    def __init__(self, store: Store, account: Account) -> None:
        self._account = account
        self._lock = threading.Lock()
        self.definitions = Shelf(store, "definition", JobDefinition, _revision)
        self.queues = Shelf(store, "queue", JobQueue, lambda one: one.job_queue_name)
        self.compute_environments = Shelf(
            store,
            "compute environment",
            ComputeEnvironment,
            lambda one: one.compute_environment_name,
        )
        self.policies = Shelf(store, "scheduling policy", SchedulingPolicy, lambda one: one.name)

    def shelf(
        self, kind: str
    ) -> (
        Shelf[JobDefinition] | Shelf[JobQueue] | Shelf[ComputeEnvironment] | Shelf[SchedulingPolicy]
    ):
        """The resources of a kind as ARNs name it."""
        match kind:
            case "job-definition":
                return self.definitions
            case "job-queue":
                return self.queues
            case "compute-environment":
                return self.compute_environments
            case "scheduling-policy":
                return self.policies
            case _:
                raise ClientException(f"no resources of the kind {kind!r}")

    def register(self, request: RegisterJobDefinition) -> JobDefinition:
        """Add a definition's next revision."""
        with self._lock:
            name = request.job_definition_name
            revision = 1 + max((one.revision for one in self.revisions(name)), default=0)
            definition = JobDefinition(
                job_definition_name=name,
                job_definition_arn=self._account.batch("job-definition", f"{name}:{revision}"),
                revision=revision,
                type=request.type,
                parameters=request.parameters,
                retry_strategy=request.retry_strategy,
                container_properties=request.container_properties,
                timeout=request.timeout,
                tags=request.tags,
                propagate_tags=request.propagate_tags,
                platform_capabilities=request.platform_capabilities or ("EC2",),
                scheduling_priority=request.scheduling_priority,
            )
            self.definitions.put(definition)
            return definition

    def deregister(self, reference: str) -> None:
        """Make a revision INACTIVE: no new job can use it. Again is no error."""
        definition = self.definitions.get(reference)
        if definition is None:
            raise ClientException(f"job definition {reference} does not exist")
        self.definitions.put(definition.model_copy(update={"status": "INACTIVE"}))

    def revisions(self, name: str) -> list[JobDefinition]:
        """All revisions of a name."""
        return [one for one in self.definitions.all() if one.job_definition_name == name]

    def active(self, reference: str) -> JobDefinition:
        """The revision that a job asks for: `name:revision`, an ARN, or the latest of a name."""
        name = name_in(reference)
        found = [self.definitions.get(name)] if ":" in name else self.revisions(name)[::-1]
        for definition in found:
            if definition is not None and definition.status == "ACTIVE":
                return definition
        raise ClientException(f"job definition {reference} does not exist or is not active")

    def queue(self, reference: str) -> JobQueue:
        """A queue that exists."""
        queue = self.queues.get(reference)
        if queue is None:
            raise ClientException(f"job queue {reference} does not exist")
        return queue

    def compute_environment(self, reference: str) -> ComputeEnvironment:
        """A compute environment that exists."""
        environment = self.compute_environments.get(reference)
        if environment is None:
            raise ClientException(f"compute environment {reference} does not exist")
        return environment

    def policy(self, reference: str) -> SchedulingPolicy:
        """A scheduling policy that exists."""
        policy = self.policies.get(reference)
        if policy is None:
            raise ClientException(f"scheduling policy {reference} does not exist")
        return policy

    def fair_share(self, queue_arn: str) -> FairShare:
        """How a queue's jobs share its machines; of a queue without a policy, as one share."""
        queue = self.queues.get(queue_arn)
        if queue is None or queue.scheduling_policy_arn is None:
            return FairShare()
        policy = self.policies.get(queue.scheduling_policy_arn)
        return (
            FairShare()
            if policy is None or policy.fairshare_policy is None
            else policy.fairshare_policy
        )


def _revision(definition: JobDefinition) -> str:
    return f"{definition.job_definition_name}:{definition.revision}"
