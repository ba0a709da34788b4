"""What EC2 says of machines of one's own, where it is news."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from shared.events import MachineDescribed, MachineOverdue
from shared.machine_runs import found
from shared.machines import Machines, described
from shared.runs import Run
from shared.telemetry import log


def machines_of_runs(
    runs: Iterable[Run], machines: Machines, now: datetime
) -> Iterator[MachineDescribed]:
    """EC2's answer about the machine of each run, unless it leaves the record as it is."""
    waiting = [(run, run.machine.instance_id) for run in runs if run.machine is not None]
    known = machines.describe(instance_id for _, instance_id in waiting)
    for run, instance_id in waiting:
        machine = known.get(instance_id)
        if found(run, machine, now) is not run or run.stop_asked is not None:
            log.info("machine asked after", run_id=run.run_id, instance_id=instance_id)
            yield described(run, instance_id, machine)


def machines_overdue(machines: Machines, stack: str, now: datetime) -> Iterator[MachineOverdue]:
    """The machines that still run though they should have ended, whether they have a run or not."""
    for overdue in machines.overdue(stack, now):
        log.warning("machine overdue", instance_id=overdue.instance_id)
        yield overdue
