"""How logs are read that grow, and what CloudWatch answers on the way."""

from pathlib import Path
from typing import Any

import pytest

from cli.runs.following import JobLog
from cli.runs.logs import FileLog, GroupLog, copy_key, plain
from shared.events import Asked, Sweep
from tests.fakes import refusal
from tests.samples import a_job, a_run


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

    assert log.read() == ["one", "two"]
    assert [asked.get("nextToken") for asked in answers.asked] == [None, "f/1", "f/2"]


def test_a_page_may_be_empty_before_the_end() -> None:
    answers = Answers(([], "f/1"), ([], "f/2"), (["one"], "f/3"), ([], "f/3"))

    assert GroupLog(answers, "group", "stream").read() == ["one"]


def test_tokens_that_never_repeat_are_not_followed_for_ever() -> None:
    class Restless(Answers):
        def get_log_events(self, **asked: Any) -> dict[str, Any]:
            self.asked.append(asked)
            return {"events": [], "nextForwardToken": f"f/{len(self.asked)}"}

    restless = Restless()

    assert GroupLog(restless, "group", "stream").read() == []
    assert len(restless.asked) == 3


def test_the_next_look_goes_on_where_the_last_one_ended() -> None:
    answers = Answers((["one"], "f/1"), ([], "f/1"), (["two"], "f/2"), ([], "f/2"))
    log = GroupLog(answers, "group", "stream", tail=1)

    assert (log.read(), log.read()) == (["one"], ["two"])
    assert answers.asked[0]["limit"] == 1
    assert not answers.asked[0]["startFromHead"]
    assert all(asked["startFromHead"] for asked in answers.asked[1:])


def test_a_stream_that_is_not_there_yet_is_no_error_and_a_refusal_is() -> None:
    class Refusing:
        def __init__(self, code: str) -> None:
            self.code = code

        def get_log_events(self, **_asked: Any) -> dict[str, Any]:
            raise refusal(self.code, 400, "GetLogEvents")

    assert GroupLog(Refusing("ResourceNotFoundException"), "group", "stream").read() is None
    with pytest.raises(Exception, match="AccessDenied"):
        GroupLog(Refusing("AccessDeniedException"), "group", "stream").read()


def test_a_file_is_read_by_whole_lines_and_its_rest_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    log = FileLog(path)
    before = log.read()
    path.write_bytes(b"one\ntw")
    first = log.read()
    with path.open("ab") as file:
        file.write("o\nwörd".encode()[:-1])
    second, rest = log.read(), log.rest()

    assert before is None
    assert (first, second, rest) == (["one"], ["two"], ["wör"])
    assert log.rest() == []


def test_a_character_that_is_half_written_waits_for_its_line(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    log = FileLog(path)
    path.write_bytes("caf\u00e9".encode()[:-1])
    half = log.read()
    path.write_bytes("caf\u00e9\n".encode())

    assert half == []
    assert log.read() == ["caf\u00e9"]


def test_each_try_has_a_stream_and_none_is_cut_off(tmp_path: Path) -> None:
    log = JobLog(lambda stream: FileLog(tmp_path / stream))
    first = a_run(job=a_job().model_copy(update={"log_stream": "one"}))
    second = a_run(job=a_job().model_copy(update={"log_stream": "two"}))
    waiting = log.lines(a_run())
    (tmp_path / "one").write_text("one\nnot en")
    told = log.lines(first)
    (tmp_path / "two").write_text("two\n")

    assert (waiting, told) == ([], ["one"])
    assert log.lines(second) == ["not en", "two"]
    assert log.found


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
