"""Which exceptions of the product a fault explains; any other is a bug, even if a retry heals."""

from botocore.exceptions import ClientError

from shared.errors import Unavailable
from tests.simulation.world import World

# A role that is being deployed: the one fault that nobody catches.
_DENIED = "AccessDeniedException"


def look_at(world: World, who: str, error: BaseException) -> None:
    """Complain about what `who` has raised, unless a fault explains it."""
    if not is_foreseen(error):
        world.ledger.complain("no-unforeseen-error", f"{who}: {error!r}")


def is_foreseen(error: BaseException) -> bool:
    """Whether all that went wrong is that something was away, or denied.

    >>> is_foreseen(ExceptionGroup("asking", [Unavailable("reading a run")]))
    True
    >>> is_foreseen(KeyError("run_id"))
    False
    """
    if isinstance(error, BaseExceptionGroup):
        return all(map(is_foreseen, error.exceptions))
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"] == _DENIED
    return isinstance(error, Unavailable)
