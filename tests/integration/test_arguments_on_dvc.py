"""What DVC and Hydra, in the versions of a job's environment, make of translated arguments."""

import json
import random
from pathlib import Path

import pytest

from shared.arguments import split
from shared.hydra import ArgumentError
from shared.params import translate_params
from tests.integration.in_dvcs_python import READ_BY_HYDRA, TO_JSON, run

PARAMS = """
learning_rate: 0.1
n: 1
name: none
text: none
quoted: none
flag: false
nothing: 1
list: []
words: []
model: {depth: 1, layers: [1], name: x, deep: {er: 1}}
tree: {"two words": 1, "a.b": 1}
"""
OTHER = '{"a": {"b": 1}, "c": "x"}'
PIPELINE = """
stages:
  keep:
    cmd: cat params.yaml other.json > kept.txt
    params:
    - model
    - other.json:
    outs:
    - kept.txt
"""
ARGUMENTS = r"""
--params learning_rate=0.01,n=-2e3
--params='flag=True,name=two words'
--params list=[1,2.5,null,"a,b"],words=["it's","say\u0020\"x\"","${n}","\\\\"]
--params nothing=null,text=Zürich;$(touch)=`x`
--params 'quoted="it\u0027s, 100% \"so\""'
--params model={"depth":3,"layers":[2,[3,{"w":null}]],"name":"a:b=c","deep":{"er":true}}
--params 'tree={"two words":2,"a.b":"3"}'
--params other.json:a.b=5,c="[1]"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name, text in {"params.yaml": PARAMS, "other.json": OTHER, "dvc.yaml": PIPELINE}.items():
        (folder / name).write_text(text)
    for command in (
        ["git", "init", "--quiet"],
        ["dvc", "init", "--quiet"],
        ["git", "add", "--all"],
        ["git", "commit", "--quiet", "--message", "A project"],
    ):
        run(folder, *command)
    return folder


def test_dvc_exp_run_sets_what_the_old_params_would_have_set(project: Path) -> None:
    run(project, "dvc", "exp", "run", *translate_params(split(ARGUMENTS)))

    params = json.loads(run(project, "python", "-c", TO_JSON, "params.yaml"))
    assert params == {
        "learning_rate": 0.01,
        "n": -2000.0,
        "flag": True,
        "name": "two words",
        "list": [1, 2.5, None, "a,b"],
        "words": ["it's", 'say "x"', "${n}", "\\\\"],
        "nothing": None,
        "text": "Zürich;$(touch)=`x`",
        "quoted": 'it\'s, 100% "so"',
        "model": {
            "depth": 3,
            "layers": [2, [3, {"w": None}]],
            "name": "a:b=c",
            "deep": {"er": True},
        },
        "tree": {"two words": 2, "a.b": "3"},
    }
    assert json.loads((project / "other.json").read_text()) == {"a": {"b": 5}, "c": "[1]"}


def test_hydra_reads_back_whatever_json_is_translated(tmp_path: Path) -> None:
    chance = random.Random(20260105)
    cases: list[tuple[object, str]] = []
    for _ in range(1500):
        value = anything(chance)
        written = json.dumps(value, ensure_ascii=chance.random() < 0.5)
        try:
            cases.append((value, translate_params(["--params", f"x={written}"])[1]))
        except ArgumentError:
            continue  # the unit tests say when

    (tmp_path / "overrides").write_text(json.dumps([override for _, override in cases]))
    read = json.loads(run(tmp_path, "python", "-c", READ_BY_HYDRA, "overrides"))
    assert len(cases) > 1000
    assert read == [value for value, _ in cases]


def anything(chance: random.Random, depth: int = 0) -> object:
    kind = chance.randrange(6 if depth < 3 else 4)
    if kind < 2:
        return word(chance, "ab01 ,:='\"\\${}[]()é\n\t-+_#?!")
    if kind == 2:
        return chance.choice([None, True, False, 0, -17, 10**20])
    if kind == 3:
        return chance.choice([0.5, -1e-7, 1e30, 3.25])
    if kind == 4:
        return [anything(chance, depth + 1) for _ in range(chance.randrange(4))]
    keys = [word(chance, "ab01eE._-+ ,:=\\${}[]()") for _ in range(chance.randrange(4))]
    return {key: anything(chance, depth + 1) for key in keys}


def word(chance: random.Random, letters: str) -> str:
    return "".join(chance.choices(letters, k=chance.randrange(8)))
