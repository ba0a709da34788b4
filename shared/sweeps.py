"""How a sweep of Weights & Biases says its parameters, and how `dvc exp run` is told them.

A sweep's agent puts them into its command in one of these forms, whichever the sweep's
configuration names (docs.wandb.ai, "Sweep configuration options", Command macros):

    ${args}                   --learning_rate=0.1 --model={'depth': 2} --augment=True
    ${args_no_hyphens}        learning_rate=0.1 augment=True
    ${args_no_boolean_flags}  --learning_rate=0.1 --augment, and nothing for False
    ${args_json}              {"learning_rate": 0.1, "augment": true}

The values of all but the last are what Python's `str` makes of them (create_sweep_command_args in
wandb's sdk/launch/sweeps/utils.py), so a text and a number look the same. Standard library, Python
3.9 and newer.
"""

from __future__ import annotations

import ast
import json
import re
from contextlib import suppress

from shared.hydra import ArgumentError, Number, is_plain, is_syntax, said, said_text, shown

# `dvc exp run --help` and its debug options (3.67.1). These take a value, the next argument if none
# is attached; DVC no longer has --params, see shared.params.
_TAKE_A_VALUE = frozenset(
    {
        *("--set-param", "--name", "--jobs", "--copy-paths", "--message", "--params"),
        *("--cprofile-dump", "--viztracer-depth"),
    }
)
_SHORT_TAKE_A_VALUE = frozenset("SnjCmM")
_TAKE_NONE = frozenset(
    {
        *("--help", "--quiet", "--verbose", "--force", "--interactive", "--single-item"),
        *("--pipeline", "--all-pipelines", "--recursive", "--downstream", "--force-downstream"),
        *("--pull", "--allow-missing", "--dry", "--keep-going", "--ignore-errors", "--queue"),
        *("--run-all", "--temp", "--no-hydra", "--cprofile", "--yappi", "--yappi-separate-threads"),
        *("--viztracer", "--viztracer-async", "--pdb", "--instrument", "--instrument-open"),
        *("--show-stack", "--ss"),
    }
)
# A key of Hydra's, with what adds it (+, ++) before and a file's name and a colon (DVC's) before
# that: params.yaml:+model.depth
_KEY_PART = r"[A-Za-z_$][A-Za-z0-9_$-]*"
_NAME = re.compile(
    rf"(?:[^=:]+:)?\+{{0,2}}{_KEY_PART}(?:[./](?:{_KEY_PART}|0|[1-9][0-9]*))*(?:@{_KEY_PART})?"
)
# What a target looks like that holds an =: a stage of a foreach, a .dvc file, a file's stage.
_TARGET = re.compile(r"[^=]*@|.*\.dvc\Z|(?:.*/)?dvc\.yaml(?::|\Z)", re.DOTALL)
# Values that are no target: behind a lone --name they show that somebody forgot the =.
_VALUE_ALONE = re.compile(r"[+-]?[0-9.][0-9.eE+-]*|True|False|None|\[.*", re.DOTALL)
_BRACKETS = re.compile(r"[\[\](){}]")
_MAX_DEPTH = 50


def sweep_params(arguments: list[str]) -> list[str]:
    """The arguments of a sweep's run with each of its parameters written as `-S name=value`.

    Options of `dvc exp run` and targets stay as they are and where they are; so does all behind
    `--`. An option's name without a value is the option, so a parameter of such a name needs one
    of the forms without hyphens. `True`, `False` and `None` are Python's, a list or an object is
    what it says, anything else is a text, or a number if it looks like one.

    Raises:
        ArgumentError: what Hydra has no words for, or a form that cannot be read.

    >>> sweep_params(["--learning_rate=0.1", "--opt.name=adam", "--augment", "train"])
    ['-S', 'learning_rate=0.1', '-S', 'opt.name=adam', '-S', 'augment=true', 'train']
    >>> sweep_params(["-n", "a=b", "layers=[64, 'x']", "note=a, b", "decay=None", "--temp"])
    ['-n', 'a=b', '-S', "layers=[64,'x']", '-S', "note='a, b'", '-S', 'decay=null', '--temp']
    >>> sweep_params(['{"a": 1e-05, "b": {"c": [true, "1"]}}', "--temp=0.7"])
    ['-S', 'a=1e-05', '-S', "b={c:[true,'1']}", '-S', 'temp=0.7']
    """
    told: list[str] = []
    at = 0
    while at < len(arguments):
        argument, following = arguments[at], arguments[at + 1 : at + 2]
        at += 1
        if argument == "--":
            return [*told, *arguments[at - 1 :]]
        if _is_option(argument):
            told.append(argument)
            if _takes_the_next(argument):
                told += following
                at += 1
        else:
            parameters = _parameters(argument, following)
            if parameters is None:
                told.append(argument)
            else:
                told += [word for one in parameters for word in ("-S", one)]
    return told


def _is_option(argument: str) -> bool:
    if not argument.startswith("--"):
        return argument.startswith("-")
    return argument in _TAKE_NONE or argument.partition("=")[0] in _TAKE_A_VALUE


def _takes_the_next(option: str) -> bool:
    """Whether an option's value is the next argument.

    >>> _takes_the_next("-S"), _takes_the_next("-fn"), _takes_the_next("-nf")
    (True, True, False)
    """
    if option.startswith("--"):
        return option in _TAKE_A_VALUE
    letters = option[1:]
    takes = next((at for at, letter in enumerate(letters) if letter in _SHORT_TAKE_A_VALUE), -1)
    return takes >= 0 and takes == len(letters) - 1


def _parameters(argument: str, following: list[str]) -> list[str] | None:
    """The overrides that an argument stands for; None if it is a target."""
    if argument.startswith("{"):
        return [_override(name, said(value)) for name, value in _object(argument).items()]
    name, equals, value = argument.partition("=")
    if argument.startswith("--"):
        if not equals and following and _VALUE_ALONE.fullmatch(following[0]):
            raise ArgumentError(
                f"{argument} takes its value behind an =: write {argument}={following[0][:20]}"
            )
        return [_override(name[2:], _value(argument, value) if equals else "true")]
    if equals and _NAME.fullmatch(name) and not _TARGET.match(argument):
        return [_override(name, _value(argument, value))]
    if argument.endswith(".json"):
        raise ArgumentError(
            f"the file {shown(argument)} is where the sweep's agent runs: "
            "write ${args} or ${args_json} in the sweep's command"
        )
    return None


def _override(name: str, value: str) -> str:
    if not _NAME.fullmatch(name):
        raise ArgumentError(
            f"the parameter {shown(name)} has a name that Hydra does not take: rename it "
            "in the sweep, to letters, digits, _ and - with dots between"
        )
    return f"{name}={value}"


def _object(written: str) -> dict[str, object]:
    """The parameters of ${args_json}."""
    _check_depth(written)
    try:
        read = _json(written)
    except ValueError:
        raise ArgumentError(
            f"the parameters {shown(written)} are no JSON: put quotes around the whole, "
            """as in '{"name": 1}'"""
        ) from None
    if not isinstance(read, dict):
        raise ArgumentError(f"the parameters {shown(written)} are no JSON object")
    return read


def _value(argument: str, value: str) -> str:
    """A value as Python's `str` has written it."""
    if value == "None":
        return "null"
    if value[:1] in ("[", "{"):
        return _container(argument, value)
    if is_plain(value) and not is_syntax(value) and value == value.strip() and value != "???":
        return value
    return said_text(value)


def _container(argument: str, value: str) -> str:
    _check_depth(value)
    read = _json_or_python(value)
    if read is not None:
        return said(read)
    if any(value.count(opening) != value.count(closing) for opening, closing in ("[]", "{}")):
        raise ArgumentError(
            f"{shown(argument)} lacks its end: put quotes around the whole, as in '--name=[1, 2]'"
        )
    return said_text(value)


def _json_or_python(written: str) -> object | None:
    """What a list or an object holds; None where it is neither, though it begins like one."""
    with suppress(ValueError):
        return _json(written)
    # All that literal_eval raises (its documentation).
    with suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return _json(json.dumps(ast.literal_eval(written)))
    return None


def _json(written: str) -> object:
    return json.loads(written, parse_int=Number, parse_float=Number, parse_constant=_constant)


def _constant(word: str) -> Number:
    # Python writes what JSON has not, NaN and Infinity; Hydra says nan and inf.
    return Number(word.lower().replace("infinity", "inf"))


def _check_depth(written: str) -> None:
    depth = 0
    for bracket in _BRACKETS.findall(written):
        depth += 1 if bracket in "[{(" else -1
        if depth > _MAX_DEPTH:
            raise ArgumentError(f"{shown(written)} nests brackets deeper than {_MAX_DEPTH}")
