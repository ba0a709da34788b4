"""A function in the embedded AWS that brings custom resources' events to the front.

CloudFormation hands a custom resource to a function only. The front answers CloudFormation itself,
when the resource is made. Its text is uploaded as it stands: standard library only.
"""

import http.client
import json
import os
from typing import Any


def handler(event: dict[str, Any], context: object) -> None:
    """Bring an event; raises if the front does not take it."""
    del context
    front = http.client.HTTPConnection("127.0.0.1", int(os.environ["FRONT_PORT"]), timeout=10)
    front.request("POST", "/_front/events", json.dumps(event))
    status = front.getresponse().status
    if status != 202:
        message = f"the front answered {status}"
        raise RuntimeError(message)
