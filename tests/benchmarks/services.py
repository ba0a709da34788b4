"""The services' handlers in this process, with the settings that they would have in AWS."""

import importlib
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from local.aws import clean_environment
from shared.entry import Handler

SERVICES = ("webhook", "parser", "submitter", "monitor", "notifier")
HOOK_UUID = "4b1ed7a2-9c3f-4e0b-8a55-7d2c6f1b0e93"
HOOK_SECRET = "sample-webhook-secret"
HOOKS, AUTH = "acme/development/bitbucket-webhook-uuids", "acme/development/bitbucket-auth"
JOB_QUEUE = "arn:aws:batch:eu-west-1:123456789012:job-queue/acme-development"
_QUEUES = "https://sqs.eu-west-1.amazonaws.com/123456789012/acme-development-"
SETTINGS = {
    "AUTHORISED_HOOKS_SECRET": HOOKS,
    "BATCH_EVENTS_QUEUE_URL": f"{_QUEUES}batch-events",
    "BITBUCKET_API_URL": "https://api.bitbucket.org/2.0",
    "BITBUCKET_AUTH_SECRET": AUTH,
    "DATA_BUCKET": "acme-development-data",
    "ENVIRONMENT": "development",
    "EVENT_BUS": "acme-development-cloud-runner",
    "GPU_JOB_QUEUE": JOB_QUEUE,
    "JOB_QUEUE": JOB_QUEUE,
    "KEYWORD_PREFIX": "ACME",
    "LEASE_SECONDS": "330",
    "LOG_LEVEL": "INFO",
    "MAX_GPUS": "8",
    "MAX_MEMORY_MIB": "249856",
    "MAX_SWEEP_POINTS": "1000",
    "MAX_VCPUS": "64",
    "ORGANIZATION": "acme",
    "PUSHES_QUEUE_URL": f"{_QUEUES}pushes",
    "REQUIRE_SIGNATURE": "true",
    "RUNS_QUEUE_URL": f"{_QUEUES}runs",
    "RUNS_TABLE": "acme-development-runs",
    "STATUSES_QUEUE_URL": f"{_QUEUES}statuses",
    "SWEEPS_QUEUE_URL": f"{_QUEUES}sweeps",
    "TOLERATED_FAILURE_PERCENT": "0",
    "UNSEEN_SECONDS": "600",
}


@contextmanager
def built() -> Iterator[Mapping[str, Handler]]:
    """The handlers by service; what they log while the block runs is written, and thrown away."""
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
        patch.dict(os.environ, clean_environment() | SETTINGS, clear=True),
    ):
        apps = {name: importlib.import_module(f"services.{name}.app") for name in SERVICES}
        yield {name: app.build() for name, app in apps.items()}


@contextmanager
def kept_for_good() -> Iterator[None]:
    """What functions keep for a minute is kept, however long the machine takes for the block."""
    keepers = ("services.submitter.definitions", "services.submitter.queues", "shared.secrets")
    with ExitStack() as patches:
        for keeper in keepers:
            patches.enter_context(patch(f"{keeper}._KEPT_SECONDS", math.inf))
        yield


def say(text: str) -> None:
    """Tell the person who waits, whatever standard output is at the moment."""
    print(text, file=sys.stderr, flush=True)
