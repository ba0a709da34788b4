"""The keywords of a commit message, and what is wrong with those that cannot be read.

A keyword is `:NAME:` at the very start of a line (LF or CRLF). Anything else in a message, prose,
indented, quoted or in the middle of a line, asks for nothing. The time to read a message grows
linearly with its length.
"""

import difflib
import math
import re
from dataclasses import dataclass
from functools import lru_cache

from shared.arguments import ArgumentError, split, translate_params
from shared.errors import Rejected
from shared.events import Asked

_BYTE_ORDER_MARK = "\ufeff"
# Batch's hard limit on a container's memory is 4 MiB (service model: ResourceRequirement).
_MIN_MEMORY_MIB = 4
_LONGEST_SHOWN = 40
_MOST_UNKNOWN = 3
_UNITS_MIB = {"": 1.0, "K": 1 / 1024, "M": 1.0, "G": 1024.0, "T": 1024.0 * 1024}
_WITH_UNIT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*([KMGT]?)i?B?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Limits:
    """The most that a run may ask for, as the stack's parameters say."""

    gpus: int
    memory_mib: int
    vcpus: int


def read(message: str, prefix: str, limits: Limits) -> Asked | None:
    r"""What `message` asks for, or None if it asks for nothing.

    >>> limits = Limits(gpus=8, memory_mib=65536, vcpus=16)
    >>> read("Better features\n\n:ACME_RUN: train\n:ACME_GPUS:", "ACME", limits)
    Asked(arguments='train', experiment=False, gpus=1, memory_mib=None, vcpus=None)
    >>> read("no :ACME_RUN: here", "ACME", limits)

    Raises:
        Rejected: it asks for a run in a way that cannot be read, or holds an unknown keyword; the
            text says what to write instead.

    """
    found = _find(message, prefix)
    names = Keywords(prefix)
    strange = [name for name in found if name not in names.known]
    # The first few: a status has room for no more, and a hostile message may hold thousands.
    problems = [names.unknown(name) for name in strange[:_MOST_UNKNOWN]]
    if not problems and not (names.run in found or names.experiment in found):
        return None
    problems += [names.twice(name) for name in names.known if len(found.get(name, ())) > 1]
    if problems:
        raise Rejected("; ".join(problems))
    return _read({name: texts[0] for name, texts in found.items()}, names, limits)


@dataclass(frozen=True)
class Keywords:
    """The keywords' names under one prefix."""

    prefix: str

    @property
    def run(self) -> str:
        """Run the job."""
        return f"{self.prefix}_RUN"

    @property
    def experiment(self) -> str:
        """Run it as an experiment."""
        return f"{self.prefix}_RUN_EXP"

    @property
    def gpus(self) -> str:
        """Number of GPUs."""
        return f"{self.prefix}_GPUS"

    @property
    def memory(self) -> str:
        """MiB of memory."""
        return f"{self.prefix}_MEMORY"

    @property
    def vcpus(self) -> str:
        """Number of vCPUs."""
        return f"{self.prefix}_VCPUS"

    @property
    def known(self) -> tuple[str, ...]:
        """All of them."""
        return (self.run, self.experiment, self.gpus, self.memory, self.vcpus)

    def unknown(self, name: str) -> str:
        """What is said of a keyword that nobody knows."""
        shown = name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}…"
        nearest = difflib.get_close_matches(shown.upper(), self.known, n=1, cutoff=0)[0]
        return f"there is no keyword :{shown}: - write :{nearest}:"

    def twice(self, name: str) -> str:
        """What is said of a keyword that says two things."""
        return f":{name}: stands twice with different arguments: keep one"


@lru_cache(maxsize=4)
def _pattern(prefix: str) -> re.Pattern[str]:
    # Each part is bounded by the line's end and none overlaps its neighbour: one pass.
    return re.compile(rf"^:({re.escape(prefix)}_[^\s:]*):(.*)$", re.MULTILINE)


def _find(message: str, prefix: str) -> dict[str, list[str]]:
    """The different arguments of each keyword, in the order in which they stand."""
    found: dict[str, dict[str, None]] = {}
    for match in _pattern(prefix).finditer(message.removeprefix(_BYTE_ORDER_MARK)):
        # The inner dictionary is an ordered set: a thousand repetitions cost a thousand steps.
        found.setdefault(match[1], {})[match[2].strip()] = None
    return {name: list(texts) for name, texts in found.items()}


def _read(found: dict[str, str], names: Keywords, limits: Limits) -> Asked:
    problems: list[str] = []

    def attempt(name: str, kind: "_Number", default: str = "") -> int | None:
        text = found.get(name)
        if text is None:
            return None
        try:
            return kind.read(default if text == "" else text, name)
        except Rejected as problem:
            problems.append(str(problem))
            return None

    gpus = attempt(names.gpus, _Number("GPUs are a whole number", 0, limits.gpus), default="1")
    memory = attempt(
        names.memory,
        _Number("memory is a whole number of MiB", _MIN_MEMORY_MIB, limits.memory_mib),
    )
    vcpus = attempt(names.vcpus, _Number("vCPUs are a whole number", 1, limits.vcpus))
    experiment = names.experiment in found
    if found.get(names.experiment):
        problems.append(
            f":{names.experiment}: takes no argument: write it after :{names.run}: instead"
        )
    arguments = found.get(names.run) or None
    try:
        words = split(arguments or "")
        if experiment:
            translate_params(words)
    except ArgumentError as error:
        problems.append(f":{names.run}: {error}")
    if problems:
        raise Rejected("; ".join(problems))
    return Asked(
        arguments=arguments, experiment=experiment, gpus=gpus, memory_mib=memory, vcpus=vcpus
    )


@dataclass(frozen=True)
class _Number:
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
