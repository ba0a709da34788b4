"""What a message about a machine of one's own does: to its run's record, or to the machine."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from services.monitor.dependencies import Dependencies
from shared.control import end_machine
from shared.events import (
    Envelope,
    MachineDescribed,
    MachineOverdue,
    MachineReported,
    Model,
    Moment,
    RunId,
)
from shared.machine_runs import found, is_machine_of, reported
from shared.machines import MachineDetail
from shared.names import MAX_NAME
from shared.runs import Run
from shared.telemetry import bind_run, log


# A clock that nobody has set begins in 1970 or so, and what it says tells nothing. EC2 gives its
# machines the time as they boot, so a report like that is none of theirs, and is refused whole.
def _a_time(moment: datetime) -> datetime:
    if moment.tzinfo is None or not 2000 <= moment.year < 9000:
        message = "no time of a machine's clock"
        raise ValueError(message)
    return moment


_Time = Annotated[Moment, AfterValidator(_a_time)]


class _Bounds(Model):
    """What a record and its events have room for: on a machine runs anybody's experiment."""

    run_id: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    exit_code: Annotated[int | None, Field(gt=-(2**31), lt=2**32)] = None
    archive: Annotated[str | None, Field(max_length=2048)] = None
    started_at: _Time | None = None
    stopped_at: _Time | None = None


def hear_report(message: Envelope, needs: Dependencies) -> Run | None:
    """The run that its machine speaks of, as it stands after that."""
    _Bounds.model_validate(message.detail)
    report = MachineReported.model_validate(message.detail)
    run = _change(report.run_id, lambda run: reported(run, report, needs.clock()), needs)
    log.info("machine reported", instance_id=report.instance_id, state=report.state)
    return _followed(run, report.instance_id, report.attempt, needs)


def hear_description(message: Envelope, needs: Dependencies) -> Run | None:
    """The run whose machine EC2 was asked about, as it stands after the answer."""
    answer = MachineDescribed.model_validate(message.detail)
    machine = None if answer.instance is None else MachineDetail.model_validate(answer.instance)

    def move(run: Run) -> Run:
        same = is_machine_of(answer.instance_id, answer.attempt, run)
        return found(run, machine, needs.clock()) if same else run

    run = _change(answer.run_id, move, needs)
    return _followed(run, answer.instance_id, answer.attempt, needs)


def end_overdue(message: Envelope, needs: Dependencies) -> None:
    """End a machine that should have ended itself, if that is still so.

    The message may have waited, in the dead-letter queue even, while somebody gave it more time.
    """
    overdue = MachineOverdue.model_validate(message.detail)
    machine = needs.machines.describe([overdue.instance_id]).get(overdue.instance_id)
    if machine is None or not machine.overdue(needs.clock()):
        log.info("machine no longer overdue", instance_id=overdue.instance_id)
        return
    log.warning("overdue machine ended", instance_id=machine.instance_id, how=machine.afterwards)
    needs.machines.end(machine.instance_id, machine.afterwards)


def _change(run_id: RunId, move: Callable[[Run], Run], needs: Dependencies) -> Run | None:
    bind_run(run_id)
    return needs.runs.change(run_id, move)


def _followed(run: Run | None, instance_id: str, attempt: int, needs: Dependencies) -> Run | None:
    """The run, if that is its machine; the machine is ended where somebody asked for that."""
    if run is None or not is_machine_of(instance_id, attempt, run):
        log.warning("not the machine of the run", instance_id=instance_id)
        return None
    end_machine(run, needs.machines)
    return run
