"""How what runs is told a point's parameters: as overrides of DVC's, or in a command's words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from container import compute
from container.exits import Exit, JobFailed
from container.settings import Settings
from shared.hydra import NO_ARGUMENT, ArgumentError
from shared.points import decode
from shared.sweeps import sweep_params

Parameters = Mapping[str, Any]

_PLACE = re.compile(r"\{([^{}]*)\}")
_ALL = "args"
# Spaces, and what a shell reads: a text with none of them means itself in a shell, too.
_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


def parse(line: bytes) -> dict[str, Any]:
    r"""The parameters in a line of a list of points.

    Raises:
        JobFailed: it holds no point.

    >>> parse(b'{"lr":0.1,"act":"relu"}   \n')
    {'lr': 0.1, 'act': 'relu'}
    """
    try:
        (point,) = decode(line)
    except (ValueError, RecursionError):
        point = None
    if not isinstance(point, dict):
        raise JobFailed(Exit.BAD_ARGUMENTS, f"reading the parameters: {line[:60]!r} is no point")
    return point


def words_of(settings: Settings, name: str, parameters: Parameters) -> Sequence[str]:
    """What is started for a point, see `compute.words_of`; `name` is that of its experiment.

    Raises:
        JobFailed: a parameter has a name that Hydra does not take, or the arguments name the
            experiment themselves.
    """
    words = compute.words_of(settings)
    if settings.command:
        return in_command(words, parameters)
    if any(word in ("-n", "--name") or word.startswith("--name=") for word in words):
        raise JobFailed(
            Exit.BAD_ARGUMENTS,
            "the arguments of a sweep cannot name the experiment, since each point is one: leave "
            "--name out",
        )
    try:
        overrides = sweep_params([json.dumps(parameters)]) if parameters else []
    except ArgumentError as error:
        raise JobFailed(Exit.BAD_ARGUMENTS, f"reading the parameters: {error}") from error
    return ["--name", name, *overrides, *words]


def in_command(words: Sequence[str], parameters: Parameters) -> list[str]:
    """A command's words with the parameters in them.

    `{name}` is replaced by the value, `{args}` stands for all as `--name=value`; parameters that
    the command mentions neither way come last. What else is in braces stays. No word is split: a
    value cannot become two arguments. Only where `{args}` is part of a longer word, as in a line
    for a shell, they are joined with spaces and quoted.

    Raises:
        JobFailed: a program cannot be told one of them.

    >>> in_command(["train", "--out={lr}", "{x}"], {"lr": 1e-05, "depth": 3})
    ['train', '--out=1e-05', '{x}', '--depth=3']
    >>> in_command(["train", "{args}", "last"], {"lr": 0.1, "note": "a b"})
    ['train', '--lr=0.1', '--note=a b', 'last']
    >>> in_command(["sh", "-c", "train {args} | tee log"], {"lr": 0.1, "note": "a b"})
    ['sh', '-c', "train --lr=0.1 --note='a b' | tee log"]
    """
    options = {name: f"--{name}={text(value)}" for name, value in parameters.items()}
    for name, option in options.items():
        if NO_ARGUMENT.search(option):
            why = f"{name!a} holds a character that no program can be told: leave it out"
            raise JobFailed(Exit.BAD_ARGUMENTS, f"reading the parameters: {why}")
    places = {name: text(value) for name, value in parameters.items()}
    places[_ALL] = " ".join(map(_quoted, options.values()))
    named: set[str] = set()

    def replaced(place: re.Match[str]) -> str:
        if place[1] not in places:
            return place[0]
        named.add(place[1])
        return places[place[1]]

    told: list[str] = []
    for word in words:
        if word == f"{{{_ALL}}}":
            named.add(_ALL)
            told += options.values()
        else:
            told.append(_PLACE.sub(replaced, word))
    if _ALL not in named:
        told += [option for name, option in options.items() if name not in named]
    return told


def text(value: object) -> str:
    """A value as a command's argument: a text as it is, anything else as JSON has it.

    >>> text("a b"), text(1e-05), text(True), text(None)
    ('a b', '1e-05', 'true', 'null')
    """
    return value if isinstance(value, str) else json.dumps(value)


def _quoted(word: str) -> str:
    if _PLAIN.fullmatch(word):
        return word
    name, equals, value = word.partition("=")
    inner = value.replace("'", "'\"'\"'")
    return f"{name}{equals}'{inner}'"
