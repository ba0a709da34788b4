"""When a function's work starts: at load in Lambda, at the first call elsewhere.

In Lambda a missing setting then fails the start (with SnapStart: the deployment) and not the first
message; elsewhere importing a handler needs no environment, credentials or network.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

Handler = Callable[[dict[str, Any], Any], Mapping[str, Any]]


def entry(build: Callable[[], Handler]) -> Handler:
    """The handler that `build` makes, made now in Lambda and at the first call elsewhere."""
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        return build()
    built: list[Handler] = []

    def first_builds(event: dict[str, Any], context: Any = None) -> Mapping[str, Any]:
        if not built:
            built.append(build())
        return built[0](event, context)

    return first_builds
