"""How a point's parameters reach DVC and commands."""

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.exits import Exit, JobFailed
from container.parameters import in_command, parse, text, words_of
from container.settings import Settings
from shared.points import encode

PLAN = json.dumps(
    {"sweep": "4f2a", "wave": 1, "place": "s3://b/projects/p/sweeps/4f2a", "width": 9, "size": 1}
)
SCALAR = (
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
)
NAME = st.from_regex(r"[a-z][a-z0-9_]{0,8}(\.[a-z][a-z0-9_]{0,8})?", fullmatch=True)


def settings(**environment: str) -> Settings:
    return Settings.read({"CLOUD_RUNNER_SWEEP": PLAN, **environment})


def test_dvc_is_told_name_and_parameters_before_the_runs_own_arguments() -> None:
    point = {"lr": 1e-05, "depth": 3, "act": "relu", "deep": True, "decay": None}

    words = words_of(settings(ACME_RUN_ARGS="--force train"), "4f2a-1-7", point)

    assert words == [
        *("--name", "4f2a-1-7", "-S", "lr=1e-05", "-S", "depth=3", "-S", "act='relu'"),
        *("-S", "deep=true", "-S", "decay=null", "--force", "train"),
    ]


@pytest.mark.parametrize("name", ["two words", "a=b", "", "é", "-x", "a,b"])
def test_a_name_that_hydra_does_not_take_is_named(name: str) -> None:
    with pytest.raises(JobFailed, match="has a name that Hydra does not take: rename it"):
        words_of(settings(), "n", {name: 1})


@pytest.mark.parametrize("arguments", ["--name x", "-n x", "--name=x"])
def test_an_experiment_of_another_name_is_refused(arguments: str) -> None:
    with pytest.raises(JobFailed, match="leave --name out"):
        words_of(settings(ACME_RUN_ARGS=arguments), "n", {})


def test_a_command_keeps_its_arguments_before_the_parameters() -> None:
    told = settings(ACME_RUN_COMMAND="python 'my train.py' {lr}", ACME_RUN_ARGS="--epochs 2")

    words = words_of(told, "n", {"lr": 0.1, "depth": 3})

    assert words == ["python", "my train.py", "0.1", "--epochs", "2", "--depth=3"]


@given(st.dictionaries(NAME, SCALAR, max_size=4))
def test_no_value_becomes_two_arguments_or_none(point: dict[str, object]) -> None:
    told = in_command(["train", "{args}"], point)

    assert told == ["train", *(f"--{name}={text(value)}" for name, value in point.items())]


@given(st.dictionaries(NAME, SCALAR.filter(lambda value: "\0" not in str(value)), max_size=4))
def test_a_shell_reads_all_parameters_as_they_are(point: dict[str, object]) -> None:
    (line,) = in_command(["train {args}"], point)

    assert shlex.split(line) == [
        "train",
        *(f"--{name}={text(value)}" for name, value in point.items()),
    ]


def test_a_value_with_braces_is_not_looked_into() -> None:
    told = in_command(["{a}", "{b}", "${HOME}"], {"a": "{b}", "b": "{args}"})

    assert told == ["{b}", "{args}", "${HOME}"]


@given(st.dictionaries(NAME, SCALAR, max_size=4))
def test_a_line_of_the_list_is_read_as_it_was_written(point: dict[str, object]) -> None:
    listed, width = encode([point, {"a": "b" * 40}])

    assert parse(listed[:width]) == point


@pytest.mark.parametrize("line", [b"", b"\n", b'{"a":1', b"[1]\n", b"7\n", b"\xff\n", b"{}\n{}\n"])
def test_a_line_that_is_no_point_is_refused(line: bytes) -> None:
    with pytest.raises(JobFailed, match="is no point"):
        parse(line)


@pytest.mark.parametrize("point", [{"a": "x\0"}, {"\0": 1}, {"a": "\ud800"}])
@pytest.mark.parametrize("command", ["", "train", "train {args}", "train --a={a}"])
def test_what_no_program_can_be_told_is_refused(point: dict[str, object], command: str) -> None:
    settings = Settings.read({"ACME_RUN_COMMAND": command, "CLOUD_RUNNER_SWEEP": PLAN})

    with pytest.raises(JobFailed, match="reading the parameters: ") as refused:
        words_of(settings, "name", point)
    assert refused.value.code == Exit.BAD_ARGUMENTS
