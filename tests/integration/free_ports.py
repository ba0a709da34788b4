"""Programs that are told their port: a free one may be taken before they listen on it."""

from collections.abc import Callable
from typing import TypeVar

from local.layout import StackError
from local.parts import free_port

Begun = TypeVar("Begun")
_TRIES = 3


def on_a_free_port(begin: Callable[[int], Begun]) -> Begun:
    """What `begin` makes on a free port; on another one if somebody was faster.

    Raises:
        StackError: it does not start on any.
    """
    for _ in range(_TRIES - 1):
        try:
            return begin(free_port())
        except StackError:
            continue
    return begin(free_port())
