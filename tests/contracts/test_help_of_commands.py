"""The help of each command: what it does, what each option means, an example that would work."""

import re
import shlex
from collections.abc import Iterator, Sequence

import click
import pytest

from cli.main import cloud_runner
from cli.reference import Found, commands

ALL = [Found((), cloud_runner), *commands(cloud_runner)]
ONES = [one for one in ALL if not isinstance(one.command, click.Group)]
each_command = pytest.mark.parametrize("one", ALL, ids=str)
# What tells of things that are there; each has a form for programs.
TELLING = {"list", "show", "results", "status"}


def examples(one: Found) -> list[str]:
    """The commands of ours in a help's example; a line that ends with a backslash goes on."""
    epilog = (one.command.epilog or "").replace("\\\n", " ")
    _, _, lines = epilog.partition("Example")
    return [line.strip() for line in lines.splitlines() if line.strip().startswith("cloud-runner ")]


def addressed(words: Sequence[str]) -> tuple[Found, list[str]]:
    """The command that `words` would call, and what is left for it."""
    rest: list[str] = list(words)
    path: list[str] = []
    command: click.Command = cloud_runner
    while isinstance(command, click.Group) and rest:
        called = command.get_command(click.Context(command), rest[0])
        if called is None:
            break
        path.append(rest.pop(0))
        command = called
    return Found(tuple(path), command), rest


def mistakes(one: Found, words: Sequence[str]) -> Iterator[str]:
    """What click's own parser, which calls nothing, has against `words`."""
    context = click.Context(one.command, info_name=str(one))
    try:
        values, _, _ = one.command.make_parser(context).parse_args([*words])
    except click.UsageError as error:
        yield error.format_message()
        return
    for parameter in one.command.params:
        value = values.get(parameter.name or "")
        if value in (None, ()):
            if parameter.required:
                yield f"{parameter.name} is missing"
        elif isinstance(parameter.type, click.Choice | click.IntRange | click.FloatRange):
            try:
                parameter.type_cast_value(context, value)
            except click.BadParameter as error:
                yield error.format_message()


@each_command
def test_a_command_says_in_a_sentence_what_it_does(one: Found) -> None:
    first = (one.command.help or "").strip().split("\n\n")[0]

    assert first.endswith((".", "…"))
    assert one.command.get_short_help_str(limit=100).count("...") == 0


@each_command
def test_every_option_of_a_command_says_what_it_means(one: Found) -> None:
    options = [each for each in one.command.params if isinstance(each, click.Option)]

    assert [each.opts for each in options if not each.hidden and not each.help] == []


@each_command
def test_a_command_has_an_example_of_itself(one: Found) -> None:
    told = examples(one)

    assert told, "epilog=example(…), from cli.examples"
    assert any(f"{line} ".startswith(f"{one} ") for line in told)


@each_command
def test_the_examples_of_a_command_can_be_typed(one: Found) -> None:
    for line in examples(one):
        words = shlex.split(re.split(r" (?:\||>|&|&&)(?: |$)", line)[0], comments=True)
        called, rest = addressed(words[1:])

        assert called.path, line
        if not isinstance(called.command, click.Group):
            assert list(mistakes(called, rest)) == [], line


@each_command
def test_the_example_of_a_command_fits_on_a_terminal(one: Found) -> None:
    lines = (one.command.epilog or "").splitlines()

    assert [line for line in lines if len(line) > 98] == []


@pytest.mark.parametrize("one", [one for one in ONES if one.path[-1] in TELLING], ids=str)
def test_a_command_that_tells_has_a_form_for_programs(one: Found) -> None:
    assert any("--json" in each.opts for each in one.command.params)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("project list --jsn", "No such option: --jsn"),
        ("project show", "repository is missing"),
        ("dlq show somewhere", "'somewhere' is not one of"),
        ("dlq show runs --limit 0", "0 is not in the range"),
        ("dlq show runs --limit 5 --json", ""),
    ],
)
def test_a_mistake_in_an_example_is_seen(line: str, wrong: str) -> None:
    called, rest = addressed(line.split())

    said = "; ".join(mistakes(called, rest))
    assert wrong in said
    assert bool(wrong) == bool(said)
