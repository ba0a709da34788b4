"""Commit messages of which it is known what they ask for, since they were written to ask for it."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from services.parser.keywords import Limits
from shared.events import Asked, Sweep
from tests.samples import RUN_ID

LIMITS = Limits(gpus=8, memory_mib=65_536, vcpus=16, points=1_000, failed_percent=5)

# Lines that look like a keyword to a person, and are none.
NEAR_MISSES = (
    " :ACME_RUN: train",
    "\t:ACME_RUN:",
    "> :ACME_RUN:",
    '":ACME_RUN:"',
    "`:ACME_RUN:`",
    "ACME_RUN: train",
    ":ACME_RUN train",
    ":ACME RUN:",
    ":acme_run: train",
    ":ACMERUN: train",
    ":ACME-RUN: train",
    "::ACME_RUN:",
    "see :ACME_RUN: above",
    "\u200b:ACME_RUN:",
    "\ufeff :ACME_RUN:",
    "\x0c:ACME_RUN:",
    "\u2028:ACME_RUN:",
    "x\r:ACME_RUN: after a lone carriage return",
    "x\x85:ACME_RUN: and after what others call a line's end",
)
NOISE = (
    st.sampled_from(("", "Better features", "- a list", "# a comment", "Signed-off-by: Someone"))
    | st.sampled_from(NEAR_MISSES)
    | st.text(max_size=30).filter(
        lambda text: "\n" not in text and not text.startswith((":", "\ufeff"))
    )
)
BLANK = st.sampled_from(["", " ", "  ", "\t", " \t "])


@dataclass(frozen=True)
class Message:
    """A message, what it asks for (None: nothing), and a part of what is said of it if rejected."""

    text: str
    asked: Asked | None = None
    fault: str | None = None
    words: tuple[str, ...] = ()


@st.composite
def words(draw: st.DrawFn, *, swept: bool) -> tuple[str, tuple[str, ...]]:
    """Arguments as somebody writes them, and the words that they are."""
    word = st.text(st.characters(exclude_characters="\0\n", exclude_categories=["Cs"]), max_size=12)
    plain = st.sampled_from(
        ["train", "-f", "--force", "-S", "a=1", "--pull", "stage@1", "--", "x.dvc"]
    )
    found: list[tuple[str, str]] = []
    for one in draw(st.lists(plain | (plain if swept else word), max_size=5)):
        if one.startswith("--params") or one in ("--queue", "--no-commit"):
            continue
        quotes = [quote for quote in "'\"" if quote not in one]
        bare = (
            one
            and one[0] not in "'\""
            and not _groups_later(one)
            and not any(map(str.isspace, one))
        )
        forms = ([one] if bare else []) + [f"{quote}{one}{quote}" for quote in quotes]
        if forms:
            found.append((draw(st.sampled_from(forms)), one))
    gap = draw(st.sampled_from([" ", "  ", "\t", " \xa0"]))
    return gap.join(text for text, _ in found), tuple(one for _, one in found)


def _groups_later(word: str) -> bool:
    """Whether a quote behind the first = would open a group."""
    return word.partition("=")[2][:1] in ("'", '"')


NAMES = ("lr", "model.depth", "params.yaml:decay", "act", "opt_name")


@st.composite
def spaces(draw: st.DrawFn) -> tuple[str, int]:
    """The space of a sweep, and how many points it has."""
    written, sizes = [], []
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)):
        text, size = draw(_values())
        written.append(f"{name}={text}")
        sizes.append(size)
    return draw(st.sampled_from([" ", "  ", "\t"])).join(written), math.prod(sizes)


@st.composite
def _values(draw: st.DrawFn) -> tuple[str, int]:
    size = draw(st.integers(1, 9))
    kind = draw(st.sampled_from(["listed", "range", "linspace", "logspace", "quoted"]))
    if kind == "range":
        start, step = draw(st.integers(-99, 99)), draw(st.integers(1, 9))
        return f"range({start},{start + size * step},{step})", size
    if kind in ("linspace", "logspace"):
        return f"{kind}(1,100,{size})", size
    if kind == "quoted":
        texts = draw(
            st.lists(
                st.text(
                    st.characters(categories=["L", "Nd", "Zs", "Po"], exclude_characters="'\"\\"),
                    max_size=9,
                ),
                min_size=1,
                max_size=4,
                unique=True,
            ).filter(lambda texts: "???" not in texts)
        )
        return ",".join(f"'{text}'" for text in texts), len(texts)
    numbers = draw(st.lists(st.integers(-99, 99), min_size=size, max_size=size, unique=True))
    return ",".join(map(str, numbers)), size


FAULTS: dict[str, tuple[Sequence[str], str]] = {
    "unit": ((":ACME_MEMORY: 32GB",), "write 32768"),
    "none": ((":ACME_MEMORY:",), "needs a number"),
    "zero": ((":ACME_VCPUS: 0",), "vCPUs are a whole number from 1 to 16"),
    "digits": ((":ACME_VCPUS: \u0664",), "vCPUs are a whole number"),
    "many": ((":ACME_GPUS: " + "9" * 5_000,), "GPUs are a whole number from 0 to 8"),
    "twice": ((":ACME_GPUS: 1", ":ACME_GPUS: 2"), "stands twice"),
    "argument": ((":ACME_RUN_EXP: train",), "takes no argument"),
    "aim": ((":ACME_OBJECTIVE: max loss",), "needs a sweep"),
    "space": ((":ACME_SWEEP: lr",), "has no ="),
    "points": ((":ACME_SWEEP: lr=range(0,1001)",), "1,001 points"),
    "unknown": ((":ACME_GPU: 1",), "there is no keyword :ACME_GPU: - write :ACME_GPUS:"),
    "unseen": ((":ACME_RUN\u200b:",), "there is no keyword"),
}
_ALONE = ("unknown", "unseen")


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """A message by the grammar; one in three has one fault."""
    lines: list[str] = []
    asked: dict[str, Any] = {}
    told: tuple[str, ...] = ()
    fault = draw(st.none() | st.none() | st.sampled_from(sorted(FAULTS)))
    swept = fault is None and draw(st.integers(0, 3)) == 0
    is_run, is_experiment = draw(st.booleans()), draw(st.booleans()) and fault != "argument"
    if is_run:
        text, told = draw(words(swept=swept or is_experiment))
        lines.append(_line(draw, "RUN", text))
        asked["arguments"] = text.strip() or None
    if is_experiment:
        lines.append(_line(draw, "RUN_EXP", ""))
    for name, least, most in (("gpus", 0, 8), ("memory_mib", 4, 65_536), ("vcpus", 1, 16)):
        if fault is None and draw(st.booleans()):
            number = draw(st.integers(least, most))
            zeros = draw(st.sampled_from(["", "", "00"]))
            lines.append(_line(draw, name.removesuffix("_mib").upper(), f"{zeros}{number}"))
            asked[name] = number
    if swept:
        asked["sweep"], more = draw(_sweeps())
        lines += [_line(draw, *pair) for pair in more]
    asked["experiment"] = is_experiment or swept
    if fault:
        lines += FAULTS[fault][0]
    text = _laid_out(draw, lines)
    expects = is_run or is_experiment or fault == "argument"
    if fault and (expects or fault in _ALONE):
        return Message(text, fault=FAULTS[fault][1])
    return Message(text, Asked.model_validate(asked) if expects else None, words=told)


@st.composite
def _sweeps(draw: st.DrawFn) -> tuple[Sweep, list[tuple[str, str]]]:
    space, size = draw(spaces())
    lines = [("SWEEP", space)]
    aim: dict[str, Any] = {}
    if draw(st.booleans()):
        word, direction = draw(
            st.sampled_from([("", "maximize"), ("max ", "maximize"), ("min  ", "minimize")])
        )
        metric = draw(st.sampled_from(["accuracy", "metrics.json:loss", "\u00e9\u2603"]))
        lines.append(("OBJECTIVE", f"{word}{metric}"))
        aim = {"objective": metric, "direction": direction}
    sweep = Sweep(sweep_id=RUN_ID, size=size, space=space, tolerated_percent=5, **aim)
    return sweep, lines


def _line(draw: st.DrawFn, name: str, argument: str) -> str:
    return f":ACME_{name}:{draw(BLANK)}{argument}{draw(BLANK)}"


def _laid_out(draw: st.DrawFn, lines: Sequence[str]) -> str:
    """The lines in any order, some of them twice, between others that ask for nothing."""
    mixed: list[str] = []
    for line in draw(st.permutations(lines)):
        mixed += [*draw(st.lists(NOISE, max_size=2)), line]
        if draw(st.integers(0, 5)) == 0:
            mixed.append(line)
    mixed += draw(st.lists(NOISE, max_size=2))
    mark = draw(st.sampled_from(["", "", "\ufeff"]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return mark + end.join(mixed) + draw(st.sampled_from(["", end]))


@st.composite
def params(draw: st.DrawFn) -> str:
    """`--params` with JSON that nobody has to like."""
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
    lists = st.lists(scalars, max_size=3)
    objects = st.dictionaries(st.text(max_size=5), scalars | lists, max_size=3)
    names = st.sampled_from(["lr", "model.depth", "x", "a.b.c"])
    pairs = draw(st.dictionaries(names, scalars | lists | objects, max_size=3))
    written = ",".join(
        f"{name}={json.dumps(value, separators=(',', ':'))}" for name, value in pairs.items()
    )
    quote = draw(st.sampled_from(["", "'"]))
    return f"--params {quote}{written}{quote}"
