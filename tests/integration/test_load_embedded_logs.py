"""Load: what a stack has said is there when it has ended, and so is nothing else of it."""

from pathlib import Path

import pytest

from tests.load.embedded import logs_kept


def test_the_logs_of_a_stack_outlive_it_even_if_load_fails(tmp_path: Path) -> None:
    scratch, kept = tmp_path / "scratch", tmp_path / "kept"
    (kept / "state").mkdir(parents=True)
    (kept / "state/old.log").write_text("of the stack before")
    for path in (
        "up.log",
        "state/logs/batch.log",
        "state/batch/logs/job.log",
        "state/aws/function",
    ):
        (scratch / path).parent.mkdir(parents=True, exist_ok=True)
        (scratch / path).write_text(path)

    with pytest.raises(KeyboardInterrupt), logs_kept(scratch, kept):
        raise KeyboardInterrupt

    found = {str(one.relative_to(kept)) for one in kept.rglob("*") if one.is_file()}
    assert found == {"up.log", "state/logs/batch.log", "state/batch/logs/job.log"}


def test_a_stack_that_said_nothing_leaves_an_empty_folder(tmp_path: Path) -> None:
    with logs_kept(tmp_path / "scratch", tmp_path / "kept"):
        pass

    assert list((tmp_path / "kept").iterdir()) == []
