"""NAME=VALUE, and repositories, as every command reads them."""

import click
import pytest
from click.testing import CliRunner

from cli import local
from cli.project.names import project
from cli.typed import pairs
from shared.names import Names


def test_a_value_may_hold_everything() -> None:
    assert pairs(["A=1", "B=x=y, z", "C=", "A=1"]) == {"A": "1", "B": "x=y, z", "C": ""}


def test_a_name_with_two_values_is_refused() -> None:
    with pytest.raises(click.BadParameter, match="A is given twice, as '1' and as '2'"):
        pairs(["A=1", "A=2"])


@pytest.mark.parametrize("word", ["A", "=1", "A B=1", "é=1", ""])
def test_what_is_no_name_and_value_is_refused(word: str) -> None:
    with pytest.raises(click.BadParameter, match="write NAME=VALUE"):
        pairs([word])


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (("--parameter", "MaxGpus=1", "--parameter", "MaxGpus=2"), "MaxGpus is given twice"),
        (("--repository", "-team/churn"), "is not WORKSPACE/SLUG"),
        (("--repository", "churn"), "is not WORKSPACE/SLUG"),
    ],
)
def test_the_local_stack_reads_them_in_the_same_way(arguments: tuple[str, ...], wrong: str) -> None:
    result = CliRunner().invoke(local.local, ["up", *arguments])

    assert result.exit_code == 2
    assert wrong in " ".join(result.output.split())


def test_a_projects_name_is_read_in_the_same_way() -> None:
    assert project(Names("acme", "testing"), "Team/Churn").full_name == "team/churn"
    with pytest.raises(click.BadParameter, match="is not WORKSPACE/SLUG"):
        project(Names("acme", "testing"), "team/churn/x")
