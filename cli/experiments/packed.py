"""The options of a queued experiment, as DVC packs them beside its files.

The file is a pickle of plain values (DVC 3: dvc/repo/experiments/executor/base.py,
`pack_repro_args`). Whoever can write to the repository can write another one, so only the opcodes
of plain values are let through, and the reader knows neither classes nor functions: there is
nothing that it could be made to call, or to fill memory with.
"""

import io
import pickle  # nosec B403 # read by a reader that knows no classes
import pickletools  # nosec B403 # takes opcodes apart, and runs none
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import click

FOLDER = ".dvc/tmp"
FILE = f"{FOLDER}/repro.dat"
_LARGEST = 1 << 20
# Of the options of `dvc exp run`; those beside it, and `--pull`, which every job has.
_SWITCHES = {
    "single_item": "--single-item",
    "force": "--force",
    "pipeline": "--pipeline",
    "all_pipelines": "--all-pipelines",
    "downstream": "--downstream",
    "recursive": "--recursive",
    "force_downstream": "--force-downstream",
    "allow_missing": "--allow-missing",
}
_ON_ERROR = {"fail": [], "keep-going": ["--keep-going"], "ignore": ["--ignore-errors"]}
# Nobody is there to be asked, and a job always pulls; the environment is the user's own machine's.
_LEFT_OUT = {"targets", "on_error", "interactive", "pull", "run_env", "quiet", "jobs", "tmp_dir"}


# None, booleans, numbers, texts, lists, tuples and dictionaries (library reference, pickletools).
_PLAIN = frozenset(
    (
        *("PROTO", "FRAME", "MARK", "STOP", "NONE", "NEWTRUE", "NEWFALSE"),
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
        *("EMPTY_LIST", "APPEND", "APPENDS", "LIST"),
        *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
        *("EMPTY_DICT", "DICT", "SETITEM", "SETITEMS"),
        *("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "GET", "BINGET", "LONG_BINGET"),
    )
)


class _PlainValues(pickle.Unpickler):
    """Finds no class and no function."""

    def find_class(self, module: str, name: str, /) -> NoReturn:
        """Refuse."""
        message = f"it names {module}.{name}"
        raise pickle.UnpicklingError(message)


def unpack(packed: bytes) -> Mapping[str, Any]:
    """The named arguments of DVC's `reproduce` in a packed file.

    Raises:
        click.ClickException: it holds something else.

    """
    wrong = "its packed options are not as DVC 3 packs them"
    if len(packed) > _LARGEST:
        raise click.ClickException(wrong)
    try:
        _check_opcodes(packed)
        read = _PlainValues(io.BytesIO(packed)).load()
    # Documented: a broken pickle raises these and others (library reference, pickle).
    except (
        pickle.UnpicklingError,
        AttributeError,
        EOFError,
        IndexError,
        KeyError,
        MemoryError,
        OverflowError,
        TypeError,
        ValueError,
    ) as error:
        message = f"{wrong}: {error}"
        raise click.ClickException(message) from error
    options = read.get("kwargs") if isinstance(read, dict) else None
    if not isinstance(options, dict) or read.get("args") or not _are_texts(options):
        raise click.ClickException(wrong)
    return options


def _check_opcodes(packed: bytes) -> None:
    for opcode, argument, _ in pickletools.genops(packed):
        if opcode.name not in _PLAIN:
            message = f"it holds {opcode.name}"
            raise pickle.UnpicklingError(message)
        # The reader makes room up to the place that is named.
        if opcode.name.endswith("PUT") and int(argument or 0) > len(packed):
            message = "it names a place that is not there"
            raise pickle.UnpicklingError(message)


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def words(options: Mapping[str, Any]) -> list[str]:
    """The options and targets as they are typed after `dvc exp run`.

    Raises:
        click.ClickException: one means nothing in a job, or is none that this knows.

    >>> words({"targets": ["train"], "force": True, "pull": False, "on_error": "fail"})
    ['--force', 'train']
    """
    if options.get("dry"):
        message = "it was queued with --dry, so there is nothing to run: queue it without"
        raise click.ClickException(message)
    known = _SWITCHES.keys() | _LEFT_OUT | {"dry"}
    strange = sorted(name for name, value in options.items() if value and name not in known)
    if strange:
        message = f"it was queued with {strange[0]}, which a job cannot do: queue it without"
        raise click.ClickException(message)
    on_error, targets = options.get("on_error") or "fail", options.get("targets") or []
    targets = [targets] if isinstance(targets, str) else targets
    if not isinstance(on_error, str) or on_error not in _ON_ERROR:
        message = "what it is to do on errors is nothing that this knows: queue it again"
        raise click.ClickException(message)
    if not isinstance(targets, list | tuple) or not _are_texts(targets):
        message = "its targets are no names of stages or files: queue it again"
        raise click.ClickException(message)
    return [
        *(switch for name, switch in _SWITCHES.items() if options.get(name)),
        *_ON_ERROR[on_error],
        *(["--"] if any(target.startswith("-") for target in targets) else []),
        *targets,
    ]
