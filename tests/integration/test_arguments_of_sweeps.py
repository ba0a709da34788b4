"""What DVC and Hydra, in the versions of a job's environment, make of a sweep's parameters."""

import json
import random
from pathlib import Path

import pytest

from shared.arguments import split
from shared.hydra import ArgumentError
from shared.sweeps import _SHORT_TAKE_A_VALUE, _TAKE_A_VALUE, _TAKE_NONE, sweep_params
from tests.integration.in_dvcs_python import READ_BY_HYDRA, TO_JSON, run

PARAMS = """
lr: 0.1
n: 1
opt: {name: sgd, momentum: 0.9}
augment: true
decay: 0.5
layers: [1]
note: none
text: none
temp: 1.0
learning-rate: 1
"""
OTHER = '{"seed": 1}'
PIPELINE = """
stages:
  keep:
    cmd: cat params.yaml other.json > kept.txt
    params:
    - lr
    - other.json:
    outs:
    - kept.txt
  other:
    cmd: echo other > other.txt
    outs:
    - other.txt
"""
# The same parameters as Python and JSON have them.
MEANT = {
    "lr": 1e-05,
    "n": -2,
    "opt": {"name": "adam", "momentum": 0.9},
    "augment": False,
    "decay": None,
    "layers": [64, "x, y", None, True],
    "note": 'choice(1,2), ${n} it\'s "so"',
    "text": "Zürich;$(touch)=`x`",
    "temp": 0.7,
    "learning-rate": 3,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {"params.yaml": PARAMS, "other.json": OTHER, "dvc.yaml": PIPELINE}.items():
        (tmp_path / name).write_text(text)
    for command in (
        ["git", "init", "--quiet"],
        ["dvc", "init", "--quiet"],
        ["git", "add", "--all"],
        ["git", "commit", "--quiet", "--message", "A project"],
    ):
        run(tmp_path, *command)
    return tmp_path


def as_args() -> list[str]:
    """What the agent makes of ${args}."""
    return [f"--{name}={value}" for name, value in MEANT.items()]


def as_args_no_hyphens() -> list[str]:
    return [f"{name}={value}" for name, value in MEANT.items()]


def as_args_no_boolean_flags() -> list[str]:
    flags = [f"--{name}={value}" for name, value in MEANT.items() if value is not False]
    return [*flags, "augment=False"]  # the agent leaves out what is false


def as_args_json() -> list[str]:
    return [json.dumps(MEANT)]


@pytest.mark.parametrize(
    "form", [as_args, as_args_no_hyphens, as_args_no_boolean_flags, as_args_json]
)
def test_dvc_exp_run_sets_a_sweeps_parameters(project: Path, form: object) -> None:
    assert callable(form)
    arguments = ["-n", "trial-1", *form(), "other.json:seed=7", "keep", "--force"]

    run(project, "dvc", "exp", "run", *sweep_params(arguments))

    assert params(project) == MEANT
    assert json.loads((project / "other.json").read_text()) == {"seed": 7}
    assert not (project / "other.txt").exists()  # `keep` was the target
    assert "/trial-1\n" in run(project, "git", "for-each-ref", "refs/exps")


def test_a_flag_is_true_and_a_new_parameter_can_be_added(project: Path) -> None:
    text = "--augment --+model.depth=2 opt.name=adam '{\"layers\": [[1, 2], []]}'"

    run(project, "dvc", "exp", "run", *sweep_params(split(text)))

    after = params(project)
    assert (after["augment"], after["model"]) == (True, {"depth": 2})
    assert (after["opt"], after["layers"]) == ({"name": "adam", "momentum": 0.9}, [[1, 2], []])


def test_the_options_are_those_of_the_real_dvc(tmp_path: Path) -> None:
    options = json.loads(run(tmp_path, "python", "-c", OPTIONS))

    take_a_value = {name for name, takes in options.items() if takes}
    take_none = options.keys() - take_a_value
    assert {f"-{letter}" for letter in _SHORT_TAKE_A_VALUE} | _TAKE_A_VALUE - {"--params"} == (
        take_a_value
    )
    assert {name for name in take_none if name.startswith("--")} == _TAKE_NONE


def test_hydra_reads_back_whatever_a_sweep_says(tmp_path: Path) -> None:
    chance = random.Random(20261121)
    cases: list[tuple[object, str]] = []
    for _ in range(1500):
        value = anything(chance)
        # A text of ${args} that looks like a number, null or a truth value is read as such.
        plain = not isinstance(value, str) or value[:1] not in "[{"
        for written in [json.dumps({"x": value}), *([f"--x={value}"] if plain else [])]:
            try:
                cases.append((value, sweep_params([written])[1]))
            except ArgumentError:
                continue  # the unit tests say when

    (tmp_path / "overrides").write_text(json.dumps([override for _, override in cases]))
    read = json.loads(run(tmp_path, "python", "-c", READ_BY_HYDRA, "overrides"))
    assert len(cases) > 2000
    assert read == [value for value, _ in cases]


def anything(chance: random.Random, depth: int = 0) -> object:
    kind = chance.randrange(6 if depth < 3 else 4)
    if kind < 2:
        return "w" + "".join(chance.choices("ab ,:='\"\\${}[]()é\n\t-+_#?!", k=chance.randrange(8)))
    if kind == 2:
        return chance.choice([None, True, False, 0, -17, 10**20])
    if kind == 3:
        return chance.choice([0.5, -1e-7, 1e30, 3.25])
    if kind == 4:
        return [anything(chance, depth + 1) for _ in range(chance.randrange(4))]
    keys = ["k" + "".join(chance.choices("abE._-/", k=3)) for _ in range(chance.randrange(4))]
    return {key: anything(chance, depth + 1) for key in keys}


OPTIONS = """
import argparse, json
from dvc.cli.parser import get_main_parser
def below(parser, name):
    for action in parser._actions:
        if isinstance(action.choices, dict) and name in action.choices:
            return action.choices[name]
run = below(below(get_main_parser(), "exp"), "run")
print(json.dumps({
    name: action.nargs != 0 for action in run._actions for name in action.option_strings
}))
"""


def params(project: Path) -> dict[str, object]:
    read: dict[str, object] = json.loads(run(project, "python", "-c", TO_JSON, "params.yaml"))
    return read
