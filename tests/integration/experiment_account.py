"""An account of moto's with what `experiments` needs of a stack, beside the Bitbucket stand-in."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.bitbucket.client import Client
from tests.integration.bitbucket_stand_in import TOKEN
from tests.integration.command_line import ROOT, Here, account
from tests.integration.service_chain import TABLE, runs_table

_AUTH = "acme/development/bitbucket-auth"


@contextmanager
def experiment_account(monkeypatch: pytest.MonkeyPatch, stand_in: Client) -> Iterator[Here]:
    """The account, which every command finds; its queue of runs is called `runs`."""
    with account(monkeypatch) as here, runs_table(here.client("dynamodb")):
        queue = here.client("sqs").create_queue(QueueName="runs")["QueueUrl"]
        here.client("events").create_event_bus(Name="bus")
        secret = json.dumps({"kind": "access_token", "token": TOKEN})
        here.client("secretsmanager").create_secret(Name=_AUTH, SecretString=secret)
        outputs = {
            "BitbucketApiUrl": f"{stand_in.url}/2.0",
            "BitbucketGitUrl": stand_in.url,
            "EventBusName": "bus",
            "KeywordPrefix": "ACME",
            "RunsQueueUrl": queue,
            "RunsTableName": TABLE,
        }
        limits = {
            "MaxGpus": "8",
            "MaxMemoryMiB": "65536",
            "MaxSweepPoints": "1000",
            "MaxVcpus": "16",
            "ToleratedFailurePercent": "0",
        }
        here.stacks.deploy(ROOT, outputs, limits)
        yield here
