"""Where one argument ends and the next begins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.arguments import split
from shared.hydra import ArgumentError

PLAIN = st.text(st.characters(exclude_characters="'\"=", exclude_categories=["Z", "C"]), min_size=1)
TEXT = st.text(st.characters(exclude_characters="'\"", exclude_categories=["C"]))


@given(st.lists(PLAIN), st.sampled_from([" ", "\t", "  ", " \u00a0"]))
def test_white_space_separates(words: list[str], space: str) -> None:
    assert split(space + space.join(words)) == words


@given(st.lists(TEXT), st.sampled_from("'\""))
def test_a_quoted_argument_is_one_argument_whatever_it_holds(texts: list[str], quote: str) -> None:
    assert split(" ".join(f"{quote}{text}{quote}" for text in texts)) == texts


@given(PLAIN, TEXT, st.sampled_from("'\""))
def test_a_quote_behind_the_first_equals_sign_groups(name: str, text: str, quote: str) -> None:
    assert split(f"a {name}={quote}{text}{quote} b") == ["a", f"{name}={text}", "b"]


@given(PLAIN, PLAIN, st.sampled_from("'\""))
def test_a_quote_anywhere_else_is_a_character(before: str, after: str, quote: str) -> None:
    assert split(f"{before}{quote}{after}") == [f"{before}{quote}{after}"]
    assert split(f"a=b={quote}{after}") == [f"a=b={quote}{after}"]


@given(st.text())
def test_every_text_is_split_or_refused_in_one_short_line(text: str) -> None:
    answer = split_or_refused(text)

    if isinstance(answer, str):
        assert "is never closed: add a " in answer
        assert len(answer) < 200
    else:
        rest = iter(text)
        assert all(character in rest for character in "".join(answer))  # in order, nothing added


def split_or_refused(text: str) -> list[str] | str:
    try:
        return split(text)
    except ArgumentError as error:
        return str(error)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", []),
        ("''", [""]),
        ("a=''", ["a="]),
        ("'a b'c d", ["a bc", "d"]),
        ("'a=b'=\"c d\"", ['a=b="c', 'd"']),
        ("'a'=\"c d\"", ["a=c d"]),
        ("--params='a=1, b=2'", ["--params=a=1, b=2"]),
        ('--params var1=1,var2={"foo":"bar"}', ["--params", 'var1=1,var2={"foo":"bar"}']),
        ("$(touch x) `y` a\\ b *", ["$(touch", "x)", "`y`", "a\\", "b", "*"]),
    ],
)
def test_the_documented_cases(text: str, arguments: list[str]) -> None:
    assert split(text) == arguments


def test_an_unclosed_quote_is_named_with_what_to_do() -> None:
    with pytest.raises(ArgumentError) as refused:
        split('train -S note="two words')

    assert str(refused.value) == (
        'the quote " before "two words" is never closed: '
        'add a " where the argument ends, or take this one away'
    )
