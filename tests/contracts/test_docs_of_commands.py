"""docs/commands.md is what the commands say now."""

import re

import click

from cli.endings import MEANINGS
from cli.main import cloud_runner
from cli.reference import TARGET, commands, page
from tests.contracts.markdown import headings, table


def test_docs_of_commands_are_what_the_commands_say_now() -> None:
    assert TARGET.read_text(encoding="utf-8") == page(cloud_runner), "run: python -m cli.reference"


def test_docs_of_commands_have_a_section_for_every_command() -> None:
    told = set(headings(page(cloud_runner)))

    assert {str(one) for one in commands(cloud_runner)} <= told


def test_docs_of_commands_tell_every_exit_code() -> None:
    rows = table(page(cloud_runner), "Code")

    assert {int(row[0]) for row in rows} == set(MEANINGS)


def test_docs_of_a_command_show_its_text_its_options_and_its_example() -> None:
    @click.group()
    def group() -> None:
        """All of it."""

    @group.command(epilog="\b\nExample:\n  cloud-runner paint --colour red\n  cloud-runner paint")
    @click.option("--colour", type=click.Choice(["red", "green"]), help="Which one.")
    @click.option("--hide", hidden=True)
    def paint() -> None:
        """Paint it.

        Twice, where
        that is needed.

        \b
        as it
          stands
        """

    _, section = page(group).split("## cloud-runner paint\n")

    assert section == (
        "\nPaint it.\n\nTwice, where that is needed.\n\n```\nas it\n  stands\n```\n"
        "\n```\ncloud-runner paint [OPTIONS]\n```\n"
        "\n| Option | Meaning |\n| --- | --- |\n| `--colour [red\\|green]` | Which one. |\n"
        "\n```sh\ncloud-runner paint --colour red\ncloud-runner paint\n```\n"
    )


def test_docs_of_commands_name_every_option() -> None:
    """What says where to work is told at the top, all else with its command."""
    text = page(cloud_runner)
    at_the_top = " ".join(row[0] for row in table(text, "Everywhere"))

    for one in commands(cloud_runner):
        _, after = text.split(f"# {one}\n", 1)
        section = re.split(r"^#+ ", after, maxsplit=1, flags=re.MULTILINE)[0]
        own = {max(option.opts, key=len) for option in one.own}
        everywhere = {max(option.opts, key=len) for option in one.options} - own
        assert {name for name in own if name not in section} == set()
        assert everywhere <= set(re.findall(r"--[a-z-]+", at_the_top))
