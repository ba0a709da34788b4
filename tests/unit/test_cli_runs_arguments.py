"""Arguments that a shell has split, as the text that a run keeps."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.runs.arguments import join
from shared.arguments import split
from shared.hydra import ArgumentError

AWKWARD = st.text(alphabet=string.ascii_letters + "='\" \t\n$;{}é\u2003", max_size=12)


@given(st.lists(AWKWARD, max_size=5))
def test_what_can_be_written_is_split_into_the_same_arguments_again(words: list[str]) -> None:
    try:
        text = join(words)
    except ArgumentError:
        assert any("'" in word and '"' in word for word in words)
        return

    assert split(text) == words


@given(st.lists(st.text(alphabet="ab='{} ", max_size=12), max_size=5))
def test_one_kind_of_quotes_can_always_be_written(words: list[str]) -> None:
    assert split(join(words)) == words


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], ""),
        (["train", "--force"], "train --force"),
        ([""], "''"),
        (["-S", "note=two words"], "-S note='two words'"),
        (["it's"], "it's"),
        (["'quoted'"], "\"'quoted'\""),
        (["a=b=c d"], "a='b=c d'"),
    ],
)
def test_quotes_stand_only_where_they_are_needed(words: list[str], text: str) -> None:
    assert join(words) == text


def test_white_space_between_both_kinds_of_quotes_is_refused_with_a_way_out() -> None:
    with pytest.raises(ArgumentError, match=r"put it into params\.yaml"):
        join(["a 'b' \"c\" d"])
