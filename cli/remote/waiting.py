"""Looking again and again until something is so, for a time that has an end."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from cli.account import Account
from shared.errors import Unavailable

_Found = TypeVar("_Found")
# EC2's machines take seconds to minutes from state to state; the embedded stack's take none.
_LOCAL_SECONDS = 0.2


@dataclass(frozen=True)
class Waiting:
    """How often something is looked at."""

    between_seconds: float = 3.0
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    @classmethod
    def on(cls, account: Account) -> "Waiting":
        """As it suits an account."""
        return cls() if account.local is None else cls(_LOCAL_SECONDS)

    def until(self, look: Callable[[], _Found | None], seconds: float) -> _Found | None:
        """What `look` gives first that is not None; None if it gives nothing for so long.

        A failure of AWS that may pass is borne. It looks once even where there is no time.
        """
        end = self.monotonic() + seconds
        while True:
            try:
                found = look()
            except Unavailable:
                found = None
            left = end - self.monotonic()
            if found is not None or left <= 0:
                return found
            self.sleep(min(self.between_seconds, left))
