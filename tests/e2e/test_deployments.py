"""A stack in use is updated, an update fails, and in the end the stack is deleted."""

import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
import yaml
from samtranslator.yaml_helper import yaml_parse

from local.aws import Endpoints
from local.bitbucket.client import Client
from local.deployment import STACK, deploy
from local.layout import DEFAULT_STATE, StackError, Tools
from local.projects import EXAMPLE
from tests.e2e.conftest import started
from tests.e2e.test_the_command_line import commands
from tests.e2e.trivial import TRIVIAL, trivial_job
from tests.e2e.world import World

BUILT = DEFAULT_STATE / "artifacts/build"
# The emulator kills a function that it updates, amid its messages; AWS lets it end. They come back
# after their visibility timeout, and find the lease of a submitter that is gone: three minutes and
# five, for which nobody waits here. Neither is shorter than a function may take.
BACK_AFTER_SECONDS = 35
PARAMETERS = ("LeaseSeconds=31", "UnmovedSeconds=30")
# As often as a small machine can take it while it starts every function anew.
PAUSE_SECONDS = 2
FEWEST_PUSHES = 2


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A stack of this module's own, which its last test deletes."""
    folder = tmp_path_factory.mktemp("updated")
    given = [word for one in PARAMETERS for word in ("--parameter", one)]
    with started(folder, "--repository", TRIVIAL, *given):
        told: dict[str, Any] = json.loads((folder / "ready.json").read_text())
        port = int(told["bitbucket_page_url"].rstrip("/").rsplit(":", 1)[1])
        with Client(port, told["bitbucket_token"]) as bitbucket:
            world = World(told, bitbucket, folder)
            trivial_job(world, ["true"])
            yield world


def endpoints(world: World) -> Endpoints:
    kinds = ("aws", "batch", "cloudformation", "machines")
    return Endpoints(**{kind: world.told[f"{kind}_endpoint_url"] for kind in kinds})


def stack(world: World) -> dict[str, Any]:
    cloudformation = endpoints(world).client("cloudformation")
    (found,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    return dict(found)


def parameters(world: World) -> dict[str, str]:
    return {one["ParameterKey"]: one["ParameterValue"] for one in stack(world)["Parameters"]}


def update(world: World, artifacts: Path = BUILT, **changed: str) -> None:
    """Deploy again, as the stack was deployed, with other values for some parameters."""
    values = {**parameters(world), **changed}
    deploy(Tools(), artifacts, endpoints(world), values, world.folder / "state")


def most_vcpus(world: World) -> str:
    """The most vCPUs that the parser, as it is deployed, lets a run ask for."""
    functions = world.client("lambda").list_functions()["Functions"]
    (parser,) = (one for one in functions if "ParserFunction" in one["FunctionName"])
    return str(parser["Environment"]["Variables"]["MAX_VCPUS"])


def events(world: World, logical_id: str) -> list[tuple[str, str]]:
    """Status and reason of every event of one of the stack's resources, oldest first."""
    cloudformation = endpoints(world).client("cloudformation")
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=STACK)
    told = [one for page in pages for one in page["StackEvents"]]
    return [
        (one["ResourceStatus"], one.get("ResourceStatusReason", ""))
        for one in reversed(told)
        if one["LogicalResourceId"] == logical_id
    ]


def with_a_queue_for_nobody(folder: Path) -> Path:
    """What was built, with a queue over no machines, made after every function was updated."""
    for built in BUILT.iterdir():
        if built.name != "template.yaml":
            (folder / built.name).symlink_to(built)
    template = yaml_parse((BUILT / "template.yaml").read_text())
    resources = template["Resources"]
    kind = "AWS::Serverless::Function"
    resources["QueueForNobody"] = {
        "Type": "AWS::Batch::JobQueue",
        "DependsOn": [name for name, one in resources.items() if one["Type"] == kind],
        "Properties": {
            "Priority": 1,
            "ComputeEnvironmentOrder": [{"Order": 1, "ComputeEnvironment": "nobody"}],
        },
    }
    (folder / "template.yaml").write_text(yaml.safe_dump(template))
    return folder


def test_pushes_that_come_while_the_stack_is_updated_become_runs(
    own: World, tmp_path: Path
) -> None:
    for queue in own.told["queues"].values():
        soon = {"VisibilityTimeout": str(BACK_AFTER_SECONDS)}
        own.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes=soon)
    clone = own.clone(TRIVIAL, tmp_path / "clone")
    before, during = clone.push("Before\n\n:ACME_RUN:\n"), list[str]()
    levels = itertools.cycle(("DEBUG", "INFO"))
    with ThreadPoolExecutor(1) as pool:
        # Once is enough, but where a push has taken as long as the update.
        while len(during) < FEWEST_PUSHES:
            updating = pool.submit(
                update, own, LogLevel=next(levels), MaxVcpus="32", MaxCpuVcpus="64"
            )
            # From before it begins until after it has ended: no look can miss what is between.
            while not updating.done():
                during.append(clone.push("During\n\n:ACME_RUN:\n"))
                wait([updating], timeout=PAUSE_SECONDS)
            updating.result()
    commits = [before, *during, clone.push("After\n\n:ACME_RUN:\n")]
    ended = [own.final_status(TRIVIAL, commit)[0] for commit in commits]

    assert ended == ["SUCCESSFUL"] * len(commits)
    assert [c for c in commits if not own.delivered(TRIVIAL, c)] == []
    assert own.dead_letters() == {}
    assert stack(own)["StackStatus"] == "UPDATE_COMPLETE"
    assert most_vcpus(own) == "32"


def test_an_update_that_fails_leaves_what_was_there(own: World, tmp_path: Path) -> None:
    artifacts = tmp_path / "built"
    artifacts.mkdir()
    before = parameters(own)

    with pytest.raises(StackError, match="sam deploy ended with"):
        update(own, with_a_queue_for_nobody(artifacts), MaxVcpus="16")

    # AWS says CREATE_FAILED, the emulator UPDATE_FAILED.
    failures = [why for status, why in events(own, "QueueForNobody") if status.endswith("_FAILED")]
    assert ["compute environment nobody does not exist" in why for why in failures] == [True]
    assert events(own, "ParserFunction")[-4:] == [
        (status, "") for status in ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE") * 2
    ]
    assert stack(own)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert parameters(own) == before
    assert most_vcpus(own) == before["MaxVcpus"]
    commit = own.clone(TRIVIAL, tmp_path / "clone").push("After\n\n:ACME_RUN:\n", "after")
    assert own.final_status(TRIVIAL, commit)[0] == "SUCCESSFUL"


def test_a_deleted_stack_leaves_what_it_said_it_would_keep(own: World, tmp_path: Path) -> None:
    table, bucket = own.told["runs_table"], own.told["data_bucket"]
    commit = own.clone(TRIVIAL, tmp_path / "clone").push("Kept\n\n:ACME_RUN:\n", "kept")
    assert own.final_status(TRIVIAL, commit)[0] == "SUCCESSFUL"
    with commands(own) as (run, _):
        refused = run("undeploy", "--yes", code=1).output
        for name in (TRIVIAL, EXAMPLE):
            run("project", "remove", name, "--yes")
        said = run("undeploy", "--yes").output

    assert EXAMPLE in refused
    for kept in (table, bucket, "bitbucket-webhook-uuids", "bitbucket-auth"):
        assert kept in said
    assert own.client("dynamodb").describe_table(TableName=table)["Table"]["ItemCount"] > 0
    assert bucket in {one["Name"] for one in own.client("s3").list_buckets()["Buckets"]}
    assert own.client("sqs").list_queues().get("QueueUrls", []) == []
    assert own.client("batch").describe_job_queues()["jobQueues"] == []
