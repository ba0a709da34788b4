"""What is said when Bitbucket answers something else than a repository and its branches."""

from typing import Any, cast

import pytest

from cli.replay.comparing import Comparing
from shared.bitbucket import UnexpectedAnswer
from shared.errors import Rejected


class Answering:
    """A Bitbucket whose every answer is one thing."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def read(self, _full_name: str, _path: str, _doing: str) -> Any:
        """That thing, or the error."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def said(answer: Any) -> str:
    bitbucket = cast("Any", Answering(answer))
    nothing = cast("Any", None)
    with pytest.raises(Rejected) as caught:
        Comparing(bitbucket, nothing, nothing, nothing).replay("team/churn", (), dry_run=True)
    return str(caught.value)


@pytest.mark.parametrize(
    "answer", [ValueError("Invalid header value b'Bearer LEAKME\\n'"), {"uuid": 7}, {}]
)
def test_an_error_that_may_quote_anything_is_not_repeated(answer: Any) -> None:
    text = said(answer)

    assert text == "Bitbucket answered something else than a repository and its branches"


def test_what_bitbucket_refuses_is_told() -> None:
    assert said(UnexpectedAnswer("asking: 400: no such field")) == "asking: 400: no such field"
