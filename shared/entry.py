"""When a function's work starts: at load in Lambda, at the first call elsewhere.

In Lambda a missing setting then fails the start (with SnapStart: the deployment) and not the first
message; elsewhere importing a handler needs no environment, credentials or network.
"""

import gc
import os
from collections.abc import Callable, Mapping
from typing import Any

Handler = Callable[[dict[str, Any], Any], Mapping[str, Any]]


def start_loading() -> None:
    """In Lambda, search for no garbage until `entry` is done.

    What loads, stays: to look through it again and again would be a fifth of a cold start.
    """
    if _in_lambda():
        gc.disable()


def entry(build: Callable[[], Handler]) -> Handler:
    """The handler that `build` makes, made now in Lambda and at the first call elsewhere."""
    if _in_lambda():
        handler = build()
        gc.freeze()  # what is there now is no garbage later either
        gc.enable()
        return handler
    built: list[Handler] = []

    def first_builds(event: dict[str, Any], context: Any = None) -> Mapping[str, Any]:
        if not built:
            built.append(build())
        return built[0](event, context)

    return first_builds


def _in_lambda() -> bool:
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ
