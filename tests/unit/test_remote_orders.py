"""What a machine is told to make ready and to run, and what it is never told."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import click
import pytest

from cli.account import Account
from cli.deployed import Deployed
from cli.remote.machine import MachineFacts
from cli.remote.options import Action, Wanted
from cli.remote.order import machine_of, order, preparation
from cli.remote.work import Work, find_work
from cli.sources import Source
from shared.events import Asked
from shared.names import Names
from shared.runs import Run, new_run
from tests.samples import COMMIT, NOW, REGION, REPOSITORY, RUN_ID, minutes

SECRET = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:acme/development/bitbucket-auth-x"
DEPLOYED = Deployed(
    stack="acme-development-cloud-runner",
    parameters={},
    outputs={
        "BatchEventsQueueUrl": "https://sqs.example/batch-events",
        "BitbucketApiUrl": "https://api.bitbucket.org/2.0",
        "BitbucketAuthSecretArn": SECRET,
        "BitbucketGitUrl": "https://bitbucket.org",
        "DataBucket": "acme-data",
        "JobLogGroup": "/aws/batch/acme",
        "KeywordPrefix": "ACME",
    },
)
MACHINE = MachineFacts(
    "i-0a", "running", "g5.xlarge", "spot", NOW, "ami-1", f"{REGION}a", ends_at=NOW + minutes(600)
)
WANTED = Wanted(actions=(Action.CREATE, Action.SETUP, Action.EXPERIMENT), module="train")
WORK = Work(asked=Asked(module="train"))
SOURCE = Source(REPOSITORY, "main", COMMIT)
ACCOUNT = Account(Names("acme", "development"), session=None)


def ordered(work: Work, wanted: Wanted = WANTED) -> dict[str, Any]:
    return order(run_of(work, wanted), work, wanted, REGION, DEPLOYED)


def run_of(work: Work, wanted: Wanted = WANTED) -> Run:
    source = work.source
    return new_run(
        RUN_ID,
        work.asked,
        NOW,
        repository=source.repository if source else None,
        branch=source.branch if source else None,
        commit=source.commit if source else None,
        machine=machine_of(RUN_ID, work, wanted, MACHINE, NOW),
    )


def found(wanted: Wanted) -> Work:
    return find_work(wanted, ACCOUNT, DEPLOYED)


def test_a_module_runs_with_its_words_as_they_were_typed() -> None:
    words = ("--note", "two words", '{"a": {"b": 1}}', "")
    work = found(replace(WANTED, arguments=words))

    assert ordered(work)["argv"] == ["python3", "-m", "train", *words]
    assert ordered(work)["cwd"] == "work"
    assert ordered(work)["secret"] is None
    assert work.asked.module == "train"
    assert work.asked.arguments == """--note 'two words' '{"a": {"b": 1}}' ''"""


def test_the_order_says_where_log_and_results_go() -> None:
    wanted = replace(
        WANTED, results_paths=("out", "/data/model"), name="first try", notify="https://e.example/x"
    )
    said = ordered(found(wanted), wanted)

    assert said["results_paths"] == ["out", "/data/model"]
    assert said["log_path"] == "/var/tmp/experiment.log"
    assert (said["bucket"], said["prefix"], said["name"]) == ("acme-data", "remote", "first try")
    assert said["log_group"] == "/aws/batch/acme"
    assert said["log_stream"] == f"remote/i-0a/{RUN_ID}"
    assert said["queue_url"] == "https://sqs.example/batch-events"
    assert (said["run_id"], said["attempt"], said["instance"]) == (RUN_ID, 1, "i-0a")
    assert (said["afterwards"], said["notify"]) == ("terminate", "https://e.example/x")
    json.dumps(said)


def test_a_bucket_of_ones_own_takes_the_place_of_the_stacks() -> None:
    said = ordered(found(WANTED), replace(WANTED, bucket="mine", prefix=""))

    assert (said["bucket"], said["prefix"]) == ("mine", "")


def test_any_repository_that_is_not_the_stacks_is_cloned_and_its_module_run() -> None:
    wanted = replace(WANTED, git="https://git.example.com/someone/tool.git", branch="v2")
    work = found(wanted)

    assert ordered(work, wanted)["cwd"] == "clone"
    assert preparation(work, DEPLOYED) == {
        "docker": None,
        "registry_login": False,
        "git": "https://git.example.com/someone/tool.git",
        "branch": "v2",
        "program_uri": None,
        "boto3": version("boto3"),
    }


def test_a_commit_of_bitbuckets_runs_in_the_program_of_jobs() -> None:
    work = Work(asked=Asked(arguments="train --force"), source=SOURCE, secret=SECRET)
    said = ordered(work)

    assert said["argv"] == [
        *("python3", "/var/lib/cloud-runner/job.pyz"),
        *("--workspace", "team", "--repository", "churn-model"),
        *("--branch", "main", "--commit", COMMIT),
        *("--run-id", RUN_ID, "--attempt", "1"),
    ]
    assert said["secret"] == {"variable": "BITBUCKET_AUTH", "arn": SECRET}
    assert said["environment"] == {
        "ACME_RUN_ARGS": "train --force",
        "AWS_DEFAULT_REGION": REGION,
        "BITBUCKET_API_URL": "https://api.bitbucket.org/2.0",
        "BITBUCKET_GIT_URL": "https://bitbucket.org",
        "CLOUD_RUNNER_PREFIX": "ACME",
        "CLOUD_RUNNER_RESULTS_URI": "s3://acme-data/projects/churn-model/runs",
        "CLOUD_RUNNER_RUN_ID": RUN_ID,
        "CLOUD_RUNNER_STOP_SECONDS": "60",
    }
    assert preparation(work, DEPLOYED)["program_uri"] == "s3://acme-data/program/job.pyz"


def test_a_job_is_told_which_submodules_its_login_goes_to() -> None:
    work = Work(asked=Asked(), source=SOURCE, secret=SECRET, submodules="team/library,team/words")

    assert ordered(work)["environment"]["CLOUD_RUNNER_SUBMODULES"] == "team/library,team/words"


def test_a_module_of_a_project_runs_instead_of_dvc() -> None:
    asked = Asked(module="churn.train", arguments="--epochs 3")
    work = Work(asked=asked, words=("--epochs", "3"), source=SOURCE, secret=SECRET)

    assert ordered(work)["environment"]["ACME_RUN_COMMAND"] == "python3 -m churn.train"
    assert ordered(work)["environment"]["ACME_RUN_ARGS"] == "--epochs 3"


def test_in_a_container_a_project_runs_the_program_of_its_image() -> None:
    image = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/acme/churn-model:latest"
    work = Work(asked=Asked(), source=SOURCE, secret=SECRET, image=image)

    assert ordered(work)["argv"][:2] == ["python3", "/opt/cloud-runner/job.pyz"]
    assert ordered(work)["docker"] == image
    assert preparation(work, DEPLOYED)["registry_login"]


def test_the_record_says_which_machine_it_is_and_when_it_ends() -> None:
    machine = machine_of(RUN_ID, WORK, replace(WANTED, name="first"), MACHINE, NOW)

    assert machine.instance_id == "i-0a"
    assert (machine.instance_type, machine.market) == ("g5.xlarge", "spot")
    assert machine.ends_at == NOW + minutes(600)
    assert (machine.name, machine.archive) == ("first", None)
    assert (machine.image, machine.git, machine.branch, machine.commit) == (None,) * 4


def test_the_record_says_what_was_cloned_and_in_which_image_it_runs() -> None:
    git = "https://git.example.com/someone/tool.git"
    work = replace(WORK, clone=git, branch="v2", image="python:3.12")
    machine = machine_of(RUN_ID, work, WANTED, MACHINE, NOW, commit=COMMIT)

    assert (machine.git, machine.branch, machine.commit) == (git, "v2", COMMIT)
    assert machine.image == "python:3.12"


@pytest.mark.parametrize(
    "work",
    [
        WORK,
        replace(WORK, clone="https://git.example.com/a/b.git", branch="v2", image="python:3.12"),
        Work(asked=Asked(), source=SOURCE, secret=SECRET),
    ],
)
def test_the_order_says_what_must_have_been_made_ready(work: Work) -> None:
    ready = preparation(work, DEPLOYED)

    assert ordered(work)["prepared"] == {
        name: ready[name] for name in ("docker", "git", "branch", "program_uri")
    }


def test_setting_up_alone_needs_nothing_that_runs() -> None:
    wanted = Wanted(actions=(Action.SETUP,), git="https://e.example/a/b.git", docker="python:3.12")
    told = preparation(found(wanted), DEPLOYED)

    assert (told["git"], told["docker"]) == ("https://e.example/a/b.git", "python:3.12")
    assert not told["registry_login"]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (replace(WANTED, module=None), "what is to run"),
        (replace(WANTED, docker=""), "--docker without an image"),
        (replace(WANTED, git="https://e.example/a/b.git", commit="abc"), "--commit is for"),
        (replace(WANTED, git="https://someone:token@e.example/a/b.git"), "credentials"),
        (replace(WANTED, arguments=("""a 'b' "c" d""",)), "both kinds of quotes"),
    ],
)
def test_what_cannot_be_meant_is_said_before_a_machine_is_made(wanted: Wanted, words: str) -> None:
    with pytest.raises(click.UsageError, match=words):
        found(wanted)


def test_a_machine_without_an_end_of_its_own_ends_after_the_most_hours() -> None:
    now = datetime.now(UTC)
    wanted = replace(WANTED, max_hours=2)
    machine = machine_of(RUN_ID, WORK, wanted, replace(MACHINE, ends_at=None), now)

    assert machine.ends_at == now + minutes(120)
