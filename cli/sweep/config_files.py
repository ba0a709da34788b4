"""The files and options of a command, put together: later files win, and `--set` wins over all."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from cli.sweep import options
from cli.sweep.config_errors import Problem, Problems, reading
from cli.sweep.config_yaml import At, Entry, Plain, Tree, load

# What is put together key by key instead of being replaced.
_NESTED = ("batch", "space")


def gather(words: Sequence[str], sets: Sequence[str], problems: Problems) -> dict[str, Entry]:
    """What all files and options say, by the names of `options.OPTIONS`.

    A key that nobody knows is told, with the nearest; what is Lorien's alone is kept.

    Raises:
        click.UsageError: a word is no @FILE, or --set is no KEY=VALUE.

    """
    found: dict[str, Entry] = {}
    for word in words:
        with problems.at(word):
            _merge(found, _canonical(_read(word), problems))
    for one in sets:
        key, equals, value = one.partition("=")
        if not equals or not key.strip():
            message = f"--set {one}: write --set KEY=VALUE, as --set ntrial=100"
            raise click.UsageError(message)
        at = At(f"--set {key}")
        with problems.at(at):
            _merge(found, _canonical({key.strip(): Entry(load(value, at), at)}, problems))
    return found


def _read(word: str) -> dict[str, Entry]:
    if not word.startswith("@") or word == "@":
        message = f"{word!r} is no file: write @FILE, as @sweep.yaml"
        raise click.UsageError(message)
    path = Path(word[1:])
    with reading(path):
        text = path.read_text(encoding="utf-8-sig")
    tree = load(text, At(str(path), 1, path.parent))
    if not isinstance(tree, dict):
        what = "is empty" if tree == "" else "is no mapping"
        message = f"{path}: this {what}: write options, as ntrial: 100"
        raise Problem(message)
    return tree


def _canonical(tree: dict[str, Entry], problems: Problems) -> dict[str, Entry]:
    """The same under the names of our table, keys with a dot put into what they are keys of."""
    found: dict[str, Entry] = {}
    dotted: dict[str, dict[str, Entry]] = {}
    for key, entry in tree.items():
        if options.is_left_aside(key):
            found[key] = entry
            continue
        outer, dot, inner = key.partition(".")
        option = options.find(outer if dot else key)
        if option is None or (dot and option.name not in _NESTED):
            problems.note(entry.at, options.unknown(key))
        elif dot:
            dotted.setdefault(option.name, {})[inner] = entry
        elif option.name in found:
            before = found[option.name].at
            problems.note(entry.at, f"{key!r} was said already, by another name ({before})")
        else:
            found[option.name] = Entry(_canonical_inside(option.name, entry, problems), entry.at)
    for name, inner_tree in dotted.items():
        at = next(iter(inner_tree.values())).at
        _merge(found, {name: Entry(_canonical_inside(name, Entry(inner_tree, at), problems), at)})
    return found


def _canonical_inside(name: str, entry: Entry, problems: Problems) -> Tree:
    """The value of `batch` with the names of our table."""
    if name != "batch":
        return entry.value
    if isinstance(entry.value, list):
        return [_target(one, problems) if isinstance(one, dict) else one for one in entry.value]
    return _target(entry.value, problems) if isinstance(entry.value, dict) else entry.value


def _target(tree: dict[str, Entry], problems: Problems) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for key, entry in tree.items():
        option = options.find(key, of_target=True)
        if options.is_left_aside(key):
            found[key] = entry
        elif option is None:
            problems.note(entry.at, options.unknown(key, of_target=True))
        elif option.name in found:
            problems.note(entry.at, f"{key!r} was said already, by another name")
        else:
            found[option.name] = entry
    return found


def _merge(found: dict[str, Entry], later: dict[str, Entry]) -> None:
    """Put what was said later over what was said before; null takes a key away again."""
    for name, entry in later.items():
        before = found.get(name)
        if isinstance(entry.value, Plain) and entry.value.null:
            found.pop(name, None)
        elif before is None or name not in _NESTED or not isinstance(entry.value, dict):
            found[name] = entry
        elif isinstance(before.value, list):
            # What is said of `batch` without naming a target is said of each.
            found[name] = Entry(_over_each(before.value, entry.value), before.at)
        elif isinstance(before.value, dict):
            found[name] = Entry({**before.value, **entry.value}, before.at)
        else:
            found[name] = entry


def _over_each(targets: Iterable[Tree], said: dict[str, Entry]) -> list[Tree]:
    return [{**one, **said} if isinstance(one, dict) else one for one in targets]
