"""The job's exit codes and what is said of them."""

import ast
from pathlib import Path

import pytest

from container.exits import JobFailed
from shared import exits
from shared.exits import Exit, words

FAILURES = [code for code in Exit if code is not Exit.DONE]


@pytest.mark.parametrize("code", FAILURES)
def test_every_failure_has_words_that_leave_room_in_the_status(code: Exit) -> None:
    text = words(code)

    assert text
    assert len(text) <= 160
    assert text == " ".join(text.split())


def test_success_and_codes_of_others_have_no_words() -> None:
    assert [code for code in range(-256, 257) if words(code)] == sorted(map(int, FAILURES))


def test_no_code_is_dvcs_or_a_shells() -> None:
    dvcs = {1, *range(251, 256)}
    shells = {2, *range(126, 256)} - {128 + 15}

    assert not dvcs & set(map(int, FAILURES))
    assert not shells & set(map(int, FAILURES))


def test_every_code_says_what_it_means_where_it_is_defined() -> None:
    tree = ast.parse(Path(exits.__file__).read_text(encoding="utf-8"))
    defined = next(node for node in tree.body if isinstance(node, ast.ClassDef))
    after = zip(defined.body, defined.body[1:], strict=False)
    documented = {
        node.targets[0].id
        for node, following in after
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(following, ast.Expr)
    }

    assert documented == set(Exit.__members__)


def test_a_job_that_cannot_go_on_has_a_code_and_a_message() -> None:
    failed = JobFailed(Exit.DATA_MISSING, "pulling: 3 files are not on the remote")

    assert failed.code == 70
    assert str(failed) == "pulling: 3 files are not on the remote"
