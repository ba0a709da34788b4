"""What EC2 says of machines of one's own, and how they are ended.

Only the fields in use are read, of DescribeInstances' answer. What it means for the run is in
`shared.machine_runs`.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any

from botocore.exceptions import ClientError
from pydantic import Field

from shared import machine_tags
from shared.aws import calling
from shared.events import Afterwards, MachineDescribed, MachineOverdue, Model, Moment
from shared.runs import Run

# After the machine's end its watchdog gives an experiment a minute to stop and a quarter of an hour
# to store what there is, before it shuts the machine down, which takes a while: only then is a
# machine that still runs one that has not ended itself.
GRACE = timedelta(minutes=20)

# EC2 user guide, "Filter resources": up to 200 values per filter.
_IDS_PER_CALL = 200
_LIVE = ("pending", "running")
# EC2 API reference, "Error codes". A machine that is not there has ended; one that cannot be
# stopped as it is has ended as well, or is only beginning, and is then asked about once more.
_NOT_THERE = frozenset({"InvalidInstanceID.NotFound"})
_NOT_NOW = frozenset({"IncorrectInstanceState"})
_NEVER = frozenset({"UnsupportedOperation"})


class _State(Model):
    name: Annotated[str, Field(alias="Name")]


class _StateReason(Model):
    code: Annotated[str | None, Field(alias="Code")] = None
    message: Annotated[str | None, Field(alias="Message")] = None


class _Tag(Model):
    key: Annotated[str, Field(alias="Key")]
    value: Annotated[str, Field(alias="Value")] = ""


class MachineDetail(Model):
    """A machine as EC2 describes it; one that has been terminated is described for an hour."""

    instance_id: Annotated[str, Field(alias="InstanceId")]
    state: Annotated[_State, Field(alias="State")]
    state_reason: Annotated[_StateReason, Field(alias="StateReason")] = _StateReason()
    # When it was started last (EC2 API reference, Instance).
    launched_at: Annotated[Moment | None, Field(alias="LaunchTime")] = None
    tags: Annotated[tuple[_Tag, ...], Field(alias="Tags")] = ()

    @property
    def live(self) -> bool:
        """Whether it runs, or is about to."""
        return self.state.name in _LIVE

    @property
    def over(self) -> bool:
        """Whether it has ended; one that is shutting down may still say how its run ended."""
        return self.state.name in ("stopped", "terminated")

    @property
    def ends_at(self) -> datetime | None:
        """When it is to end itself at the latest, as its tag says."""
        return machine_tags.read_ends(self._tag(machine_tags.ENDS))

    @property
    def run_id(self) -> str | None:
        """The run that it has, or had last, as its tag says."""
        return self._tag(machine_tags.RUN) or None

    @property
    def afterwards(self) -> Afterwards:
        """How it is to end, as its tags say: what was given to us is not ours to terminate."""
        match self._tag(machine_tags.AFTERWARDS):
            case "terminate" | "stop" | "keep" as asked:
                return asked
        created = self._tag(machine_tags.MACHINE) == machine_tags.CREATED
        return "terminate" if created else "stop"

    def overdue(self, now: datetime) -> bool:
        """Whether it should have ended itself by now, and has not.

        Somebody who starts a machine past its end has it for a while.
        """
        if not self.live or self.ends_at is None:
            return False
        return now >= max(self.ends_at, self.launched_at or self.ends_at) + GRACE

    def _tag(self, key: str) -> str:
        return next((tag.value for tag in self.tags if tag.key == key), "")


def described(run: Run, instance_id: str, machine: MachineDetail | None) -> MachineDescribed:
    """What EC2 answered about the machine of a run, for the monitor; None: nothing."""
    answer = machine and machine.model_dump(mode="json", by_alias=True, exclude_none=True)
    return MachineDescribed(
        run_id=run.run_id, attempt=run.attempt, instance_id=instance_id, instance=answer
    )


class Machines:
    """EC2's instances, as far as they are machines of ours."""

    def __init__(self, ec2: Any) -> None:
        self._ec2 = ec2

    def describe(self, instance_ids: Iterable[str]) -> dict[str, MachineDetail]:
        """What EC2 says of these machines, by id; those that it does not know are left out.

        They are asked for by filter: asked for by id, one unknown would be an error for all.
        """
        ids = sorted(set(instance_ids))
        return {
            machine.instance_id: machine
            for start in range(0, len(ids), _IDS_PER_CALL)
            for machine in self._find({"instance-id": ids[start : start + _IDS_PER_CALL]})
        }

    def overdue(self, stack: str, now: datetime) -> Iterator[MachineOverdue]:
        """The machines of `stack` (the value of the tag of that name) that ought to have ended."""
        wanted = {
            f"tag:{machine_tags.STACK}": [stack],
            "tag-key": [machine_tags.MACHINE],
            "instance-state-name": list(_LIVE),
        }
        for machine in self._find(wanted):
            ends_at = machine.ends_at
            if ends_at is not None and machine.overdue(now):
                yield MachineOverdue(
                    instance_id=machine.instance_id, ends_at=ends_at, afterwards=machine.afterwards
                )

    def end(self, instance_id: str, afterwards: Afterwards) -> None:
        """End a machine: terminate it, or else stop it; nothing happens to one that has ended.

        One that EC2 cannot stop (its disk is the host's, or its spot request a one-time one) is
        terminated: its own shutdown would do no less.
        """
        if afterwards == "terminate" or not self._stop(instance_id):
            with calling("terminating a machine"):
                try:
                    self._ec2.terminate_instances(InstanceIds=[instance_id])
                except ClientError as error:
                    if _code(error) not in _NOT_THERE:
                        raise

    def _stop(self, instance_id: str) -> bool:
        """Stop a machine; False if EC2 can only terminate it."""
        with calling("stopping a machine"):
            try:
                self._ec2.stop_instances(InstanceIds=[instance_id])
            except ClientError as error:
                if _code(error) not in _NOT_THERE | _NOT_NOW | _NEVER:
                    raise
                return _code(error) not in _NEVER
        return True

    def _find(self, filters: dict[str, list[str]]) -> Iterator[MachineDetail]:
        wanted = [{"Name": name, "Values": values} for name, values in filters.items()]
        page: dict[str, str] = {}
        while True:
            with calling("describing machines"):
                answer = self._ec2.describe_instances(Filters=wanted, **page)
            for reservation in answer["Reservations"]:
                for instance in reservation["Instances"]:
                    yield MachineDetail.model_validate(instance)
            if not answer.get("NextToken"):
                return
            page = {"NextToken": answer["NextToken"]}


def _code(error: ClientError) -> str | None:
    return error.response.get("Error", {}).get("Code")
