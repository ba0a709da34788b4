"""`cloud-runner runs stop` and `rerun` on moto's table, queue and bus."""

import json

import pytest

from cli.account import Account
from cli.requests import Requests
from shared.errors import Unavailable
from shared.events import Asked
from shared.names import Names
from tests.fakes import NOT_REACHED
from tests.integration.runs_account import RunsAccount
from tests.samples import NOW, a_job, minutes


def test_stopping_writes_who_and_why_and_terminates_the_job(stack: RunsAccount) -> None:
    run_id = stack.running("one").run_id
    said = stack.type("stop", run_id[:8], "--why", "too slow", "--yes")
    run = stack.store.get(run_id)

    assert run is not None
    assert run.stop is not None
    assert run.stop.why == "too slow"
    assert run.stop.by in said.stdout
    assert stack.batch.terminated == [("job-1", f"stopped by {run.stop.by}: too slow")]
    assert [one.detail["version"] for one in stack.sent("heard")] == [run.version]
    assert f"cloud-runner runs watch {run_id}" in said.stderr


def test_who_stopped_is_the_identity_that_aws_knows(stack: RunsAccount) -> None:
    identity = stack.here.client("sts").get_caller_identity()["Arn"]
    run_id = stack.running("one").run_id
    stack.type("stop", run_id, "--yes")
    run = stack.store.get(run_id)

    assert run is not None
    assert run.stop is not None
    assert identity.endswith(run.stop.by)
    assert "/" not in run.stop.by


def test_stopping_asks_first(stack: RunsAccount) -> None:
    run_id = stack.running("one").run_id
    said = stack.type("stop", run_id, answers="n\n", code=1)
    still = stack.store.get(run_id)
    stack.type("stop", run_id, answers="y\n")

    assert f"{run_id}  running" in said.stderr
    assert still is not None
    assert still.stop is None
    assert len(stack.batch.terminated) == 1


def test_what_is_over_is_not_stopped_and_the_others_are(stack: RunsAccount) -> None:
    over = stack.keep("over", state="succeeded", commit="a" * 40).run_id
    going = stack.running("going").run_id
    said = stack.type("stop", over, going, "--yes", code=1)

    assert f"Error: run {over} is over already (succeeded)" in said.stderr
    assert "1 of 2 could not be stopped" in said.stderr
    assert going in said.stdout
    assert len(stack.batch.terminated) == 1


def test_nothing_is_stopped_where_one_name_is_not_clear(stack: RunsAccount) -> None:
    going = stack.running("going").run_id
    said = stack.type("stop", going, "abcd", "--yes", code=1)

    assert "there is no run abcd" in said.stderr
    assert stack.batch.terminated == []


def test_a_run_named_twice_is_stopped_once(stack: RunsAccount) -> None:
    run_id = stack.running("one").run_id
    told = json.loads(stack.type("stop", run_id, run_id[:6], "--yes", "--json").stdout)

    assert [run["run_id"] for run in told] == [run_id]
    assert len(stack.batch.terminated) == 1


def test_what_is_over_runs_again_as_another_attempt(stack: RunsAccount) -> None:
    run_id = stack.running("one", state="failed", stopped_at=NOW + minutes(5)).run_id
    said = stack.type("rerun", run_id)
    (request,) = stack.sent("runs")
    run = stack.store.get(run_id)

    assert f"{run_id}  attempt 2  asked for again" in said.stdout
    assert request.detail_type == "RunRequested"
    assert request.detail == {"run_id": run_id, "attempt": 2}
    assert run is not None
    assert (run.state, run.attempt, run.job) == ("requested", 2, None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "running", "job": a_job()}, "is running: wait until it is over, or stop it"),
        ({"state": "rejected", "reason": "write 8192"}, "was rejected: write 8192: push a correct"),
    ],
)
def test_what_cannot_run_again_says_what_to_do(
    stack: RunsAccount, changes: dict[str, object], said: str
) -> None:
    run_id = stack.keep("one", **changes).run_id

    assert said in stack.type("rerun", run_id, code=1).stderr
    assert stack.sent("runs") == []


def test_a_rerun_is_watched_to_its_end(stack: RunsAccount) -> None:
    run_id = stack.keep("one", state="failed").run_id
    stack.meanwhile = [
        lambda: stack.move(run_id, state="failed", reason="exit code 1", stopped_at=NOW)
    ]
    said = stack.type("rerun", run_id, "--watch", code=3)

    assert "requested, attempt 2" in said.stdout
    assert f"Error: run {run_id} failed: exit code 1" in said.stderr


def test_watching_and_json_are_not_for_one_terminal(stack: RunsAccount) -> None:
    assert "leave out one" in stack.type("rerun", "abcd", "--watch", "--json", code=2).stderr


def test_aws_that_is_away_is_said_without_a_traceback(
    stack: RunsAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = stack.keep("one", state="failed").run_id

    def away(*_: object) -> None:
        message = "sending to a queue: ServiceUnavailable"
        raise Unavailable(message)

    monkeypatch.setattr("shared.publisher.Publisher._send", away)
    said = stack.type("rerun", run_id, code=1).stderr

    assert f"run {run_id}: sending to a queue: ServiceUnavailable: try again" in said


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("list", "--limit", "1"),
        ("show", "RUN"),
        ("stop", "RUN", "--yes"),
        ("rerun", "OVER"),
    ],
    ids=" ".join,
)
def test_json_is_all_that_a_program_reads(stack: RunsAccount, words: tuple[str, ...]) -> None:
    ids = {"RUN": stack.running("one").run_id, "OVER": stack.keep("two", state="failed").run_id}
    typed = [ids.get(word, word) for word in words]

    assert json.loads(stack.type(*typed, "--json").stdout)


def test_sts_that_is_away_is_unavailable_and_no_refusal(stack: RunsAccount) -> None:
    class Away:
        def get_caller_identity(self) -> object:
            raise NOT_REACHED

    run_id = stack.running("one").run_id
    stack.here.clients["sts"] = Away()
    try:
        account = Account(Names("acme", "development"), stack.here)
        with pytest.raises(Unavailable, match="asking AWS who you are: ConnectTimeoutError"):
            Requests(account, account.deployed()).ask("x", Asked(), None)
        said = stack.type("stop", run_id, "--yes", code=1).stderr
    finally:
        del stack.here.clients["sts"]

    assert "asking AWS who you are: ConnectTimeoutError: try again" in said
