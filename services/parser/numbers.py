"""The numbers that keywords take, and what is said of one that is none."""

import math
import re
from dataclasses import dataclass

from shared.errors import Rejected

_UNITS_MIB = {"": 1.0, "K": 1 / 1024, "M": 1.0, "G": 1024.0, "T": 1024.0 * 1024}
_WITH_UNIT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*([KMGT]?)i?B?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Number:
    """A number that a keyword takes: what it is, and its limits."""

    what: str
    least: int
    most: int

    def read(self, text: str, name: str) -> int:
        """The number in `text`.

        Raises:
            Rejected: it is none, or beyond the limits; the text says what to write.

        """
        if text == "":
            message = f":{name}: needs a number: {self.what}, write :{name}: {self._example(text)}"
            raise Rejected(message)
        if not re.fullmatch("[0-9]+", text):
            message = f"{self.what}: write {self._example(text)}"
            raise Rejected(message)
        # Twelve digits are beyond every limit: a long row of them costs nothing.
        number = int(text.lstrip("0")[:12] or "0")
        if not self.least <= number <= self.most:
            message = f"{self.what} from {self.least} to {self.most}: write {self._near(number)}"
            raise Rejected(message)
        return number

    def _near(self, number: float) -> int:
        return max(self.least, min(self.most, math.ceil(number)))

    def _example(self, text: str) -> int:
        """The number that was probably meant; where that cannot be told, one that works."""
        match = _WITH_UNIT.fullmatch(text)
        if match is None:
            return self._near(8192 if self.most > 1024 else 1)
        return self._near(float(match[1]) * _UNITS_MIB[match[2].upper()])
