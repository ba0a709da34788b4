"""docs/commands.md: every command with its options, written from the commands themselves.

`python -m cli.reference` writes the page; a test says whether it is what the commands say now.
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

import click

from cli.endings import MEANINGS
from cli.main import cloud_runner
from local.layout import PROJECT

TARGET = PROJECT / "docs/commands.md"
_FRAME = Path(__file__).with_name("reference.md")
_NAME = "cloud-runner"
# The options of `cli.account`: told once, not again with each command.
_EVERYWHERE = ("account", "organization", "profile", "region", "local", "state_dir")


@dataclass(frozen=True)
class Found:
    """A command, and the words that lead to it."""

    path: tuple[str, ...]
    command: click.Command

    def __str__(self) -> str:
        """What is typed to call it."""
        return " ".join((_NAME, *self.path))

    @property
    def options(self) -> list[click.Option]:
        """Its options, in the order of its help."""
        found = [one for one in self.command.params if isinstance(one, click.Option)]
        return [one for one in found if not one.hidden]

    @property
    def own(self) -> list[click.Option]:
        """Its options without those that say where to work."""
        names = {one.name for one in self.options}
        elsewhere = _EVERYWHERE if _EVERYWHERE[0] in names else ()
        return [one for one in self.options if one.name not in elsewhere]


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[Found]:
    """Every command and group below `group`, in the order of its help."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        yield Found((*path, name), command)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def page(group: click.Group) -> str:
    """The whole page, in Markdown."""
    found = list(commands(group))
    frame = Template(_FRAME.read_text(encoding="utf-8")).substitute(
        overview=_overview(found),
        everywhere=_everywhere(found),
        json=_with_json(found),
        endings=_table(("Code", "Meaning"), [(str(code), text) for code, text in MEANINGS.items()]),
        variables=_variables(found),
    )
    return (
        "\n".join([frame.rstrip("\n"), *(line for one in found for line in _section(one))]) + "\n"
    )


def _overview(found: Iterable[Found]) -> str:
    rows = [
        (f"[`{one}`](#{str(one).replace(' ', '-')})", _cell(_paragraphs(one.command)[0]))
        for one in found
        if not isinstance(one.command, click.Group)
    ]
    return _table(("Command", "What it does"), rows)


def _everywhere(found: Iterable[Found]) -> str:
    seen: dict[str, tuple[str, str]] = {}
    for one in found:
        for option in one.options:
            if option.name in _EVERYWHERE and option not in one.own:
                seen.setdefault(option.name, _row(one, option))
    return _table(("Everywhere", "Meaning"), [seen[name] for name in _EVERYWHERE if name in seen])


def _with_json(found: Iterable[Found]) -> str:
    named = [one for one in found if any("--json" in each.opts for each in one.options)]
    return ", ".join(f"`{' '.join(one.path)}`" for one in named)


def _variables(found: Iterable[Found]) -> str:
    same: dict[str, str] = {}
    for one in found:
        for option in one.options:
            variables = [option.envvar] if isinstance(option.envvar, str) else option.envvar or ()
            same |= dict.fromkeys(variables, option.opts[0])
    rows = [(f"`{name}`", f"`{option}`") for name, option in sorted(same.items())]
    return _table(("Variable", "The same as"), rows)


def _section(one: Found) -> Iterator[str]:
    yield f"\n{'#' * min(len(one.path) + 1, 4)} {one}\n"
    yield "\n\n".join(_paragraphs(one.command))
    if isinstance(one.command, click.Group):
        return
    usage = one.command.collect_usage_pieces(_context(one))
    yield f"\n```\n{' '.join((str(one), *usage))}\n```"
    if one.own:
        rows = [_row(one, option) for option in one.own]
        yield f"\n{_table(('Option', 'Meaning'), rows)}"
    if len(one.own) < len(one.options):
        yield "\nAnd [where it works](#where-a-command-works)."
    _, _, example = (one.command.epilog or "").partition("Example")
    _, _, lines = example.partition("\n")
    if lines.strip():
        yield f"\n```sh\n{inspect.cleandoc(lines)}\n```"


def _paragraphs(command: click.Command) -> list[str]:
    """The help, each paragraph on one line but those that are not to be wrapped."""
    text = inspect.cleandoc(command.help or "").partition("\f")[0]
    found = []
    for part in re.split(r"\n\s*\n", text):
        if part.startswith("\b\n"):
            found.append(f"```\n{part[2:]}\n```")
        else:
            found.append(" ".join(part.split()))
    return found


def _row(one: Found, option: click.Option) -> tuple[str, str]:
    record = option.get_help_record(_context(one))
    if record is None:  # only hidden ones have none, and those are not asked for
        return "", ""
    return f"`{_cell(record[0])}`", _cell(re.sub(r"\s+", " ", record[1]))


def _context(one: Found) -> click.Context:
    return click.Context(one.command, info_name=str(one))


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Write the page."""
    TARGET.write_text(page(cloud_runner), encoding="utf-8")


if __name__ == "__main__":
    main()
