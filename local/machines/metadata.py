"""What a machine's metadata service tells it: who it is, and whether it is about to be taken away.

Source: EC2 user guide, "Instance metadata categories" and "Spot Instance interruption notices".
"""

import json
from http import HTTPStatus
from typing import Final

from werkzeug.wrappers import Request, Response

from local.machines.machine import Machine, Notice

_TOKEN: Final = "embedded"  # noqa: S105 - it guards nothing: whoever asks is on this machine


def metadata(request: Request, path: str, machine: Machine, region: str) -> Response:
    """The answer to a request for `latest/…`."""
    if path == "latest/api/token":
        return Response(_TOKEN) if request.method == "PUT" else Response(status=405)
    instance = machine.instance
    notice = None if machine.notice is None else _told(machine.notice)
    known: dict[str, str | None] = {
        "latest/meta-data/instance-id": instance.id,
        "latest/meta-data/instance-type": instance.instance_type,
        "latest/meta-data/instance-life-cycle": instance.lifecycle or "on-demand",
        "latest/meta-data/placement/region": region,
        "latest/meta-data/placement/availability-zone": instance.availability_zone,
        "latest/meta-data/spot/instance-action": notice,
        "latest/dynamic/instance-identity/document": json.dumps(
            {"instanceId": instance.id, "region": region, "instanceType": instance.instance_type}
        ),
    }
    answer = known.get(path)
    return Response(status=HTTPStatus.NOT_FOUND) if answer is None else Response(answer)


def _told(notice: Notice) -> str:
    return json.dumps({"action": notice.action, "time": notice.time.strftime("%Y-%m-%dT%H:%M:%SZ")})
