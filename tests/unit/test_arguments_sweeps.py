"""How the parameters of a sweep's run are told to `dvc exp run`."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.arguments import split
from shared.hydra import ArgumentError
from shared.params import translate_params
from shared.sweeps import sweep_params

NAMES = st.from_regex(r"[a-z_][a-z0-9_-]{0,8}(\.[a-z_][a-z0-9_]{0,8}){0,2}", fullmatch=True)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text().filter(lambda text: text != "???" and "\0" not in text)
)
VALUES = LEAVES | st.lists(LEAVES, max_size=3)
TEXTS = st.text(alphabet="ab01-=[]{}\"'., :$(){}\\né", max_size=12)


def overrides(*arguments: str) -> list[str]:
    told = sweep_params(list(arguments))
    assert told[::2] == ["-S"] * (len(told) // 2)
    return told[1::2]


@pytest.mark.parametrize(
    ("value", "override"),
    [
        ("0.1", "x=0.1"),
        ("1e-05", "x=1e-05"),
        ("-3", "x=-3"),
        ("True", "x=True"),
        ("False", "x=False"),
        ("None", "x=null"),
        ("nan", "x=nan"),
        ("adam", "x=adam"),
        ("data/v2.csv", "x=data/v2.csv"),
        ("two words", "x=two words"),
        ("", "x="),
        (" x", "x=' x'"),
        ("a,b", "x='a,b'"),
        ("a=b", "x='a=b'"),
        ("choice(1,2)", "x='choice(1,2)'"),
        ("${n}", r"x='\${n}'"),
        ("it's", 'x="it\'s"'),
        ('"x"', "x='\"x\"'"),
        ("Zürich", "x='Zürich'"),
        ("(1, 2)", "x='(1, 2)'"),
        ("[1, 2.5, None, True]", "x=[1,2.5,null,true]"),
        ("['a', \"it's\"]", "x=['a',\"it's\"]"),
        ('["a", null]', "x=['a',null]"),
        ("{'depth': 2, 'act': 'relu'}", "x={depth:2,act:'relu'}"),
        ('{"depth": 0.10}', "x={depth:0.10}"),
        ("[CLS]", "x='[CLS]'"),
        ("{a} of {b}", "x='{a} of {b}'"),
        ("[{1, 2}]", "x='[{1, 2}]'"),
        ("[b'x']", "x=\"[b'x']\""),
        ("[nan, inf]", "x='[nan, inf]'"),
    ],
)
def test_a_value_is_told_as_it_was_meant(value: str, override: str) -> None:
    assert overrides(f"--x={value}") == [override]
    assert overrides(f"x={value}") == [override]


def test_each_form_of_an_agent_tells_the_same() -> None:
    expected = ["lr=0.1", "model.depth=2", "augment=true"]

    assert [
        o.lower() for o in overrides("--lr=0.1", "--model.depth=2", "--augment=True")
    ] == expected
    assert [o.lower() for o in overrides("lr=0.1", "model.depth=2", "augment=True")] == expected
    assert overrides("--lr=0.1", "--model.depth=2", "--augment") == expected
    assert overrides('{"lr": 0.1, "model.depth": 2, "augment": true}') == expected


def test_json_keeps_texts_and_numbers_apart() -> None:
    told = overrides('{"a": "1", "b": 1, "c": "true", "d": null, "e": {"f": ["", NaN, -Infinity]}}')

    assert told == ["a='1'", "b=1", "c='true'", "d=null", "e={f:['',nan,-inf]}"]


def test_no_parameters_are_no_arguments() -> None:
    assert sweep_params([]) == []
    assert sweep_params(["{}", "train"]) == ["train"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["-S", "a=1", "-n", "b=2", "-j", "--x=1", "-C", "c=3", "-m", "d=4"],
        ["--set-param", "a=1", "--name", "--x", "--message", "{}", "--jobs", "4"],
        ["--set-param=a=1", "--name=b=2", "--jobs=4", "--copy-paths=x", "--message=a=b"],
        ["-Sa=1", "-nname", "-fs", "-fS", "a=1", "-vn", "--x=1"],
        ["--params", "a=1,b=2", "--params=c=3"],
        ["-f", "--force", "--single-item", "--temp", "--dry", "-P", "--no-hydra", "--pull"],
        ["train", "sub/dvc.yaml:fit", "dvc.yaml", "data/year=2020.csv.dvc", "train@lr=0.1"],
        ["sub/dvc.yaml:train@lr=0.1", "dvc.yaml:train@a=b", "data dir=1"],
        ["--", "--x=1", "a=1", '{"a": 1}', "--"],
        ["-n"],
        ["--name"],
        ["-"],
    ],
)
def test_options_and_targets_stay_as_they_are(arguments: list[str]) -> None:
    assert sweep_params(arguments) == arguments


def test_parameters_are_told_where_they_stood() -> None:
    told = sweep_params(
        ["-n", "run-1", "--lr=0.1", "train", "opt=adam", "-f", "--bias", "--", "x=1"]
    )

    assert told == [
        *("-n", "run-1", "-S", "lr=0.1", "train", "-S", "opt=adam", "-f"),
        *("-S", "bias=true", "--", "x=1"),
    ]


def test_an_option_that_takes_no_value_is_a_parameter_if_it_has_one() -> None:
    assert overrides("--temp=0.7", "--recursive=False") == ["temp=0.7", "recursive=False"]
    assert overrides("name=x", '{"jobs": 4}') == ["name=x", "jobs=4"]


def test_names_may_add_to_the_parameters_and_name_their_file() -> None:
    told = overrides(
        "--+new=1", "++model.x=2", "conf/p.yaml:a.0.b=3", "--db@src=mysql", "model/enc=y"
    )

    assert told == ["+new=1", "++model.x=2", "conf/p.yaml:a.0.b=3", "db@src=mysql", "model/enc=y"]


def test_it_goes_together_with_the_old_params_in_either_order() -> None:
    arguments = split("""--params a=1,b={"c":2} --lr=0.1 'layers=[1, 2]'""")
    expected = ["-S", "a=1", "-S", "b={c:2}", "-S", "lr=0.1", "-S", "layers=[1,2]"]

    assert sweep_params(translate_params(arguments)) == expected
    assert translate_params(sweep_params(arguments)) == expected


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (["--lr", "0.1"], "write --lr=0.1"),
        (["--augment", "True"], "write --augment=True"),
        (["--layers", "[1,2]"], "write --layers=[1,2]"),
        (split('{"a": 1, "b": 2}'), """put quotes around the whole, as in '{"name": 1}'"""),
        (split("--model={'depth': 2}"), "put quotes around the whole"),
        (split("layers=[1, 2]"), "put quotes around the whole"),
        (["--two words=1"], "rename it in the sweep"),
        (["--1st=1"], "rename it in the sweep"),
        (["--=1"], "rename it in the sweep"),
        (['{"a b": 1}'], "rename it in the sweep"),
        (['{"": 1}'], "rename it in the sweep"),
        (["--x=???"], "write another"),
        (['{"x": {"1": 2}}'], "rename it, or set it in the parameters' file"),
        (["--x={1: 2}"], "rename it, or set it in the parameters' file"),
        (["/tmp/wandb/args.json"], "write ${args} or ${args_json}"),
        (["--x=" + "[" * 51 + "]" * 51], "deeper than 50"),
        (["--x=" + "[" * 10**5], "deeper than 50"),
        (['{"a":' * 60 + "1" + "}" * 60], "deeper than 50"),
    ],
)
def test_what_cannot_be_told_is_refused_with_the_fix(arguments: list[str], fix: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        sweep_params(arguments)

    assert fix in str(refused.value)
    assert len(str(refused.value)) < 255


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_any_json_becomes_one_override_for_each_parameter(params: dict[str, object]) -> None:
    told = overrides(json.dumps(params))

    assert [override.partition("=")[0] for override in told] == list(params)
    assert overrides(json.dumps(params, ensure_ascii=False)) == told


@given(NAMES, VALUES)
def test_pythons_words_for_a_value_become_one_override(name: str, value: object) -> None:
    try:
        told = overrides(f"+{name}={value}")
    except ArgumentError:
        assert isinstance(value, str)
        return

    assert len(told) == 1
    assert told[0].startswith(f"+{name}=")
    if isinstance(value, float):
        assert math.isclose(float(told[0].partition("=")[2]), value)


@given(st.lists(TEXTS | NAMES.map(lambda name: f"--{name}=x")))
def test_any_arguments_are_told_or_refused(arguments: list[str]) -> None:
    answer = told_or_refused(arguments)

    if isinstance(answer, str):
        assert len(answer) < 255
    else:
        assert sweep_params(answer) == answer


def told_or_refused(arguments: list[str]) -> list[str] | str:
    try:
        return sweep_params(arguments)
    except ArgumentError as error:
        return str(error)


@pytest.mark.parametrize("value", ["1" + "+1" * 100_000, "a" + ".a" * 100_000])
def test_what_python_cannot_read_for_its_depth_is_a_text(value: str) -> None:
    assert overrides(f"--a=[{value}]") == [f"a='[{value}]'"]
