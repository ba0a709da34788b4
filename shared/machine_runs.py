"""What is said of a run's own machine, and what that does to the record: forward, or nothing.

The machine itself reports that the run has begun and how it ended. Where its last word does not
come, EC2's word that the machine has ended, or went on, stands in for it: until the machine's own
comes after all, which may have been on its way for long.
"""

from datetime import datetime, timedelta

from shared import exits
from shared.endings import LONGEST_REASON
from shared.events import Machine, MachineReported, State
from shared.machines import GRACE, MachineDetail
from shared.runs import Run, Stop, finish, rank, stopped_by

# So long after its end a machine that EC2 still shows as running, and that nobody could end, will
# say nothing any more.
_SILENT = timedelta(hours=1)
_KILLED = 137
_WENT_ON = "the machine went on with another run, and never said how this one ended"
_TAKEN_AWAY = "spot interruption: the machine was taken away"
# EC2 API reference, StateReason.
_REASONS = {
    "Client.InstanceInitiatedShutdown": "the machine shut itself down, and could not say how the "
    "run ended",
    "Client.UserInitiatedShutdown": "somebody ended the machine, and it could not say how the run "
    "ended",
    "Server.InternalError": "the machine was ended by an error of EC2's",
    "Server.ScheduledStop": "EC2 has taken the machine's hardware out of service",
    "Server.SpotInstanceShutdown": _TAKEN_AWAY,
    "Server.SpotInstanceTermination": _TAKEN_AWAY,
}


def is_machine_of(instance_id: str, attempt: int, run: Run) -> bool:
    """Whether the current attempt of `run` has this machine."""
    return (
        run.machine is not None
        and run.machine.instance_id == instance_id
        and run.attempt == attempt
    )


def begun(run: Run, now: datetime, *, sent_at: datetime | None = None) -> Run:
    """The record after the machine has taken the run on; it may have said more by now.

    `sent_at` is when it was told to: its answer comes after it has begun.
    """
    if run.machine is None or run.state != "requested":
        return run
    return run.changed(state="submitted", submitted_at=sent_at or now, updated_at=now)


def reported(run: Run, report: MachineReported, now: datetime) -> Run:
    """The record after the machine said `report`: moved forward, or the same if it is old news.

    Its last word takes the place of an end that was inferred without it.
    """
    ours = is_machine_of(report.instance_id, report.attempt, run)
    corrects = run.inferred and report.state != "running"
    if run.machine is None or not ours or not (corrects or rank(report.state) > rank(run.state)):
        return run
    started_at = _no_later(report.started_at, now) or run.started_at
    stopped_at = _no_later(report.stopped_at, now)
    # The report may be here before the answer to the order, and the machine's clock be behind.
    submitted_at = min(filter(None, (run.submitted_at, now, started_at, stopped_at)))
    moved = run.changed(submitted_at=submitted_at, updated_at=now)
    if report.state == "running":
        return moved.changed(state="running", started_at=started_at or now)
    state, reason = _ending(run, report)
    return moved.changed(
        state=state,
        reason=reason,
        exit_code=report.exit_code,
        machine=run.machine.model_copy(update={"archive": report.archive}),
        started_at=started_at,
        stopped_at=stopped_at or now,
        inferred=False,
    )


def found(run: Run, machine: MachineDetail | None, now: datetime) -> Run:
    """The record after EC2 said `machine` of the run's own; None: it has not spoken of it.

    A machine that ended, or went on with another run, without a word of its own leaves a run that
    has failed, or was stopped if somebody had asked for that.
    """
    if run.machine is None or run.final:
        return run
    # Whether a run that is requested is begun at all, the command that asked for it knows better.
    gone_on = run.state != "requested" and machine is not None and went_on(run, machine)
    reason = _WENT_ON if gone_on else _lost(run.machine, machine, run.stop_asked, now)
    if reason is None:
        return _put_off(run, run.machine, machine, now)
    if run.stop_asked is not None:
        ended = finish(run, "stopped", stopped_by(run.stop_asked), now)
    else:
        ended = finish(run, "failed", reason, now)
    return ended.changed(inferred=True)


def _put_off(run: Run, ours: Machine, machine: MachineDetail | None, now: datetime) -> Run:
    """The record with the end that the machine's tag says, if it was given more time meanwhile.

    An answer that leaves the machine out says nothing of it.
    """
    if machine is None or machine.ends_at is None or machine.ends_at <= ours.ends_at:
        return run
    later = ours.model_copy(update={"ends_at": machine.ends_at})
    return run.changed(machine=later, updated_at=now)


def went_on(run: Run, machine: MachineDetail) -> bool:
    """Whether the machine of `run` has another run, by its tag.

    The tag is written once a run has begun, or not at all where that did not succeed: then it names
    the run before, which a run that has begun has outlived.
    """
    before = None if run.state == "requested" else run.after
    return machine.run_id not in (None, run.run_id, before)


def _ending(run: Run, report: MachineReported) -> tuple[State, str | None]:
    said = report.reason and report.reason[:LONGEST_REASON]
    if report.state == "succeeded":
        return "succeeded", said
    if run.stop_asked is not None:
        return "stopped", stopped_by(run.stop_asked)
    return "failed", said or _exit_code(run, report.exit_code)


def _exit_code(run: Run, code: int | None) -> str:
    """How the experiment ended; what runs without a project has codes of its own."""
    if code is None:
        return "the machine gave no reason"
    if code == _KILLED:
        return "exit code 137: killed, which often means out of memory: take a larger machine"
    if run.repository is None:
        return f"exit code {code}"
    known = exits.words(code)
    if code == exits.Exit.OUT_OF_MEMORY:
        known = "out of memory: take a larger machine"
    return f"exit code {code}" if known is None else f"{known} (exit code {code})"


def _lost(
    ours: Machine, machine: MachineDetail | None, stopped: Stop | None, now: datetime
) -> str | None:
    """Why nothing will come of the run any more; None while something may."""
    if machine is None:
        # A filtered answer may leave out one that there is, and one that has ended is described for
        # about an hour (EC2 API reference, TerminateInstances). Unseen at its own end, or so long
        # after somebody has ended it, it is gone.
        ended_by = ours.ends_at + GRACE if stopped is None else stopped.at + _SILENT
        if now < min(ended_by, ours.ends_at + GRACE):
            return None
        return "EC2 does not know the machine any more: how the run ended is not known"
    # It may have been given more time since: its tag says so.
    ends_at = max(ours.ends_at, machine.ends_at or ours.ends_at)
    late = f"the machine did not end itself at its end, {ends_at:%Y-%m-%d %H:%M} UTC"
    if not machine.over:
        return f"{late}, and says nothing" if now >= ends_at + _SILENT else None
    code, message = machine.state_reason.code, machine.state_reason.message
    if code == "Client.UserInitiatedShutdown" and now >= ends_at + GRACE:
        return f"{late}, and was ended"
    known = _REASONS.get(code or "")
    said = (message or f"it is {machine.state.name}")[:LONGEST_REASON]
    return known or f"the machine ended without a word on the run: {said}"


def _no_later(moment: datetime | None, now: datetime) -> datetime | None:
    """A moment of the machine's clock, which may be ahead of ours.

    Not by far: AWS takes no request whose time is more than some minutes off (IAM user guide,
    "Signature Version 4").
    """
    return None if moment is None else min(moment, now)
