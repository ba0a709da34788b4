"""How DVC's old --params is said in Hydra's override syntax."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.hydra import ArgumentError
from shared.params import translate_params

TELLABLE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TELLABLE,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("written", "overrides"),
    [
        ("a=1", ["a=1"]),
        ("a=1,b=2", ["a=1", "b=2"]),
        ("a=1, b=2,", ["a=1", "b=2"]),
        ("conf/p.yaml:a.b=1,c=x", ["conf/p.yaml:a.b=1", "conf/p.yaml:c=x"]),
        ('a=1,b={"c":2}', ["a=1", "b={c:2}"]),
        ('a={"b":{"c":[1,2.50,true,null,"x, y"]}}', ["a={b:{c:[1,2.50,true,null,'x, y']}}"]),
        ('a={"two words":1,"a.b":2,"c:d":3}', ["a={two\\ words:1,a.b:2,c\\:d:3}"]),
        ('a=["it\'s","say \\"x\\"","both \' \\""]', ["a=[\"it's\",'say \"x\"','both \\' \"']"]),
        ('a="1"', ["a='1'"]),
        (r'a="x\\"', [r"a='x\\'"]),
        ('a="${b}"', ["a='\\${b}'"]),
        ("a=${b}", ["a=${b}"]),
        ("a={b:2,c:[x,y]}", ["a={b:2,c:[x,y]}"]),
        ("a=choice(1,2)", ["a=choice(1,2)"]),
        ("a='b, c'", ["a='b, c'"]),
        ("note=it's late,b=1", ['note="it\'s late"', "b=1"]),
        ("note=two words", ["note=two words"]),
        ("note=Zürich", ["note='Zürich'"]),
        ("note=a=b", ["note='a=b'"]),
        ("note=model (v2)", ["note='model (v2)'"]),
        ("+new=1", ["+new=1"]),
        ("a=", ["a="]),
    ],
)
def test_values_are_rewritten(written: str, overrides: list[str]) -> None:
    expected = [word for override in overrides for word in ("-S", override)]
    assert translate_params(["--params", written]) == expected
    assert translate_params([f"--params={written}"]) == expected


def test_other_arguments_stay_as_they_are_and_where_they_are() -> None:
    arguments = [
        "--force",
        "--params",
        "a=1",
        "-n",
        "name",
        "--params=b=2",
        "train",
        "--",
        "--params",
    ]

    assert translate_params(arguments) == [
        *("--force", "-S", "a=1", "-n", "name", "-S", "b=2", "train", "--", "--params")
    ]


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (["--params"], "write --params name=value"),
        (["--params", " , "], "write --params name=value"),
        (["--params", "a=1,2"], "write a list as name=[1,2]"),
        (["--params", "=1"], "a value without a name"),
        (["--params", 'b={"c":'], "leave out the spaces, or put quotes around the whole"),
        (["--params", "b=[1,2"], "lacks a ]"),
        (["--params", "b=1]"], "has a ] too many"),
        (["--params", "b=[1}"], "has a } too many"),
        (["--params", 'b="x'], 'lacks a "'),
        (["--params", "a.yaml:b=1,c.yaml:d=2"], "write another --params c.yaml:d="),
        (["--params", "b={'c':1}"], 'as in {"a":"text","b":1}'),
        (["--params", 'b={"c":NaN}'], "is no JSON"),
        (["--params", 'b={"1":2}'], "would be read as a number"),
        (["--params", 'b={"1e3":2}'], "would be read as a number"),
        (["--params", 'b={"True":2}'], "would be read as a number, a truth value"),
        (["--params", 'b={"ä":2}'], "has characters that Hydra takes in no name"),
        (["--params", 'b={"":2}'], "has characters that Hydra takes in no name"),
        (["--params", 'b="???"'], "for a missing value"),
        (["--params", "b=" + "[" * 51 + "]" * 51], "deeper than 50"),
    ],
)
def test_what_cannot_be_said_is_refused_with_the_fix(arguments: list[str], fix: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        translate_params(arguments)

    assert fix in str(refused.value)
    assert len(str(refused.value)) < 255


@given(JSON)
def test_any_json_becomes_one_override_or_is_refused(value: object) -> None:
    answer = translated_or_refused(f"a={json.dumps(value)},b=1")

    if isinstance(answer, str):
        assert len(answer) < 255
    else:
        assert answer[::2] == ["-S", "-S"]
        assert answer[1].startswith("a=")
        assert answer[3] == "b=1"


@given(st.text())
def test_any_text_is_translated_or_refused(text: str) -> None:
    answer = translated_or_refused(text)

    if isinstance(answer, str):
        assert len(answer) < 255
    else:
        assert answer[::2] == ["-S"] * (len(answer) // 2)


def translated_or_refused(written: str) -> list[str] | str:
    try:
        return translate_params(["--params", written])
    except ArgumentError as error:
        return str(error)


@pytest.mark.parametrize("value", ['["\\u0000"]', '{"a":"x\\ud800y"}', '["\\udc80"]'])
def test_a_text_that_no_program_can_be_told_is_refused(value: str) -> None:
    with pytest.raises(ArgumentError, match="a character that no program can be told"):
        translate_params(["--params", f"a={value}"])
