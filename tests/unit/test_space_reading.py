"""What the text of a sweep's keyword says, and what is answered to a text that says nothing."""

import json
import math
from itertools import islice, product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared import points
from shared.errors import Rejected
from shared.hydra import ArgumentError, said_text
from shared.space import Space, parse
from tests.unit.cpu_time import at_most

NAMES = st.from_regex(
    r"(params\.yaml:)?[a-z_][a-z0-9_-]{0,6}(\.[a-z_][a-z0-9_]{0,4}){0,2}", fullmatch=True
)
FINITE = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)


def quotable(text: str) -> bool:
    try:
        said_text(text)
    except ArgumentError:
        return False
    return "'" not in text and "\0" not in text


TEXTS = st.text(max_size=12).filter(quotable)
SCALARS = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | FINITE | TEXTS


def written(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else json.dumps(value)


def values_of(text: str) -> list[object]:
    (values,) = parse(f"x={text}").parameters.values()
    return [values.at(index) for index in range(values.size)]


@given(
    st.dictionaries(
        NAMES,
        st.lists(SCALARS, min_size=1, max_size=4, unique_by=lambda one: (type(one), one)),
        min_size=1,
        max_size=4,
    )
)
def test_what_is_written_is_what_is_read(wanted: dict[str, list[object]]) -> None:
    text = " ".join(f"{name}={','.join(map(written, row))}" for name, row in wanted.items())

    space = parse(text)

    assert space.size == len(list(product(*wanted.values())))
    assert [list(map(repr, point.values())) for point in space.points()] == [
        list(map(repr, row)) for row in product(*wanted.values())
    ]
    assert all(list(point) == list(wanted) for point in space.points())
    assert points.decode(points.encode(list(space.points()))[0]) == list(space.points())


@given(st.text(alphabet="ab01,.'\" =()[]{}-+:rangelispc\t\n\0é", max_size=60))
@example("lr=range(1,2")
@example("'lr=1")
def test_any_text_is_a_space_or_is_answered(text: str) -> None:
    try:
        space = parse(text)
    except Rejected:
        return

    assert space.size >= 1
    points.encode(list(islice(space.points(), 5)))


def test_the_example_of_the_documentation_is_read() -> None:
    space = parse(
        "lr=0.1,0.01 depth=range(2,8) act='a b',c model.name=resnet,none params.yaml:x=null"
    )

    assert space.size == 2 * 6 * 2 * 2
    assert space.at(0) == {
        "lr": 0.1,
        "depth": 2,
        "act": "a b",
        "model.name": "resnet",
        "params.yaml:x": None,
    }
    assert [point["model.name"] for point in islice(space.points(), 3)] == [
        "resnet",
        "none",
        "resnet",
    ]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,2", [1, 2]),
        ("-1,+2,-0.5,.5,1.,1e-5", [-1, 2, -0.5, 0.5, 1.0, 1e-05]),
        ("1,1.0,'1',true,'true'", [1, 1.0, "1", True, "true"]),
        ("True,FALSE,Null,none", [True, False, None, "none"]),
        ("007,1_000,0x10,1e,2026-11-21", ["007", "1_000", "0x10", "1e", "2026-11-21"]),
        ("a=b,it's,b='c,data/v2.csv", ["a=b", "it's", "b='c", "data/v2.csv"]),
        ("'',\"it's\",'a,b','(',\" x \"", ["", "it's", "a,b", "(", " x "]),
        ("range(2,8)", [2, 3, 4, 5, 6, 7]),
        ("range(8,2,-2)", [8, 6, 4]),
        ("Range( 2, 4 )", [2, 3]),
        ("range(0.1,0.8,0.1)", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
        ("range(1,2,0.5)", [1.0, 1.5]),
        ("range(0,1e2,5e1)", [0.0, 50.0]),
        ("linspace(0,1,5)", [0.0, 0.25, 0.5, 0.75, 1.0]),
        ("linspace(0,1,11)", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        ("linspace(3,3,1)", [3.0]),
        ("linspace(1,1.0000000000000002,2)", [1.0, 1.0000000000000002]),
        ("logspace(1,1.0000000000000002,2)", [1.0, 1.0000000000000002]),
        ("logspace(1e-5,1e-1,5)", [1e-05, 0.0001, 0.001, 0.01, 0.1]),
        ("logspace(8,1,4)", [8.0, 4.0, 2.0, 1.0]),
    ],
)
def test_values_are_read_as_they_are_meant(text: str, values: list[object]) -> None:
    assert list(map(repr, values_of(text))) == list(map(repr, values))


def test_quotes_around_a_whole_parameter_let_it_hold_spaces() -> None:
    space = parse("""'lr=0.1, 0.01' "act='leaky relu', tanh" 'note= a b'""")

    assert list(space.points())[1] == {"lr": 0.1, "act": "tanh", "note": "a b"}
    assert space.size == 4


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("", "write lr=0.1,0.01 depth=range(2,8)"),
        ("  \t", "write lr=0.1,0.01 depth=range(2,8)"),
        ("lr", '"lr" has no =: write name=value,value'),
        ("lr=0.1, 0.01", "lr has an empty value: write lr=0.1,0.01 without spaces"),
        ("lr=", "lr has an empty value"),
        ("lr=1,,2", "lr has an empty value"),
        ("lr=1 lr=2", "lr stands twice: write all its values behind one lr="),
        ("lr=0.1,0.10", "lr has the value 0.1 twice"),
        ("act=a,'a'", 'act has the value "a" twice'),
        ("=1", "no parameter's name"),
        ("l%r=1", "no parameter's name"),
        ("1st=1", "no parameter's name"),
        ("a..b=1", "no parameter's name"),
        (f"{'a' * 300}=1", "no parameter's name"),
        ("d=range(2,2)", "its stop is not one of them"),
        ("d=range(8,2)", "write range(8,2,-1)"),
        ("d=range(2,8,-1)", "write range(2,8,1)"),
        ("d=range(2,8,0)", "write a step other than 0"),
        ("d=range(8)", "write range(START,STOP)"),
        ("d=range(1,2,3,4)", "write range(START,STOP)"),
        ("d=range(a,8)", '"a" is no number'),
        ("d=range(,8)", '"" is no number'),
        ("d=range(0,1,1e-400)", "beyond what a number can be"),
        ("d=range(0,1e300,1e-300)", "over 1,000,000,000,000 points"),
        ("d=rnage(2,8)", "there is no rnage(…): write range(2,8)"),
        ("d=geomspace(1,10,4)", "write logspace(1,10,4)"),
        ("d=linspace(0,1)", "write linspace(FIRST,LAST,COUNT)"),
        ("d=linspace(0,1,0)", "its third number says how many"),
        ("d=linspace(0,1,2.5)", "its third number says how many"),
        ("d=linspace(1,1,3)", "3 times the same value"),
        ("d=linspace(1,1.0000000000000001,5)", "so close that some are the same number"),
        ("d=linspace(9e15,9.0000001e15,900000000000)", "so close that some"),
        ("d=linspace(1,1.0000000000000001,2)", "so close that some are the same number"),
        ("d=logspace(1,1.0000000000000001,5)", "so close that some are the same number"),
        ("d=logspace(1,1.000000000001,5)", "so close that some are the same number"),
        ("d=logspace(0,1,3)", "not above 0"),
        ("d=logspace(-1,1,3)", "not above 0"),
        ("d=range(2,8),9", "range(…) stands alone"),
        ("d=9,range(2,8)", "range(…) stands alone"),
        ("d=[1,2]", "put quotes around a text"),
        ("d=range(2,8)x", "put quotes around a text"),
        ("d=range(2,8", 'the bracket ( before "2,8" is never closed'),
        ("d='a b", 'the quote \' before "a b" is never closed'),
        ("'d=1", 'the quote \' before "d=1" is never closed'),
        ("'d=\"1'", "has an unclosed quote"),
        ("d='a'b", "has no comma behind its quotes"),
        ("d=nan", "write 'nan' for the text"),
        ("d=-inf", "write '-inf' for the text"),
        ("d=1e999", "beyond what a number can be"),
        ("d=???", "write another"),
        ("d='a\0'", "no program can be told"),
        (" ".join(f"p{i}=1" for i in range(101)), "at most 100 parameters"),
    ],
)
def test_a_text_that_spans_nothing_is_answered_with_what_to_write(text: str, fix: str) -> None:
    with pytest.raises(Rejected) as answer:
        parse(text)

    assert fix in str(answer.value)


def test_several_faults_are_told_together() -> None:
    with pytest.raises(Rejected) as answer:
        parse("lr depth=range(8,2) act= more=")

    assert str(answer.value).count(";") == 2


@given(
    start=st.integers(-(10**6), 10**6),
    stop=st.integers(-(10**6), 10**6),
    step=st.integers(-999, 999).filter(bool),
)
def test_a_range_of_whole_numbers_is_pythons(start: int, stop: int, step: int) -> None:
    expected = range(start, stop, step)
    if not expected:
        with pytest.raises(Rejected):
            parse(f"x=range({start},{stop},{step})")
        return

    values = parse(f"x=range({start},{stop},{step})").parameters["x"]

    assert values.size == len(expected)
    assert [values.at(0), values.at(values.size - 1)] == [expected[0], expected[-1]]


@given(start=st.integers(-1000, 1000), size=st.integers(1, 300), digits=st.integers(1, 6))
def test_decimal_steps_do_not_drift(start: int, size: int, digits: int) -> None:
    scale = 10**digits
    bounds = [start / scale, (start + size) / scale, 1 / scale]

    values = parse(f"x=range({','.join(f'{bound:.{digits}f}' for bound in bounds)})").parameters[
        "x"
    ]

    assert [values.at(i) for i in range(values.size)] == [
        float(f"{(start + i) / scale:.{digits}f}") for i in range(size)
    ]


@given(low=st.floats(1e-12, 1e12), high=st.floats(1e-12, 1e12), size=st.integers(2, 50))
def test_spaces_begin_and_end_where_they_are_said_to(low: float, high: float, size: int) -> None:
    if math.isclose(low, high, rel_tol=1e-9):
        return
    for function in ("linspace", "logspace"):
        values = parse(f"x={function}({low!r},{high!r},{size})").parameters["x"]

        assert values.size == size
        assert (values.at(0), values.at(size - 1)) == (low, high)


def test_a_huge_space_costs_nothing_until_its_points_are_made() -> None:
    with at_most(1):
        space: Space = parse("a=range(0,10000000) b=linspace(0,1,1000000) c=logspace(1,2,1000000)")

        assert space.size == 10**19
        assert space.at(10**19 - 1) == {"a": 9_999_999, "b": 1.0, "c": 2.0}


@pytest.mark.parametrize(
    "text",
    [
        "a=" + "1," * 10**6,
        "a='" + " " * 10**6 + "'x",
        "'a=1" + " " * 10**6 + "b'",
        "a=" + "(" * 10**6,
        "a=" + "()" * 10**6,
        "a='" * 10**6,
        "a=','" * 10**6,
        "\"a='x' " + "'" * 10**6 + '"',
        "a=f(" + "0" * 10**6 + ")",
        "a=" + "9" * 10**6,
        "a=" + "\\" * 10**6,
        "a." * 10**6 + "=1",
        "=" * 10**6,
        " ".join(f"a{i}=1" for i in range(10**5)),
    ],
    ids=lambda text: text[:12],
)
def test_reading_is_linear_in_the_text(text: str) -> None:
    with at_most(20):
        try:
            told = str(parse(text).size)
        except Rejected as answer:
            told = str(answer)

    assert len(told) < 2000
