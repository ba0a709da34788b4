"""What the help and a Tab show without loading what they show."""

import subprocess
import sys

import click
import pytest

from cli.late import LateGroup
from cli.main import cloud_runner

SLOW = {"boto3", "botocore", "moto", "optuna", "pydantic", "rich"}


def loaded_by(script: str) -> set[str]:
    """The packages that a Python has loaded after `script`."""
    told = f"{script}\nimport sys\nprint('LOADED', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, timeout=300, check=True
    )
    return {name.partition(".")[0] for name in done.stdout.split("LOADED ", 1)[1].split()}


@pytest.mark.parametrize("words", [["--help"], ["--version"]], ids=" ".join)
def test_the_help_loads_nothing_slow(words: list[str]) -> None:
    script = f"from cli.main import cloud_runner\ncloud_runner({words}, standalone_mode=False)"

    assert loaded_by(script) & SLOW == set()


def test_a_tab_for_a_command_loads_nothing_slow() -> None:
    script = (
        "from click.shell_completion import ShellComplete\nfrom cli.main import cloud_runner\n"
        "found = ShellComplete(cloud_runner, {}, 'x', 'y').get_completions([], 'd')\n"
        "assert [one.value for one in found] == ['demo', 'deploy', 'dlq'], found"
    )

    assert loaded_by(script) & SLOW == set()


def test_what_is_said_of_a_command_is_what_it_says_itself() -> None:
    assert isinstance(cloud_runner, LateGroup)
    context = click.Context(cloud_runner)
    said = {name: place.says for name, place in cloud_runner.places.items()}
    loaded = {name: cloud_runner.get_command(context, name) for name in said}

    assert said == {
        name: command and command.get_short_help_str(limit=200) for name, command in loaded.items()
    }
    assert list(said) == cloud_runner.list_commands(context)
    assert all(command is not None and command.name == name for name, command in loaded.items())
