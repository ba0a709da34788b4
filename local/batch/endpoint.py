"""The endpoint put together, from its settings to a port that answers."""

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import boto3
from botocore.config import Config

from local.batch.arns import Account, name_in
from local.batch.bus import DefaultBus, Sqs
from local.batch.container_executor import ContainerExecutor
from local.batch.control import Calls, Control
from local.batch.delivery import Delivery
from local.batch.environment import CloudAccess
from local.batch.events import Announcer
from local.batch.executors import Executor, ProcessExecutor
from local.batch.faults import Faults
from local.batch.job_operations import JobOperations
from local.batch.job_secrets import NoSecrets, SecretsManager, SecretSource
from local.batch.jobs import Job
from local.batch.ledger import Ledger
from local.batch.queue_operations import QueueOperations
from local.batch.queues import Queues
from local.batch.resource_operations import ResourceOperations
from local.batch.resources import Resources
from local.batch.scheduler import Scheduler
from local.batch.store import Store
from local.batch.tags import TagIndex
from local.batch.tries import Machine, Try
from local.batch.web import Endpoint
from local.serving import serving

# Between SIGTERM and SIGKILL, as ECS does it: Batch user guide, "Job timeouts".
_GRACE_SECONDS: Final = 30.0
# How long jobs have to end when the endpoint does.
_LEAVE_SECONDS: Final = 1.0
# How long the server takes at most to notice that it is to end.
# The AWS endpoint is on this machine; delivery tries again by itself.
_CLIENT: Final = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1})


@dataclass(frozen=True)
class Settings:
    """How the endpoint is started. `time_scale` shortens timeouts and graces in tests."""

    state_dir: Path
    port: int
    slots: int
    job_path: str
    executor: Literal["process", "podman", "docker"]
    time_scale: float
    aws_endpoint_url: str | None
    region: str
    access_key_id: str
    secret_access_key: str

    @property
    def account(self) -> Account:
        """The account that emulators derive from the key: the key itself if it has 12 digits."""
        key = self.access_key_id
        is_account = len(key) == 12 and key.isdecimal()
        return Account(key if is_account else "000000000000", self.region)


@contextlib.contextmanager
def running(settings: Settings) -> Iterator[int]:
    """The endpoint, answering on the port given while the context lasts; raises StoreInUse."""
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    with (
        socket.create_server(("127.0.0.1", settings.port)) as listener,
        contextlib.closing(Store(settings.state_dir / "batch.sqlite")) as store,
    ):
        port = listener.getsockname()[1]
        faults, calls = Faults(), Calls()
        account = settings.account
        aws = settings.aws_endpoint_url
        announcer = Announcer(account, _never if aws is None else faults.copies_of_event)
        resources, ledger = Resources(store, account), Ledger(store, announcer)
        machine = _machine(settings, port)
        scheduler = Scheduler(
            ledger,
            account,
            settings.slots,
            resources.fair_share,
            lambda job: _try(job, resources, machine),
        )
        queues = Queues(resources, account)
        operations = (
            ResourceOperations(resources, TagIndex(resources, ledger)),
            QueueOperations(queues, resources),
            JobOperations(account, resources, queues, ledger, scheduler),
        )
        application = Endpoint(
            {name: one for some in operations for name, one in some.by_name().items()},
            Control(faults, calls, resources, ledger, scheduler),
            faults,
            calls,
        )
        delivery = None if aws is None else _delivery(settings, store)
        scheduler.start()
        if delivery is not None:
            delivery.start()
        try:
            with serving(application, listener, port):
                yield port
        finally:
            scheduler.stop(_LEAVE_SECONDS)
            if delivery is not None:
                delivery.stop(_LEAVE_SECONDS)


def _never() -> int:
    return 0


def _delivery(settings: Settings, store: Store) -> Delivery:
    sqs = _client(settings, "sqs")
    return Delivery(store, DefaultBus(_client(settings, "events"), sqs), Sqs(sqs))


def _machine(settings: Settings, port: int) -> Machine:
    grace = _GRACE_SECONDS * settings.time_scale
    executor: Executor = (
        ProcessExecutor(settings.job_path, grace)
        if settings.executor == "process"
        else ContainerExecutor(settings.executor, grace)
    )
    cloud = CloudAccess(
        endpoint_url=settings.aws_endpoint_url,
        batch_endpoint_url=f"http://127.0.0.1:{port}",
        region=settings.region,
        access_key_id=settings.access_key_id,
        secret_access_key=settings.secret_access_key,
    )
    secrets: SecretSource = (
        NoSecrets()
        if settings.aws_endpoint_url is None
        else SecretsManager(_client(settings, "secretsmanager"))
    )
    return Machine(settings.state_dir, executor, secrets, cloud, settings.time_scale)


def _try(job: Job, resources: Resources, machine: Machine) -> Try:
    queue = resources.queue(job.job_queue)
    first = queue.compute_environment_order[0].compute_environment
    return Try(job, queue.job_queue_name, name_in(first), machine)


def _client(settings: Settings, service: Literal["events", "secretsmanager", "sqs"]) -> Any:
    return boto3.session.Session(
        aws_access_key_id=settings.access_key_id,
        aws_secret_access_key=settings.secret_access_key,
        region_name=settings.region,
    ).client(service, endpoint_url=settings.aws_endpoint_url, config=_CLIENT)
