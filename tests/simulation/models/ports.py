"""What every model is given: the time, decisions, and a way to let something happen later."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from botocore.exceptions import ClientError

_T = TypeVar("_T")

# Seconds since 1970, as the service's own clock has them.
Now = Callable[[], float]
# Seconds from now, what happens then, and what that is called in a trace.
Later = Callable[[float, Callable[[], None], str], None]


class Chooses(Protocol):
    """Decides what the platform leaves open."""

    def strikes(self, fault: str, what: str) -> bool:
        """Whether a fault of this kind happens to `what`."""

    def among(self, options: Sequence[_T], what: str = "") -> _T:
        """One of `options`, which are not empty, for `what`."""

    def between(self, low: float, high: float, what: str = "") -> float:
        """A number from `low` to `high`, for `what`."""

    def seconds(self, low: float, high: float, what: str = "") -> float:
        """The same: how long the fault lasts that has just struck."""


class Benign:
    """Chooses that nothing out of the ordinary happens."""

    def strikes(self, fault: str, what: str) -> bool:
        """Never."""
        del fault, what
        return False

    def among(self, options: Sequence[_T], what: str = "") -> _T:
        """The first."""
        del what
        return options[0]

    def between(self, low: float, high: float, what: str = "") -> float:
        """The lower."""
        del high, what
        return low

    def seconds(self, low: float, high: float, what: str = "") -> float:
        """The lower."""
        return self.between(low, high, what)


class Unmodelled(BaseException):
    """Something was asked of a model that it does not know.

    Not an `Exception`: what the product does with those must not hide it.
    """


def refused(operation: str, code: str, message: str = "", status: int = 400) -> ClientError:
    """What botocore raises for an answer of AWS with an error code."""
    answer: Any = {
        "Error": {"Code": code, "Message": message or code},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, operation)
