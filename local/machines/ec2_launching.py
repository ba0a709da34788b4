"""RunInstances: what it refuses, what a client token has launched before, and what it launches."""

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, Final

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.responses.instances import InstanceResponse
from moto.iam.models import iam_backends

from local.machines.fleet import Fleet
from local.machines.refusals import refuse
from local.machines.spot import SpotRequest
from local.machines.troubles import Subject

# User guide, "Run commands when you launch an EC2 instance with user data input".
_USER_DATA_BYTES: Final = 16_384
# Whether the account has an instance profile of a name.
KnowsProfile = Callable[[str], bool]
# What RunInstances has answered, and to which parameters, by client token.
Launched = dict[str, tuple[Mapping[str, Any], ActionResult]]


class LaunchingInstances(InstanceResponse):
    """The operation that makes machines."""

    fleet: Fleet
    launched: Launched
    knows_profile: KnowsProfile

    def run_instances(self) -> ActionResult:
        """Launch machines, or tell again what a client token has launched."""
        token = self._get_param("ClientToken")
        if token in self.launched:
            asked, answered = self.launched[token]
            if asked != self.params:
                message = "the client token was used before, with other parameters"
                raise EC2ClientError("IdempotentParameterMismatch", message)
            return answered
        refuse(self.fleet.troubles, "RunInstances", self._wanted())
        self._check()
        self._adopt_profile()
        answered = super().run_instances()
        reservation: Any = answered.result
        for instance in reservation.instances:
            # User guide, "AMI billing information fields".
            instance.platform_details, instance.usage_operation = "Linux/UNIX", "RunInstances"
            if instance.lifecycle == "spot":
                self._add_spot_request(instance)
            self.fleet.launch(instance)
        if token is not None:
            self.launched[token] = (self.params, answered)
        return answered

    def _wanted(self) -> Subject:
        """Whom the request would make."""
        cards = self._get_param("NetworkInterfaces", [])
        return Subject(
            instance_type=self._get_param("InstanceType"),
            subnet_id=self._get_param("SubnetId")
            or next((one["SubnetId"] for one in cards if "SubnetId" in one), None),
            name=self._parse_tag_specification().get("instance", {}).get("Name"),
        )

    def _check(self) -> None:
        if len(b64decode(self._get_param("UserData") or "")) > _USER_DATA_BYTES:
            message = f"User data is limited to {_USER_DATA_BYTES} bytes"
            raise EC2ClientError("InvalidParameterValue", message)
        kind = self._get_param("InstanceType")
        if kind not in INSTANCE_TYPES:
            message = f"Invalid value '{kind}' for InstanceType."
            raise EC2ClientError("InvalidParameterValue", message)
        if key := self._get_param("KeyName"):
            self.ec2_backend.describe_key_pairs(key_names=[key])

    def _adopt_profile(self) -> None:
        """Tell moto of an instance profile that the account has; moto has an IAM of its own."""
        arn = self._get_param("IamInstanceProfile.Arn") or ""
        name = self._get_param("IamInstanceProfile.Name") or arn.rpartition("/")[2]
        if not name:
            return
        if not self.knows_profile(name):
            message = (
                f"Value ({name}) for parameter iamInstanceProfile.name is invalid. "
                "Invalid IAM Instance Profile name"
            )
            raise EC2ClientError("InvalidParameterValue", message)
        iam = iam_backends[self.current_account][self.partition]
        if name not in iam.instance_profiles:
            path = arn.partition(":instance-profile")[2].removesuffix(name) or "/"
            iam.create_instance_profile(name, path, [])

    def _add_spot_request(self, instance: Any) -> None:
        tags = self._parse_tag_specification().get("spot-instances-request", {})
        request = SpotRequest(self.ec2_backend, instance, tags)
        self.ec2_backend.spot_instance_requests[request.id] = request
        instance.spot_instance_request_id = request.id
