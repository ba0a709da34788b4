"""What a custom resource is asked for, done, and told to CloudFormation.

The event and the answer are those of the CloudFormation user guide, "Custom resource request
objects" and "Custom resource response objects".
"""

import logging
from collections.abc import Mapping
from typing import Any

import urllib3
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal

from local.cloudformation.kinds import Kind, Refused, Wanted
from local.cloudformation.properties import UnknownProperty
from local.cloudformation.rewriting import aws_type

log = logging.getLogger(__name__)

_OWN = ("ServiceToken", "ServiceTimeout")
_ANSWER_SECONDS = 10


class Event(BaseModel):
    """What CloudFormation wants done with a resource."""

    model_config = ConfigDict(frozen=True, alias_generator=to_pascal)

    request_type: str
    request_id: str
    response_url: str = Field(alias="ResponseURL")
    stack_id: str
    resource_type: str
    logical_resource_id: str
    physical_resource_id: str = ""
    resource_properties: dict[str, Any]
    old_resource_properties: dict[str, Any] = {}


def answer(event: Event, kinds: Mapping[str, Kind]) -> None:
    """Do what is asked, and tell CloudFormation how it went."""
    try:
        physical_id, attributes = _done(event, kinds[aws_type(event.resource_type)])
    except (Refused, UnknownProperty, ClientError, BotoCoreError) as error:
        _tell_failure(event, str(error))
    except Exception as error:
        _tell_failure(event, f"{type(error).__name__}: {error}")  # or it waits for a minute
        raise
    else:
        _tell(event, physical_id, Status="SUCCESS", Data=attributes)


def _done(event: Event, kind: Kind) -> tuple[str, dict[str, str]]:
    physical_id, before = event.physical_resource_id, _asked(event.old_resource_properties)
    wanted = Wanted(
        # arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/UUID
        stack=event.stack_id.split("/")[1],
        logical_id=event.logical_resource_id,
        properties=_asked(event.resource_properties),
    )
    match event.request_type:
        case "Delete":
            kind.delete(physical_id)
            return physical_id, {}
        case "Create":
            physical_id = kind.create(wanted)
        case _ if wanted.properties != before:  # the emulator updates what has not changed, too
            physical_id = kind.update(physical_id, before, wanted)
    return physical_id, kind.attributes(physical_id)


def _asked(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name not in _OWN}


def _tell_failure(event: Event, reason: str) -> None:
    known_as = event.physical_resource_id or event.logical_resource_id
    _tell(event, known_as, Status="FAILED", Reason=reason)


def _tell(event: Event, physical_id: str, **outcome: object) -> None:
    log.info(
        "%s %s of %s: %s",
        event.request_type,
        event.logical_resource_id,
        event.stack_id,
        outcome.get("Reason", physical_id),
    )
    told = {
        "StackId": event.stack_id,
        "RequestId": event.request_id,
        "LogicalResourceId": event.logical_resource_id,
        "PhysicalResourceId": physical_id,
        **outcome,
    }
    urllib3.request("PUT", event.response_url, json=told, timeout=_ANSWER_SECONDS, retries=False)
