"""`cloud-runner push replay` between the Bitbucket stand-in and moto's AWS."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.replay.commands import push as group
from local.bitbucket.client import Client
from services.webhook.push import Push
from shared.events import CommitPushed, Envelope, Person
from shared.run_store import RunStore
from shared.runs import commit_run_id
from tests.integration.bitbucket_stand_in import (
    REPOSITORY,
    TOKEN,
    clone,
    commit,
    eventually,
    git,
    push,
    receiving,
    running,
)
from tests.integration.command_line import NAMES, ROOT, Here, account
from tests.integration.runs_account import LIMITS
from tests.integration.service_chain import TABLE, runs_table
from tests.samples import NOW, a_run

AUTH, HOOKS = "acme/development/bitbucket-auth", "acme/development/bitbucket-webhook-uuids"
OLD = "2020-01-01T00:00:00+00:00"


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[Client]:
    with running(tmp_path / "state") as client:
        yield client


@pytest.fixture
def work(stand_in: Client, tmp_path: Path) -> Path:
    """A clone of the one repository, which has no webhook."""
    return clone(stand_in, tmp_path / "work")


@pytest.fixture
def here(stand_in: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    """An account with the stack, which speaks to the stand-in."""
    with account(monkeypatch) as here, runs_table(here.client("dynamodb")):
        queue = here.client("sqs").create_queue(QueueName="pushes")["QueueUrl"]
        secrets = here.client("secretsmanager")
        secret = json.dumps({"kind": "access_token", "token": TOKEN})
        secrets.create_secret(Name=AUTH, SecretString=secret)
        hooks = {"u": {"secret": "s3cret", "repository": REPOSITORY}}
        secrets.create_secret(Name=HOOKS, SecretString=json.dumps(hooks))
        outputs = {
            "BitbucketApiUrl": f"{stand_in.url}/2.0",
            "BitbucketGitUrl": "http://127.0.0.1:1",
            "KeywordPrefix": "ACME",
            "PushesQueueUrl": queue,
            "RunsTableName": TABLE,
        }
        here.stacks.deploy(ROOT, outputs, LIMITS)
        yield here


def sent(here: Here) -> list[CommitPushed]:
    """The events on the queue of pushes, each taken out."""
    sqs = here.client("sqs")
    url = sqs.get_queue_url(QueueName="pushes")["QueueUrl"]
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(CommitPushed.model_validate(Envelope.read(message["Body"]).detail))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def branch(work: Path, name: str, message: str, date: str = "") -> str:
    """Push a commit to a branch of that name; its hash."""
    git(work, "checkout", "--quiet", "-B", name)
    git(work, "commit", "--quiet", "--allow-empty", "-m", message, GIT_COMMITTER_DATE=date)
    push(work, "origin", f"HEAD:refs/heads/{name}")
    return git(work, "rev-parse", "HEAD").stdout.strip()


def uuid(stand_in: Client) -> str:
    found: str = stand_in.request("GET", f"/2.0/repositories/{REPOSITORY}")["uuid"]
    return found


def rows(text: str) -> dict[str, list[str]]:
    """The table's rows by branch: commit, record, what was done, what it asks for."""
    lines = [line.split("  ") for line in text.splitlines() if line.startswith(REPOSITORY)]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    return {row[1]: row[2:] for row in cells}


def test_it_sends_what_the_webhook_would_have_sent(
    here: Here, stand_in: Client, work: Path
) -> None:
    with receiving() as receiver:
        stand_in.add_hook(REPOSITORY, receiver.url, None)
        branch(work, "feature/x", "Try it\n\n:ACME_RUN: train\n:ACME_GPUS: 2\n")
        eventually(lambda: len(receiver.received) == 1)
        (told,) = Push.model_validate_json(receiver.received[0].body).commits("ACME", NOW)
    shown = here.run(group, "replay", REPOSITORY)
    (replayed,) = sent(here)

    assert shown.exit_code == 0
    unlike = {"pushed_at": NOW, "pushed_by": Person()}
    assert replayed.model_copy(update=unlike) == told.model_copy(update=unlike)
    assert "sent: 1" in shown.output


def test_each_head_is_told_with_what_it_asks_its_record_and_what_was_done(
    here: Here, stand_in: Client, work: Path
) -> None:
    lost = branch(work, "lost", ":ACME_RUN: train")
    wrong = branch(work, "wrong", ":ACME_RUN:\n:ACME_MEMORY: 32GB")
    heard = branch(work, "heard", ":ACME_RUN:")
    old = branch(work, "old", ":ACME_RUN:", OLD)
    branch(work, "prose", "prose")
    branch(work, "result", "Results\n\nCloud-Run-Id: 7777\nCloud-Run-Attempt: 1")
    run_id = commit_run_id(NAMES.stack, uuid(stand_in), "heard", heard)
    RunStore(here.client("dynamodb"), TABLE).create(a_run(run_id=run_id, state="succeeded"))
    shown = here.run(group, "replay", REPOSITORY)

    assert rows(shown.output) == {
        "heard": [heard[:12], "succeeded", "nothing: it was heard", "run"],
        "lost": [lost[:12], "none", "sent", "run train"],
        "old": [old[:12], "none", "left alone: too old", "run"],
        "wrong": [
            wrong[:12],
            "none",
            "sent",
            "rejected: memory is a whole number of MiB: write 32768",
        ],
    }
    assert "branches that ask for nothing: 2" in shown.output
    assert {one.commit for one in sent(here)} == {lost, wrong}


def test_once_the_record_exists_nothing_is_sent_again(
    here: Here, stand_in: Client, work: Path
) -> None:
    head = branch(work, "main", ":ACME_RUN:")
    here.run(group, "replay", REPOSITORY)
    first = sent(here)
    run_id = commit_run_id(NAMES.stack, uuid(stand_in), "main", head)
    RunStore(here.client("dynamodb"), TABLE).create(a_run(run_id=run_id))
    shown = here.run(group, "replay", REPOSITORY)

    assert len(first) == 1
    assert sent(here) == []
    assert "nothing to send" in shown.output


def test_a_dry_run_sends_nothing(here: Here, work: Path) -> None:
    branch(work, "main", ":ACME_RUN:")
    shown = here.run(group, "replay", REPOSITORY, "--dry-run")

    assert rows(shown.output)["main"][2] == "would be sent"
    assert sent(here) == []


def test_a_longer_time_span_reaches_older_heads(here: Here, work: Path) -> None:
    branch(work, "main", ":ACME_RUN:", OLD)
    here.run(group, "replay", REPOSITORY, "--since", "1000w")

    assert len(sent(here)) == 1


def test_only_the_branches_that_are_named_are_looked_at(here: Here, work: Path) -> None:
    branch(work, "main", ":ACME_RUN:")
    head = branch(work, "feature/x", ":ACME_RUN:")
    shown = here.run(group, "replay", REPOSITORY, "--branch", "feature/x")
    wrong = here.run(group, "replay", REPOSITORY, "--branch", "feature/y")

    assert [one.commit for one in sent(here)] == [head]
    assert shown.exit_code == 0
    assert wrong.exit_code == 1
    assert "there is no branch feature/y" in wrong.output


def test_all_are_those_with_a_webhook_and_one_that_is_gone_holds_up_no_other(
    here: Here, work: Path
) -> None:
    branch(work, "main", ":ACME_RUN:")
    hooks = {
        "a": {"secret": "s3cret", "repository": "acme/gone"},
        "b": {"secret": "s3cret", "repository": REPOSITORY},
    }
    here.client("secretsmanager").put_secret_value(SecretId=HOOKS, SecretString=json.dumps(hooks))
    shown = here.run(group, "replay", "--all")

    assert len(sent(here)) == 1
    assert "acme/gone: Bitbucket shows no such repository to these credentials" in shown.output
    assert "1 of 2 repositories could not be compared" in shown.output
    assert shown.exit_code == 1
    assert "s3cret" not in shown.output


def test_an_entry_that_nobody_understands_holds_up_no_repository(here: Here, work: Path) -> None:
    branch(work, "main", ":ACME_RUN:\n")
    hooks = {"odd": 7, "half": {"secret": "x"}, "u": {"secret": "s", "repository": REPOSITORY}}
    here.client("secretsmanager").put_secret_value(SecretId=HOOKS, SecretString=json.dumps(hooks))
    shown = here.run(group, "replay", "--all", "--dry-run")

    assert shown.exit_code == 0
    assert "main" in rows(shown.output)


def test_repositories_are_named_or_all(here: Here) -> None:
    neither, both = here.run(group, "replay"), here.run(group, "replay", REPOSITORY, "--all")

    assert neither.exit_code == both.exit_code == 2
    assert "name repositories as WORKSPACE/SLUG, or give --all" in neither.output


def test_refused_credentials_are_told_with_the_secret_to_mend(here: Here, work: Path) -> None:
    wrong = json.dumps({"kind": "access_token", "token": "s3cret"})
    here.client("secretsmanager").put_secret_value(SecretId=AUTH, SecretString=wrong)
    shown = here.run(group, "replay", REPOSITORY)

    assert shown.exit_code == 1
    assert f"write new ones into the secret {AUTH}" in shown.output
    assert "s3cret" not in shown.output


def test_a_repositorys_own_credentials_are_used_for_it(here: Here, work: Path) -> None:
    branch(work, "main", ":ACME_RUN:")
    secrets = here.client("secretsmanager")
    wrong = json.dumps({"kind": "access_token", "token": "s3cret"})
    secrets.put_secret_value(SecretId=AUTH, SecretString=wrong)
    own = json.dumps({"kind": "api_token", "user": "someone@example.com", "token": TOKEN})
    secrets.create_secret(Name=f"{AUTH}/{REPOSITORY.partition('/')[2]}", SecretString=own)
    here.run(group, "replay", REPOSITORY)

    assert len(sent(here)) == 1


def test_a_bitbucket_that_is_away_is_told(here: Here, stand_in: Client, work: Path) -> None:
    stand_in.go_away()
    shown = here.run(group, "replay", REPOSITORY)

    assert shown.exit_code == 1
    assert f"{REPOSITORY}: asking about {REPOSITORY}: 503: try again later" in shown.output


def test_more_branches_than_a_page_holds_are_all_compared(
    here: Here, stand_in: Client, work: Path
) -> None:
    commit(work, ":ACME_RUN:")
    names = [f"b/{number:03}" for number in range(205)]
    push(work, "origin", *(f"HEAD:refs/heads/{name}" for name in names))
    here.run(group, "replay", REPOSITORY)

    assert sorted(one.branch for one in sent(here)) == names


def test_an_answer_that_is_none_of_bitbuckets_is_told(here: Here, stand_in: Client) -> None:
    stand_in.add_fault(path_prefix="/2.0", status=418)
    shown = here.run(group, "replay", REPOSITORY)

    assert shown.exit_code == 1
    assert f"asking about {REPOSITORY}: 418" in shown.output
