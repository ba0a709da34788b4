"""How logs are read that grow, and what CloudWatch answers on the way."""

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.runs.copies import copy_key
from cli.runs.following import JobLog
from cli.runs.lines import complete, last_lines_begin, lines_of, plain, read_in_chunks
from cli.runs.logs import FileLog, GroupLog, Log
from shared.errors import Unavailable
from shared.events import Asked, Sweep
from shared.runs import Run
from tests.fakes import refusal
from tests.samples import a_job, a_run


def new(log: Log) -> list[str]:
    """The lines since the last time."""
    return [line for page in log.read() for line in page]


def rest(log: Log) -> list[str]:
    """What is left."""
    return [line for page in log.rest() for line in page]


class Answers:
    """CloudWatch's answers to GetLogEvents, one after the other; the last one for ever."""

    def __init__(self, *answers: tuple[list[str], str]) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def get_log_events(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        lines, token = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return {"events": [{"message": line} for line in lines], "nextForwardToken": token}


def test_a_log_ends_with_the_token_that_was_given() -> None:
    answers = Answers((["one"], "f/1"), (["two"], "f/2"), ([], "f/2"))
    log = GroupLog(answers, "group", "stream")

    assert new(log) == ["one", "two"]
    assert [asked.get("nextToken") for asked in answers.asked] == [None, "f/1", "f/2"]


def test_a_page_may_be_empty_before_the_end() -> None:
    answers = Answers(([], "f/1"), ([], "f/2"), (["one"], "f/3"), ([], "f/3"))

    assert new(GroupLog(answers, "group", "stream")) == ["one"]


def test_tokens_that_never_repeat_are_not_followed_for_ever() -> None:
    class Restless(Answers):
        def get_log_events(self, **asked: Any) -> dict[str, Any]:
            self.asked.append(asked)
            return {"events": [], "nextForwardToken": f"f/{len(self.asked)}"}

    restless = Restless()

    assert new(GroupLog(restless, "group", "stream")) == []
    assert len(restless.asked) == 3


def test_the_next_look_goes_on_where_the_last_one_ended() -> None:
    answers = Answers((["one"], "f/1"), ([], "f/1"), (["two"], "f/2"), ([], "f/2"))
    log = GroupLog(answers, "group", "stream", tail=1)

    assert (new(log), new(log)) == (["one"], ["two"])
    assert answers.asked[0]["limit"] == 1
    assert not answers.asked[0]["startFromHead"]
    assert all(asked["startFromHead"] for asked in answers.asked[1:])


def test_a_stream_that_is_not_there_yet_is_no_error_and_a_refusal_is() -> None:
    class Refusing:
        def __init__(self, code: str) -> None:
            self.code = code

        def get_log_events(self, **_asked: Any) -> dict[str, Any]:
            raise refusal(self.code, 400, "GetLogEvents")

    missing = GroupLog(Refusing("ResourceNotFoundException"), "group", "stream", tail=3)

    assert (new(missing), missing.found) == ([], False)
    with pytest.raises(Exception, match="AccessDenied"):
        new(GroupLog(Refusing("AccessDeniedException"), "group", "stream"))
    with pytest.raises(Unavailable, match="reading the log: ThrottlingException"):
        new(GroupLog(Refusing("ThrottlingException"), "group", "stream"))


def test_a_file_is_read_by_whole_lines_and_its_rest_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    log = FileLog(path)
    before, found = new(log), log.found
    path.write_bytes(b"one\ntw")
    first = new(log)
    with path.open("ab") as file:
        file.write("o\nwörd".encode()[:-1])
    second, left = new(log), rest(log)

    assert (before, found, log.found) == ([], False, True)
    assert (first, second, left) == (["one"], ["two"], ["wör"])
    assert rest(log) == []


def test_a_character_that_is_half_written_waits_for_its_line(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    log = FileLog(path)
    path.write_bytes("caf\u00e9".encode()[:-1])
    half = new(log)
    path.write_bytes("caf\u00e9\n".encode())

    assert half == []
    assert new(log) == ["caf\u00e9"]


def test_each_try_has_a_stream_and_none_is_cut_off(tmp_path: Path) -> None:
    log = JobLog(lambda stream, tail: FileLog(tmp_path / stream, tail), tail=1)

    def said(run: Run) -> list[str]:
        return [line for page in log.lines(run) for line in page]

    first = a_run(job=a_job().model_copy(update={"log_stream": "one"}))
    second = a_run(job=a_job().model_copy(update={"log_stream": "two"}))
    waiting = said(a_run())
    (tmp_path / "one").write_text("zero\none\n")
    told = said(first)
    with (tmp_path / "one").open("a") as file:
        file.write("not en")
    (tmp_path / "two").write_text("two\nthree\n")

    assert (waiting, told) == ([], ["one"])
    assert said(second) == ["not en", "two", "three"]
    assert log.found


def test_a_log_is_told_page_by_page_and_not_held_until_its_end() -> None:
    answers = Answers((["one"], "f/1"), (["two"], "f/2"), ([], "f/2"))
    pages = GroupLog(answers, "group", "stream").read()

    assert next(pages) == ["one"]
    assert len(answers.asked) == 1


def test_a_log_that_fails_in_the_middle_goes_on_behind_its_last_page() -> None:
    class Failing(Answers):
        def get_log_events(self, **asked: Any) -> dict[str, Any]:
            if len(self.asked) == 1:
                self.asked.append(asked)
                raise refusal("ThrottlingException", 400, "GetLogEvents")
            return super().get_log_events(**asked)

    log = GroupLog(Failing((["one"], "f/1"), (["two"], "f/2"), ([], "f/2")), "group", "stream")
    pages = log.read()
    first = next(pages)
    with pytest.raises(Unavailable):
        next(pages)

    assert (first, new(log)) == (["one"], ["two"])


class Backwards:
    """A stream of so many lines, which answers a page of `size` at a time, from its end."""

    def __init__(self, count: int, size: int) -> None:
        self.lines = [f"line {number}" for number in range(count)]
        self.size = size
        self.calls = 0

    def get_log_events(
        self,
        *,
        startFromHead: bool,  # noqa: N803 - botocore's name
        nextToken: str | None = None,  # noqa: N803 - botocore's name
        **_asked: Any,
    ) -> dict[str, Any]:
        self.calls += 1
        end = len(self.lines) if nextToken is None else int(nextToken)
        if startFromHead:
            return {"events": [], "nextForwardToken": nextToken}
        start = max(0, end - self.size)
        return {
            "events": [{"message": line} for line in self.lines[start:end]],
            "nextForwardToken": str(end),
            "nextBackwardToken": str(start),
        }


@pytest.mark.parametrize(("tail", "calls"), [(3, 2), (12, 4), (100, 12)])
def test_the_last_lines_are_read_from_the_end_in_as_many_pages_as_it_takes(
    tail: int, calls: int
) -> None:
    stream = Backwards(50, 5)

    assert new(GroupLog(stream, "group", "stream", tail)) == stream.lines[-tail:]
    assert stream.calls == calls


@given(
    lines=st.lists(st.sampled_from(["", "a", "line", "\u00e9" * 5]), max_size=30),
    count=st.integers(1, 8),
    chunk=st.integers(1, 16),
    ended=st.booleans(),
)
def test_the_last_lines_of_a_file_are_found_from_its_end(
    lines: list[str], count: int, chunk: int, *, ended: bool
) -> None:
    text = "\n".join(lines) + ("\n" if ended and lines else "")
    file = io.BytesIO(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cli.runs.lines._CHUNK", chunk)
        file.seek(last_lines_begin(file, count))
        found = b"".join(complete(read_in_chunks(file), whole=True)).decode()

    assert lines_of(found) == lines_of(text)[-count:]


@pytest.mark.parametrize(
    ("sweep", "attempt", "point", "key"),
    [
        (None, 2, None, "projects/churn-model/runs/777777777777777777777777/2/job.log"),
        (
            Sweep(sweep_id="s", wave=3, size=9),
            1,
            7,
            "projects/churn-model/sweeps/s/points/0003/00007/1/job.log",
        ),
        (
            Sweep(sweep_id="s", size=1),
            1,
            None,
            "projects/churn-model/sweeps/s/points/0001/00000/1/job.log",
        ),
    ],
)
def test_the_copy_of_a_log_is_where_the_job_puts_it(
    sweep: Sweep | None, attempt: int, point: int | None, key: str
) -> None:
    assert copy_key(a_run(asked=Asked(sweep=sweep)), attempt, point) == key


def test_a_run_without_a_repository_has_no_copy() -> None:
    assert copy_key(a_run(repository=None), 1) is None


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("\x1b[1;32mdone\x1b[0m\x1b[K", "done"),
        ("\x1b]0;title\x07x", "\\x1b]0;title\\x07x"),
        ("1%\r2%\r", "2%"),
        ("a\tb", "a\tb"),
        ("\u00e9\u00a0\u202e", "\u00e9\\xa0\\u202e"),
    ],
)
def test_a_line_is_shown_without_what_a_terminal_would_obey(line: str, shown: str) -> None:
    assert plain(line) == shown
