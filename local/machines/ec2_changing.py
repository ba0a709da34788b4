"""Starting, stopping and terminating machines, and what their own shutdown is to do."""

from collections.abc import Callable
from copy import copy
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import OperationNotPermitted4
from moto.ec2.responses.instances import InstanceResponse

from local.machines.fleet import Fleet
from local.machines.refusals import one_time, refuse, wrong_state
from local.machines.states import by_user


class ChangingInstances(InstanceResponse):
    """The operations that change machines. Nothing is done to any if one is refused."""

    fleet: Fleet

    def terminate_instances(self) -> ActionResult:
        """Let machines shut down for good."""
        instances = self._named("TerminateInstances")
        for instance in instances:
            if instance.disable_api_termination in (True, "true"):
                raise OperationNotPermitted4(instance.id)
        ending = by_user("terminated")
        return self._changed(
            "TerminatingInstances", instances, lambda one: self.fleet.end(one.id, ending)
        )

    def stop_instances(self) -> ActionResult:
        """Let machines shut down, to be started again."""
        instances = self._named("StopInstances")
        for instance in instances:
            if instance.lifecycle == "spot":
                raise one_time(instance)
            if instance.state in ("shutting-down", "terminated"):
                raise wrong_state(instance, "stopped")
        ending = by_user("stopped")
        return self._changed(
            "StoppingInstances", instances, lambda one: self.fleet.end(one.id, ending)
        )

    def start_instances(self) -> ActionResult:
        """Let machines that were stopped start again."""
        instances = self._named("StartInstances")
        for instance in instances:
            if instance.state not in ("stopped", "pending", "running"):
                raise wrong_state(instance, "started")
        return self._changed("StartingInstances", instances, self._start)

    def modify_instance_attribute(self) -> ActionResult:
        """Change an attribute; what a machine's own shutdown does is one that moto forgets."""
        behavior = self._get_param("InstanceInitiatedShutdownBehavior.Value")
        if behavior is None:
            return super().modify_instance_attribute()
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        subject = self.fleet.subject(instance.id)
        refuse(self.fleet.troubles, "ModifyInstanceAttribute", subject)
        instance.instance_initiated_shutdown_behavior = behavior
        return EmptyResult()

    def _named(self, operation: str) -> list[Any]:
        """The instances that a request names."""
        ids = self._get_param("InstanceIds", [])
        self.error_on_dryrun()
        found: list[Any] = self.ec2_backend.get_multi_instances_by_id(ids)
        for instance in found:
            refuse(self.fleet.troubles, operation, self.fleet.subject(instance.id))
        return found

    def _changed(
        self, field: str, instances: list[Any], change: Callable[[Any], None]
    ) -> ActionResult:
        told = []
        for instance in instances:
            before = copy(instance.instance_state)
            change(instance)
            now = copy(instance.instance_state)
            told.append({"InstanceId": instance.id, "CurrentState": now, "PreviousState": before})
        return ActionResult({field: told})

    def _start(self, instance: Any) -> None:
        if instance.state == "stopped":
            self.fleet.start(instance.id)
