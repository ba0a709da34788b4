"""The keywords of a commit message, and what is wrong with those that cannot be read.

A keyword is `:NAME:` at the very start of a line (LF or CRLF). Anything else in a message, prose,
indented, quoted or in the middle of a line, asks for nothing. The time to read a message grows
linearly with its length.
"""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from services.parser.numbers import Number
from services.parser.sweeps import Objective, check_arguments, objective, sweep
from shared.arguments import check_options, split
from shared.errors import Rejected
from shared.events import Asked, RunId
from shared.hydra import ArgumentError
from shared.lines import one_line
from shared.params import translate_params

_Read = TypeVar("_Read")

_BYTE_ORDER_MARK = "\ufeff"
# Batch's hard limit on a container's memory is 4 MiB (service model: ResourceRequirement).
_MIN_MEMORY_MIB = 4
_LONGEST_SHOWN = 40
_MOST_UNKNOWN = 3
# A status shows 255 characters of it, a comment or a terminal all.
_LONGEST_ANSWER = 1000


@dataclass(frozen=True)
class Limits:
    """The most that a run may ask for, as the stack's parameters say.

    `points` are those of a sweep, of which `failed_percent` may fail.
    """

    gpus: int
    memory_mib: int
    vcpus: int
    points: int
    failed_percent: int


def read(message: str, prefix: str, limits: Limits, run_id: RunId) -> Asked | None:
    r"""What `message` asks of the run with this id, or None if it asks for nothing.

    >>> limits = Limits(gpus=8, memory_mib=65536, vcpus=16, points=1000, failed_percent=0)
    >>> asked = read("Better features\n\n:ACME_RUN: train\n:ACME_GPUS:", "ACME", limits, "4f2a")
    >>> asked.arguments, asked.gpus
    ('train', 1)
    >>> read("no :ACME_RUN: here", "ACME", limits, "4f2a")

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
        raise _rejected(problems)
    return _read({name: texts[0] for name, texts in found.items()}, names, limits, run_id)


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
    def sweep(self) -> str:
        """The space of a sweep."""
        return f"{self.prefix}_SWEEP"

    @property
    def objective(self) -> str:
        """The metric that a sweep is for."""
        return f"{self.prefix}_OBJECTIVE"

    @property
    def known(self) -> tuple[str, ...]:
        """All of them."""
        resources = (self.gpus, self.memory, self.vcpus)
        return (self.run, self.experiment, *resources, self.sweep, self.objective)

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


def _rejected(problems: list[str]) -> Rejected:
    """What is wrong, as a page and a terminal may show it: it quotes anybody's message."""
    return Rejected(one_line("; ".join(problems), _LONGEST_ANSWER))


def _read(found: dict[str, str], names: Keywords, limits: Limits, run_id: RunId) -> Asked:
    """The arguments of keywords of which each stands once, together with all that is wrong."""
    problems: list[str] = []

    def tried(name: str, reading: Callable[[str], _Read]) -> _Read | None:
        try:
            return reading(found[name]) if name in found else None
        except Rejected as problem:
            problems.append(str(problem))
            return None

    gpus = Number("GPUs are a whole number", 0, limits.gpus)
    memory = Number("memory is a whole number of MiB", _MIN_MEMORY_MIB, limits.memory_mib)
    vcpus = Number("vCPUs are a whole number", 1, limits.vcpus)
    aim = tried(names.objective, objective) or Objective()
    read_all = {
        "gpus": tried(names.gpus, lambda text: gpus.read(text or "1", names.gpus)),
        "memory_mib": tried(names.memory, lambda text: memory.read(text, names.memory)),
        "vcpus": tried(names.vcpus, lambda text: vcpus.read(text, names.vcpus)),
        "sweep": tried(
            names.sweep,
            lambda text: sweep(text, aim, run_id, limits.points, limits.failed_percent),
        ),
    }
    if names.objective in found and names.sweep not in found:
        problems.append(f":{names.objective}: needs a sweep: add :{names.sweep}: lr=0.1,0.01")
    # With DVC a point of a sweep is an experiment, whether or not that is said.
    experiment = names.experiment in found or names.sweep in found
    if found.get(names.experiment):
        problems.append(
            f":{names.experiment}: takes no argument: write it after :{names.run}: instead"
        )
    arguments = found.get(names.run) or None
    try:
        _check(arguments or "", experiment=experiment, sweep=names.sweep in found)
    except (ArgumentError, Rejected) as error:
        problems.append(f":{names.run}: {error}")
    if problems:
        raise _rejected(problems)
    return Asked.model_validate({"arguments": arguments, "experiment": experiment, **read_all})


def _check(arguments: str, *, experiment: bool, sweep: bool) -> None:
    """See that a job can do with the arguments of its run; raises what says why not."""
    if "\0" in arguments:
        # They reach it in a variable of its environment, which a null ends (environ(7)).
        message = "a null character is nothing that a job can be told: leave it out"
        raise Rejected(message)
    words = split(arguments)
    check_options(words)
    if experiment:
        translate_params(words)
    if sweep:
        check_arguments(words)
