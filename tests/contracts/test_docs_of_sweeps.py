"""What docs/sweeps.md lists, against the code that reads it."""

import re
from pathlib import Path

import pytest
import yaml

from cli.sweep import options
from cli.sweep.config import read
from cli.sweep.spaces_points import MOST_POINTS
from shared.best import MOST_ENTRIES
from shared.events import Sweep
from shared.points import LEAST_CHILDREN, MOST_CHILDREN
from shared.space import MOST_PARAMETERS, parse
from tests.contracts.markdown import code, fences, table
from tests.contracts.wiring import PARAMETERS, PROJECT

TEXT = (PROJECT / "docs/sweeps.md").read_text(encoding="utf-8")
FILES = fences(TEXT, "yaml")


def test_docs_list_every_key_of_a_sweeps_file() -> None:
    listed = {tuple(code(row[0])): row[1:] for row in table(TEXT, "Key")}
    known = {(one.name, *one.other): one for one in (*options.OPTIONS, *options.TARGET_OPTIONS)}

    assert listed.keys() == known.keys()
    for names, (takes, meaning) in listed.items():
        assert takes.replace("`", "").replace(r"\|", "|") == known[names].takes
        assert meaning.startswith(known[names].meaning.rstrip("."))


def test_docs_name_every_way_to_choose_points() -> None:
    (choice,) = (one for one in options.OPTIONS if one.name == "tuner")

    assert {code(row[0])[0] for row in table(TEXT, "`tuner`")} == {
        word for word in re.findall(r"\w+", choice.takes) if word != "or"
    }


def test_docs_say_which_of_loriens_keys_are_left_aside() -> None:
    (sentence,) = re.findall(r"Keys that mean something to\s+Lorien alone \(([^)]*)\)", TEXT)

    assert set(code(sentence)) == set(options.LEFT_ASIDE)


@pytest.mark.parametrize("text", FILES, ids=lambda text: text.splitlines()[0])
def test_docs_of_sweeps_show_files_that_can_be_read(text: str, tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(text, encoding="utf-8")
    sets = ["objective=accuracy", "ntrial=10"]
    if not {"space", "points"} & yaml.safe_load(text).keys():
        sets.append("space={lr: [0.1, 0.01]}")

    assert read([f"@{file}"], sets)


def test_docs_of_sweeps_show_parameters_that_a_commit_can_hold() -> None:
    rows = [text for row in table(TEXT, "Written") for text in code(row[0])]
    rows = [text if "=" in text else f"depth={text}" for text in rows]

    assert all(parse(text).size > 1 for text in rows)
    for keyword in re.findall(r"^:ACME_SWEEP: (.*)$", TEXT, re.MULTILINE):
        assert parse(keyword).size == 12


def test_docs_of_sweeps_tell_limits_that_are_so() -> None:
    limits = " ".join(row[0] for row in table(TEXT, "Limit"))
    retries = [one for one in Sweep.model_fields["retries"].metadata if hasattr(one, "le")]
    points = PARAMETERS["MaxSweepPoints"]

    assert f"{MOST_POINTS:,} points" in limits
    assert f"{LEAST_CHILDREN} to {MOST_CHILDREN:,} points in a wave" in limits
    assert (
        f"{int(points['Default']):,} points from a commit, up to {points['MaxValue']:,}" in limits
    )
    assert f"{MOST_PARAMETERS} parameters" in limits
    assert f"{retries[0].le} retries" in limits
    assert f"{MOST_ENTRIES} best results" in limits
