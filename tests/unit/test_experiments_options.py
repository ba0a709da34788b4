"""What a queued experiment was queued with, read from DVC's packed file, and typed in a job."""

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.experiments.arguments import joined, name_in
from cli.experiments.git import Git
from cli.experiments.packed import _check_opcodes, _PlainValues, unpack, words
from cli.experiments.queued import Queued
from cli.experiments.workspaces import options
from shared.arguments import split

# As DVC 3.67.1 packs `dvc exp run --queue --force train`.
PACKED: dict[str, Any] = {
    "run_env": {"DVC_EXP_NAME": "wet-lynx", "DVC_STUDIO_TOKEN": "s3cret"},
    "targets": ["train"],
    "single_item": False,
    "force": True,
    "dry": False,
    "interactive": False,
    "pipeline": False,
    "all_pipelines": False,
    "downstream": False,
    "recursive": False,
    "force_downstream": False,
    "pull": False,
    "allow_missing": False,
    "on_error": "fail",
}


def packed(**options: Any) -> bytes:
    return pickle.dumps({"args": (), "kwargs": PACKED | options})


class Hostile:
    """What a reader of pickles would be made to call."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_options_are_read_from_every_protocol(protocol: int) -> None:
    data = pickle.dumps({"args": (), "kwargs": PACKED}, protocol)

    assert unpack(data) == PACKED


def test_a_file_that_would_run_something_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    target = tmp_path / "was-run"
    hostile = packed(targets=[Hostile(target)])

    with pytest.raises(click.ClickException, match="its packed options are not as DVC 3"):
        unpack(hostile)

    assert not target.exists()
    pickle.loads(hostile)  # our own: it shows what another reader would have done
    assert target.exists()


def test_either_of_two_locks_keeps_such_a_file_from_running_anything(tmp_path: Path) -> None:
    hostile = packed(targets=[Hostile(tmp_path / "was-run")])

    with pytest.raises(pickle.UnpicklingError, match="it names"):
        _PlainValues(io.BytesIO(hostile)).load()
    with pytest.raises(pickle.UnpicklingError, match="it holds"):
        _check_opcodes(hostile)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no pickle",
        pickle.dumps(["a list"]),
        pickle.dumps({"args": ("train",), "kwargs": {}}),
        pickle.dumps({"args": (), "kwargs": []}),
        pickle.dumps({"kwargs": {"targets": "x" * (1 << 20)}}),
        b"r\xff\xff\xff\x7f.",
        b"]r\xff\xff\xff\x7f.",
        b"]p2147483647\n.",
        pickle.dumps({"args": (), "kwargs": {("a", "tuple"): 1}}),
        pickle.dumps({"args": (), "kwargs": {"targets": {"a set"}}}),
        b"cos\nsystem\n(S'true'\ntR.",
        b"Pid\n.",
    ],
)
def test_anything_else_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(click.ClickException, match="not as DVC 3 packs them"):
        unpack(data)


@given(st.binary(max_size=200), st.integers(min_value=0, max_value=400))
def test_a_damaged_file_is_read_or_refused_and_never_crashes(noise: bytes, at: int) -> None:
    data = pickletools.optimize(packed())
    damaged = data[: at % len(data)] + noise

    try:
        found = unpack(damaged)
    except click.ClickException:
        return
    assert isinstance(found, dict)


def test_what_makes_no_sense_in_a_job_is_left_out_and_no_secret_is_sent() -> None:
    asked = words(unpack(packed(interactive=True, pull=True)))

    assert asked == ["--force", "train"]


def test_every_switch_of_dvc_has_its_word() -> None:
    switches = [name for name, value in PACKED.items() if value is False]
    left_out = {"dry", "interactive", "pull"}
    for name in set(switches) - left_out:
        assert words({name: True}) == ["--" + name.replace("_", "-")]

    assert words({"on_error": "keep-going"}) == ["--keep-going"]
    assert words({"on_error": "ignore"}) == ["--ignore-errors"]
    assert words({"targets": "dvc.yaml:train"}) == ["dvc.yaml:train"]
    assert words({"targets": ["-odd", "train"]}) == ["--", "-odd", "train"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dry": True}, "queued with --dry"),
        ({"glob": True}, "queued with glob, which a job cannot do"),
        ({"on_error": "panic"}, "what it is to do on errors"),
        ({"targets": [["train"]]}, "its targets are no names"),
        ({"targets": {"train": 1}}, "its targets are no names"),
    ],
)
def test_an_option_that_cannot_be_kept_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(click.ClickException, match=said):
        words(options)


@given(st.lists(st.text(max_size=12), max_size=6))
def test_a_job_splits_the_text_into_the_same_words(told: list[str]) -> None:
    possible = [word for word in told if not ("'" in word and '"' in word)]

    assert split(joined(possible)) == possible


def test_a_word_with_both_kinds_of_quotes_and_a_space_is_refused() -> None:
    with pytest.raises(click.ClickException, match="both kinds of quotes"):
        joined(["--message", 'it\'s "odd" '])


def test_the_name_is_told_from_a_runs_arguments() -> None:
    assert name_in(joined(["--name", "wet-lynx", "--message", "two words"])) == "wet-lynx"
    assert name_in("--force train") is None
    assert name_in("--name 'open") is None
    assert name_in(None) is None


def test_a_name_that_would_be_taken_for_an_option_is_refused_with_words() -> None:
    experiment = Queued("-wet", stash="1" * 40, baseline="2" * 40)

    with pytest.raises(click.ClickException, match=r"-wet begins with a dash.*under another name"):
        options(Git(Path()), experiment)
