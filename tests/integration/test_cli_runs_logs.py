"""`cloud-runner runs logs` on moto's log group and bucket."""

from typing import Any

import pytest

from shared.events import Asked, Sweep
from shared.points import Place
from tests.integration.runs_account import STREAM, RunsAccount
from tests.samples import NOW, REPOSITORY, a_job, minutes

COPY = f"projects/{REPOSITORY.slug}/runs"


def over(stack: RunsAccount, name: str = "one", **changes: Any) -> str:
    """The id of a run whose job has run and ended."""
    ended: dict[str, Any] = {"state": "failed", "exit_code": 1, "stopped_at": NOW + minutes(9)}
    return stack.running(name, **ended | changes).run_id


def test_a_log_of_several_pages_is_printed_whole(stack: RunsAccount) -> None:
    lines = [f"line {number}" for number in range(25_000)]
    for start in range(0, len(lines), 5000):
        stack.say(*lines[start : start + 5000])
    run_id = over(stack)

    assert stack.type("logs", run_id).stdout.splitlines() == lines


def test_the_tail_is_the_last_lines(stack: RunsAccount) -> None:
    stack.say(*(f"line {number}" for number in range(50)))
    run_id = over(stack)

    assert stack.type("logs", run_id, "--tail", "3").stdout.split("\n")[:3] == [
        "line 47",
        "line 48",
        "line 49",
    ]


def test_a_stream_that_is_gone_is_read_from_its_copy(stack: RunsAccount) -> None:
    run_id = over(stack)
    stack.leave(f"{COPY}/{run_id}/1/job.log", "one\ntwo\nthree\n")

    assert stack.type("logs", run_id).stdout == "one\ntwo\nthree\n"
    assert stack.type("logs", run_id, "--tail", "1").stdout == "three\n"


LONG = "".join(f"{number:>1023}\n" for number in range(3000))


@pytest.mark.parametrize(
    ("text", "tail", "calls"),
    [(LONG, 2, 1), (LONG, 2000, 2), (f"one\n{'x' * (1 << 21)}\n", 1, 2), ("", 5, 2)],
    ids=["in the end", "more than the end", "a line longer than the end", "nothing"],
)
def test_the_tail_of_a_copy_is_fetched_from_its_end(
    stack: RunsAccount, monkeypatch: pytest.MonkeyPatch, text: str, tail: int, calls: int
) -> None:
    run_id = over(stack)
    stack.leave(f"{COPY}/{run_id}/1/job.log", text)
    s3 = stack.here.client("s3")
    before, asked = s3.get_object, list[dict[str, str]]()

    def get_object(**words: str) -> Any:
        asked.append(words)
        return before(**words)

    monkeypatch.setattr(s3, "get_object", get_object)
    said = stack.type("logs", run_id, "--tail", str(tail)).stdout.splitlines()

    assert said == text.splitlines()[-tail:]
    assert len(asked) == calls
    assert asked[0]["Range"] == "bytes=-1048576"


def test_an_earlier_attempt_is_read_from_its_copy(stack: RunsAccount) -> None:
    run_id = stack.running("one", attempt=2).run_id
    stack.say("the second")
    stack.leave(f"{COPY}/{run_id}/1/job.log", "the first\n")

    assert stack.type("logs", run_id).stdout == "the second\n"
    assert stack.type("logs", run_id, "--attempt", "2").stdout == "the second\n"
    assert stack.type("logs", run_id, "--attempt", "1").stdout == "the first\n"
    assert "has had 2 attempts" in stack.type("logs", run_id, "--attempt", "3", code=2).stderr


def test_where_there_is_no_log_any_more_it_is_said_where_it_would_be(stack: RunsAccount) -> None:
    run_id = over(stack, "gone")

    said = stack.type("logs", run_id, code=1).stderr
    assert f"s3://acme-data/{COPY}/{run_id}/1/job.log is not there" in said


def test_a_run_that_never_ran_says_why_it_has_no_log(stack: RunsAccount) -> None:
    rejected = stack.keep("no", state="rejected", reason="memory is a whole number").run_id
    unpulled = stack.keep("pull", state="failed", reason="image pull: x", job=a_job()).run_id
    waiting = stack.keep("waits", state="submitted", job=a_job(job_id="job-1")).run_id

    assert "rejected: memory is a whole number" in stack.type("logs", rejected, code=1).stderr
    assert "has never run: failed: image pull: x" in stack.type("logs", unpulled, code=1).stderr
    assert f"runs logs {waiting} --follow" in stack.type("logs", waiting, code=1).stderr


def test_following_waits_for_the_stream_and_reads_on_until_the_run_is_over(
    stack: RunsAccount,
) -> None:
    run_id = stack.keep("one").run_id
    job = a_job(job_id="job-1").model_copy(update={"log_stream": STREAM})
    stack.meanwhile = [
        lambda: stack.move(run_id, state="submitted", job=a_job(job_id="job-1")),
        lambda: stack.move(run_id, state="running", job=job),
        lambda: stack.say("one"),
        lambda: stack.say("two", "three"),
        lambda: stack.move(run_id, state="succeeded", stopped_at=NOW + minutes(9)),
        # CloudWatch has it when the record says that it is over.
        lambda: stack.say("late"),
        lambda: None,
        lambda: stack.say("later"),
    ]
    said = stack.type("logs", run_id, "-f").stdout

    assert said.splitlines() == ["one", "two", "three", "late", "later"]
    assert stack.meanwhile == []


def test_following_goes_on_with_the_stream_of_the_next_try(stack: RunsAccount) -> None:
    run_id = stack.running("one").run_id
    stack.say("try one")
    second = a_job(job_id="job-1").model_copy(update={"log_stream": "second"})

    def taken_away() -> None:
        stack.say("more of one")
        stack.say("try two", stream="second")
        stack.move(run_id, try_number=2, job=second)

    stack.meanwhile = [taken_away, lambda: stack.move(run_id, state="succeeded")]

    assert stack.type("logs", run_id, "-f").stdout.splitlines() == [
        "try one",
        "more of one",
        "try two",
    ]


def test_following_with_a_tail_begins_near_the_end(stack: RunsAccount) -> None:
    run_id = stack.running("one").run_id
    stack.say("one", "two", "three")
    stack.meanwhile = [
        lambda: stack.say("four"),
        lambda: stack.move(run_id, state="succeeded"),
    ]

    assert stack.type("logs", run_id, "-f", "--tail", "1").stdout.split() == ["three", "four"]


def test_following_a_run_without_a_stream_ends_with_the_copy(stack: RunsAccount) -> None:
    run_id = stack.running("one").run_id

    def ends() -> None:
        stack.leave(f"{COPY}/{run_id}/1/job.log", "all of it\n")
        stack.move(run_id, state="succeeded", stopped_at=NOW + minutes(9))

    stack.meanwhile = [ends]

    assert stack.type("logs", run_id, "-f").stdout == "all of it\n"


def test_the_points_of_a_sweep_have_logs_of_their_own(stack: RunsAccount) -> None:
    sweep = Sweep(sweep_id="s", wave=2, size=60)
    run_id = stack.running("sweep", asked=Asked(sweep=sweep), attempt=3).run_id
    stack.leave(Place(REPOSITORY.slug, "s").left_by(2, 3, 7, "job.log"), "seven\n")
    stack.leave(Place(REPOSITORY.slug, "s").left_by(2, 1, 7, "job.log"), "before\n")

    assert stack.type("logs", run_id, "--point", "7").stdout == "seven\n"
    assert stack.type("logs", run_id, "--point", "7", "--attempt", "1").stdout == "before\n"
    assert (
        "no log of attempt 3 of point 8"
        in stack.type("logs", run_id, "--point", "8", code=1).stderr
    )
    assert "has 60 points" in stack.type("logs", run_id, "--point", "60", code=2).stderr
    assert f"runs logs {run_id} --point 0" in stack.type("logs", run_id, code=2).stderr


def test_a_log_reaches_no_terminal_with_anything_that_it_would_obey(stack: RunsAccount) -> None:
    stack.say("\x1b[32mgreen\x1b[0m\x1b]0;title\x07", "10%\r100%", "a\tb")
    run_id = over(stack)

    assert stack.type("logs", run_id).stdout.splitlines() == [
        "green\\x1b]0;title\\x07",
        "100%",
        "a\tb",
    ]
