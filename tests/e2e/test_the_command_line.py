"""The command line on the running stack: a repository's whole life, and what each command may do.

Every call that a command makes of AWS is recorded and compared with the policies for its users.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from cli.main import cloud_runner
from tests.contracts.recorded_calls import IMAGE_PUSH, Calls, recording, unknown
from tests.contracts.wiring import listed, properties
from tests.e2e.gates import queues_paused
from tests.e2e.jobs_projects import pipeline
from tests.e2e.world import World, until

# Uploading an image takes these of the engine's, besides what the command asks.
_UPLOAD = IMAGE_PUSH - {"ecr:BatchGetImage"}
FULL_NAME = "acme/whole-life"
STAGES = "stages:\n  done:\n    cmd: echo done > done.txt\n    outs: [done.txt]\n"
MANIFEST = json.dumps({"schemaVersion": 2, "config": {"size": 1}, "layers": []})
Run = Callable[..., Result]


def allowed(policy: str) -> set[str]:
    """The actions that a managed policy of the template allows."""
    statements = properties(policy)["PolicyDocument"]["Statement"]
    return {action for statement in statements for action in listed(statement["Action"])}


@contextmanager
def commands(world: World) -> Iterator[tuple[Run, list[Calls]]]:
    """Types commands as somebody whose environment points to the stack; what they called of AWS."""
    made: list[Calls] = []
    with pytest.MonkeyPatch.context() as patch, ExitStack() as recordings:
        for name in [one for one in os.environ if one.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in world.told["environment"].items():
            patch.setenv(name, value)
        session = boto3.Session

        def recorded(**settings: Any) -> Any:
            one: Any = session(**settings)
            made.append(recordings.enter_context(recording(one)))
            return one

        patch.setattr("boto3.Session", recorded)

        def run(*words: str, answers: str = "", code: int | tuple[int, ...] = 0) -> Result:
            result = CliRunner().invoke(cloud_runner, words, input=answers, catch_exceptions=False)
            assert result.exit_code in (code if isinstance(code, tuple) else (code,)), result.output
            return result

        yield run, made


def actions(made: list[Calls]) -> set[str]:
    return {action for calls in made for action in calls.actions}


@pytest.fixture
def credentials(world: World, tmp_path: Path) -> Path:
    file = tmp_path / "credentials.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"kind": "access_token", "token": world.told["bitbucket_token"]}))
    return file


def test_a_repository_joins_runs_and_leaves_with_no_more_rights_than_the_policies_give(
    world: World, tmp_path: Path, credentials: Path
) -> None:
    world.bitbucket.create_repository(FULL_NAME)
    secrets = world.client("secretsmanager")
    # An earlier one that somebody has marked for deletion.
    own = "acme/development/bitbucket-auth/whole-life"
    secrets.create_secret(Name=own, SecretString="{}")
    secrets.delete_secret(SecretId=own, RecoveryWindowInDays=7)
    with commands(world) as (run, made):
        given = ("--credentials-file", str(credentials), "--own-credentials")
        added = run("project", "add", FULL_NAME, *given, "--secret-env", "KEY", answers="k\ny\n")
        again = run("project", "add", FULL_NAME, "--yes", "--vcpus", "1")
        third = run("project", "add", FULL_NAME, "--yes")
        listing = run("project", "list").output
        shown = json.loads(run("project", "show", FULL_NAME, "--json").output)
        clone = world.clone(FULL_NAME, tmp_path / "clone")
        for name, text in pipeline(tmp_path, STAGES).items():
            (clone.folder / name).parent.mkdir(exist_ok=True)
            (clone.folder / name).write_text(text)
        clone.git("add", "--all")
        commit = clone.push("First\n\n:ACME_RUN:\n")
        status = world.final_status(FULL_NAME, commit)
        gone = run("project", "remove", FULL_NAME, "--delete-data", "--yes")
        twice = run("project", "remove", FULL_NAME, "--yes")

    assert "added" in added.output
    assert "Vcpus: 1, was 2" in again.output
    assert "nothing to change" in third.output
    assert FULL_NAME in listing
    assert shown["repository"] == FULL_NAME
    assert status[0] == "SUCCESSFUL", status
    assert "removed" in gone.output
    assert "nothing to remove" in twice.output
    assert world.bitbucket.hooks(FULL_NAME) == []
    assert world.told["bitbucket_token"] not in added.output + gone.output
    recorded = actions(made)
    assert not unknown(recorded)
    admin = allowed("ProjectAdminPolicy")
    assert recorded - admin - allowed("CommandLinePolicy") == set()
    assert admin - recorded == set()


@pytest.fixture
def no_letters_after(world: World) -> Iterator[None]:
    """What was put into queues here is nobody else's: it can never be understood."""
    yield
    sqs = world.client("sqs")
    for name in ("pushes", "pushes-dlq", "statuses", "statuses-dlq"):
        sqs.purge_queue(QueueUrl=world.told["queues"][name])


def swept(folder: Path, world: World) -> str:
    """A file of a sweep of two points that goes through all that a sweep may do of AWS."""
    stacks = world.client("cloudformation").describe_stacks()["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for s in stacks for one in s["Outputs"]}
    file = folder / "sweep.yaml"
    options = {
        "repository": "acme/faulty-parts",
        "ref": "lost",
        "command": "echo {args}",
        "points": [{"n": 1}, {"n": 2}],
        "commit-table-name": outputs["BestResultsTableName"],
        "objective": "n",
    }
    file.write_text(json.dumps(options), encoding="utf-8")  # YAML reads JSON
    return f"@{file}"


def has_a_job(world: World, branch: str, commit: str, attempt: int) -> bool:
    """Whether an attempt's record tells of its job."""
    run = world.run("acme/faulty-parts", branch, commit)
    return run is not None and run.attempt == attempt and run.job is not None and bool(run.job.id)


def runs_and_sweeps(run: Run, world: World, commit: str, sweep: str) -> None:
    """What is asked of runs and sweeps, by their commands; the points of the sweep all fail."""
    run("runs", "list")
    run("runs", "logs", commit)
    # There is a job to be terminated when the run is stopped, and it has not ended by then.
    with queues_paused(world):
        run("runs", "rerun", commit)
        assert until(lambda: has_a_job(world, "lost", commit, attempt=2))
        run("runs", "stop", commit, "--yes")
    run("runs", "submit", "--repository", "acme/faulty-parts", "--ref", "lost")
    trace = Path(sweep[1:]).with_name("trace.jsonl")
    run("sweep", "run", sweep, "--yes", "--trace-file", str(trace), code=3)
    sweep_id = json.loads(run("sweep", "list", "--json").stdout)[0]["sweep_id"]
    run("sweep", "results", sweep_id)


@pytest.mark.usefixtures("no_letters_after")
def test_all_but_adding_projects_needs_the_other_policy_alone(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = world.told["queues"]["statuses-dlq"]
    sqs = world.client("sqs")
    for _ in range(2):
        sqs.send_message(QueueUrl=dead, MessageBody='{"detail-type": "RunStateChanged"}')
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    engine = tmp_path / "bin/docker"
    engine.parent.mkdir()
    engine.write_text("#!/bin/sh\ncat > /dev/null\n")
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", f"{engine.parent}:{os.environ['PATH']}")
    ecr = world.client("ecr")
    ecr.put_image(repositoryName="acme/faulty-parts", imageManifest=MANIFEST, imageTag="latest")
    with commands(world) as (run, made):
        run("project", "list")
        run("project", "show", "acme/faulty-parts")
        counted = run("dlq", "list").output
        peeked = run("dlq", "show", "statuses").output
        moved = run("dlq", "redrive", "statuses", "--yes").output
        replayed = run("push", "replay", "--all", "--since", "1h", "--dry-run").output
        clone = world.clone("acme/faulty-parts", tmp_path / "clone")
        (hook,) = world.bitbucket.hooks("acme/faulty-parts")
        path = f"/2.0/repositories/acme/faulty-parts/hooks/{hook['uuid']}"
        world.bitbucket.request("PUT", path, {**hook, "active": False})
        commit = clone.push("Lost\n\n:ACME_RUN: --single-item featurize_data\n", "lost")
        world.bitbucket.request("PUT", path, {**hook, "active": True})
        heard = run("push", "replay", "acme/faulty-parts", "--branch", "lost").output
        status, _ = world.final_status("acme/faulty-parts", commit)
        image = ("acme/faulty-parts", "--context", str(tmp_path), "--tag", "latest")
        pushed = run("image", "push", *image, "--scan-seconds", "0").output
        runs_and_sweeps(run, world, commit, swept(tmp_path, world))

    assert "statuses" in counted
    assert "RunStateChanged" in peeked
    assert "2 sent back" in moved
    assert "lost" not in replayed
    assert commit[:12] in heard
    assert status == "SUCCESSFUL"
    assert "sha256:" in pushed
    assert not unknown(actions(made))
    assert actions(made) | _UPLOAD == allowed("CommandLinePolicy")


@pytest.mark.usefixtures("no_letters_after")
def test_a_message_that_was_redriven_is_gone_from_the_dead_letters(world: World) -> None:
    dead = world.told["queues"]["pushes-dlq"]
    sqs = world.client("sqs")
    sqs.send_message(QueueUrl=dead, MessageBody="{")
    with commands(world) as (run, _):
        run("dlq", "redrive", "pushes", "--yes")

    def left() -> int:
        told = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["All"])["Attributes"]
        return int(told["ApproximateNumberOfMessages"])

    assert until(lambda: left() == 0)
