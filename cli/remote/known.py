"""The machines of an environment with what is known of each: its bill's basis, and its run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cli.asking import asking, reaching
from cli.deployed import Deployed
from cli.remote.costing import Time
from cli.remote.machine import Ec2, MachineFacts, read
from cli.requests import Requests
from shared import machine_tags
from shared.aws import calling
from shared.events import RunId
from shared.runs import Run


@dataclass(frozen=True)
class Known:
    """A machine, its time since it was started last, and the run that it has or had last.

    `run` is None where there was none, and where its record is not to be had.
    """

    machine: MachineFacts
    time: Time
    run: Run | None = None

    @property
    def up(self) -> bool:
        """Whether it runs, or is about to."""
        return self.machine.state in ("pending", "running")

    @property
    def busy(self) -> bool:
        """Whether it runs something; where that is not known it may."""
        return self.machine.run_id is not None and (self.run is None or not self.run.final)


def known(ec2: Ec2, deployed: Deployed | None) -> list[Known]:
    """The machines that `remote` works with, the one that was started last first.

    They are found by their tags. Without a stack, which may be gone before its machines, there are
    no records of runs.

    Raises:
        AccountError: EC2 or DynamoDB refuses, or fails.

    """
    with reaching("looking for machines"):
        instances = list(_instances(ec2))
    requests = None if deployed is None else Requests(ec2.account, deployed)
    machines = sorted(instances, key=lambda one: one["LaunchTime"], reverse=True)
    return [_known(instance, requests) for instance in machines]


def _known(instance: Mapping[str, Any], requests: Requests | None) -> Known:
    machine, run = read(instance), None
    if machine.run_id is not None and requests is not None:
        with reaching(f"looking at the run of {machine.told}"):
            run = requests.records.get(RunId(machine.run_id))
    return Known(machine, Time.of(instance), run)


def _instances(ec2: Ec2) -> Iterator[Mapping[str, Any]]:
    # Batch's own machines have the first of the two tags as well: they are nobody's here.
    filters = [
        {"Name": f"tag:{machine_tags.STACK}", "Values": [ec2.stack_tag]},
        {"Name": "tag-key", "Values": [machine_tags.MACHINE]},
    ]
    doing = "looking for machines"
    with asking(doing), calling(doing):
        pages = ec2.client.get_paginator("describe_instances").paginate(Filters=filters)
        for page in pages:
            for reservation in page["Reservations"]:
                yield from reservation["Instances"]
