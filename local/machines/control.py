"""Routes that steer machines in tests and demonstrations; they exist on loopback only.

| route | body | effect |
|---|---|---|
| `GET /_control/troubles` | | the troubles in force |
| `POST /_control/troubles` | `troubles.Trouble` | one more of them |
| `DELETE /_control/troubles` | | none of them any more |
| `GET /_control/machines` | | state and processes of each machine |
| `POST /_control/machines/ID/age` | `{"seconds": 3600}` | it was started so much earlier |
| `POST /_control/machines/ID/reclaim` | `{"seconds": 120}` | a spot machine is taken away then |

A type of which there is none: `{"instance_type": "p5.48xlarge", "refuses": {"RunInstances":
"InsufficientInstanceCapacity"}}`. A machine that does not end: `{"name": "immortal",
"ignores_shutdown": true, "refuses": {"TerminateInstances": "UnauthorizedOperation"}}`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request

from local.machines.fleet import Fleet
from local.machines.machine import Machine
from local.machines.troubles import Trouble

_ROUTES = Map(
    [
        Rule("/_control/troubles", methods=["GET"], endpoint="show troubles"),
        Rule("/_control/troubles", methods=["POST"], endpoint="order troubles"),
        Rule("/_control/troubles", methods=["DELETE"], endpoint="clear troubles"),
        Rule("/_control/machines", methods=["GET"], endpoint="show machines"),
        Rule("/_control/machines/<machine>/age", methods=["POST"], endpoint="age"),
        Rule("/_control/machines/<machine>/reclaim", methods=["POST"], endpoint="reclaim"),
    ]
)


class _Age(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seconds: Annotated[float, Field(ge=0)]


class _Reclaim(BaseModel):
    model_config = ConfigDict(extra="forbid")

    # Two minutes is what EC2 gives: user guide, "Spot Instance interruption notices".
    seconds: Annotated[float, Field(ge=0)] = 120


def control(request: Request, fleet: Fleet) -> Any:
    """Do what a request asks; raises pydantic's ValidationError, or werkzeug's NotFound."""
    endpoint, found = _ROUTES.bind_to_environ(request.environ).match()
    match endpoint:
        case "order troubles":
            fleet.troubles.order(Trouble.model_validate_json(request.get_data()))
        case "clear troubles":
            fleet.troubles.clear()
        case "age":
            age = _Age.model_validate_json(request.get_data())
            _find(fleet, found).instance.launch_time -= timedelta(seconds=age.seconds)
        case "reclaim":
            machine = _find(fleet, found)
            machine.reclaim(_Reclaim.model_validate_json(request.get_data() or b"{}").seconds)
    if endpoint.endswith("troubles"):
        return [one.model_dump(mode="json") for one in fleet.troubles.ordered]
    return {
        machine.instance.id: {
            "state": machine.state,
            "reachable": machine.reachable,
            "processes": list(machine.inside.processes()),
        }
        for machine in fleet
    }


def _find(fleet: Fleet, found: Mapping[str, Any]) -> Machine:
    machine = fleet.find(found["machine"])
    if machine is None:
        raise NotFound
    return machine
