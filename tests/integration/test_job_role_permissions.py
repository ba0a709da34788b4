"""The job's role allows what jobs and DVC ask of S3, and no more: container/project.yaml."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from container.processes import Children, Ended
from container.s3 import S3, S3Failed, S3Missing
from local import aws
from local.layout import PROJECT, Tools
from shared.points import decode, encode
from tests.contracts.s3_policy import Asked
from tests.contracts.wiring import listed
from tests.integration.embedded_s3 import access, embedded_s3
from tests.integration.s3_guard import Guard, guarded

BUCKET = "acme-development-data"
OURS = f"s3://{BUCKET}/projects/faulty-parts"
ANOTHERS = f"s3://{BUCKET}/projects/secret-parts"
# Two parts and a bit, in boto3's transfer manager.
LARGE = 20_000_000
_VALUES = {"AWS::Partition": "aws", "DataBucket": BUCKET, "Repository": "faulty-parts"}
_STAGES = """
stages:
  train:
    cmd: cp in.txt out.txt && mkdir -p models && echo 1 > models/1 && echo 2 > models/2
    deps: [in.txt]
    outs: [out.txt, models]
"""


def _rendered(value: Any) -> Any:
    """A part of the template for one repository that has no buckets of its own."""
    if isinstance(value, Mapping):
        if "Fn::Sub" in value:
            return re.sub(r"\$\{([\w:]+)\}", lambda name: _VALUES[name[1]], value["Fn::Sub"])
        if "Fn::If" in value:
            assert value["Fn::If"][0] == "HasExtraBuckets"
            return _rendered(value["Fn::If"][2])
        return {name: _rendered(part) for name, part in value.items()}
    return [_rendered(part) for part in value] if isinstance(value, list) else value


def _declared() -> list[Any]:
    template = yaml_parse((PROJECT / "container/project.yaml").read_text(encoding="utf-8"))
    (policy,) = template["Resources"]["JobRole"]["Properties"]["Policies"]
    statements: list[Any] = policy["PolicyDocument"]["Statement"]
    return statements


STATEMENTS: list[dict[str, Any]] = [
    one for one in map(_rendered, _declared()) if one != {"Ref": "AWS::NoValue"}
]


@dataclass(frozen=True)
class Job:
    """What a job runs, with the gate as its S3."""

    guard: Guard
    folder: Path

    def environment(self) -> dict[str, str]:
        return {
            **aws.clean_environment(),
            **access(self.guard.url),
            "AWS_MAX_ATTEMPTS": "1",
            "DVC_NO_ANALYTICS": "1",
            "HOME": str(self.folder),
            "PATH": f"{Tools().job_environment}/bin:{os.environ['PATH']}",
        }

    def run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @property
    def s3(self) -> S3:
        def run(command: Sequence[str]) -> Ended:
            environment = self.environment()
            return Children().run(
                command, directory=self.folder, environment=environment, read=True
            )

        return S3(run, str(Tools().job_environment / "bin/python"))


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    with (
        embedded_s3(tmp_path_factory.mktemp("aws"), BUCKET) as url,
        guarded(url, STATEMENTS) as guard,
    ):
        yield guard


@pytest.fixture
def job(guard: Guard, tmp_path: Path) -> Job:
    return Job(guard, tmp_path)


@pytest.fixture(scope="module")
def worked(guard: Guard, tmp_path_factory: pytest.TempPathFactory) -> list[Asked]:
    """All that a job does with S3, once; what of it was refused."""
    before = len(guard.refused)
    _push_and_pull(Job(guard, tmp_path_factory.mktemp("repository")))
    _store_and_fetch(Job(guard, tmp_path_factory.mktemp("copies")))
    _compute_a_point(Job(guard, tmp_path_factory.mktemp("point")))
    _fail_to_store(Job(guard, tmp_path_factory.mktemp("broken")))
    return guard.refused[before:]


def _push_and_pull(job: Job) -> None:
    job.run("git", "init", "--quiet")
    job.run("dvc", "init", "--quiet")
    job.run("dvc", "remote", "add", "--default", "ours", f"{OURS}/dvc")
    (job.folder / "dvc.yaml").write_text(_STAGES)
    for content in ("first", "second"):  # the second finds a remote that is not empty
        (job.folder / "in.txt").write_text(content)
        job.run("dvc", "repro", "--quiet")
        job.run("dvc", "push", "--quiet", "--run-cache")
    shutil.rmtree(job.folder / ".dvc/cache")
    job.run("dvc", "status", "--cloud")
    job.run("dvc", "pull", "--quiet", "--run-cache", "--force")


def _store_and_fetch(job: Job) -> None:
    (job.folder / "large").write_bytes(os.urandom(LARGE))
    (job.folder / "tree/below").mkdir(parents=True)
    (job.folder / "tree/below/one").write_text("1")
    job.s3.store(job.folder / "large", f"{OURS}/runs/1/large")
    job.s3.store(job.folder / "tree", f"{OURS}/runs/1/tree/")
    large = job.s3.fetch(f"{OURS}/runs/1/large", job.folder / "a")
    # Without a slash it might be an object: S3 is asked for one that is not there.
    tree = job.s3.fetch(f"{OURS}/runs/1/tree", job.folder / "b")
    assert (large.bytes, tree.files) == (LARGE, 1)


def _compute_a_point(job: Job) -> None:
    """What the point of a sweep asks for, beside that: its line, its result, an earlier one."""
    listed, width = encode([{"x": 1}, {"x": 2}])
    sweep = f"{OURS}/sweeps/4f2a"
    (job.folder / "points").write_bytes(listed)
    job.s3.store(job.folder / "points", f"{sweep}/points/0001.jsonl")
    assert decode(job.s3.read(f"{sweep}/points/0001.jsonl", (width, 2 * width - 1))) == [{"x": 2}]
    places = [f"{sweep}/points/0001/00001/1/result.json", f"{sweep}/results/one.json"]
    with pytest.raises(S3Missing):
        job.s3.read(places[0])
    assert job.s3.store_each([(job.folder / "points", place) for place in places]) == ["", ""]


def _fail_to_store(job: Job) -> None:
    (job.folder / "large").write_bytes(os.urandom(LARGE))
    job.guard.breaks_uploads = True
    with pytest.raises(S3Failed):
        job.s3.store(job.folder / "large", f"{OURS}/runs/1/broken")
    job.guard.breaks_uploads = False


def test_the_role_allows_all_that_jobs_and_dvc_ask_for(worked: list[Asked]) -> None:
    assert not worked


def test_the_role_allows_no_action_that_nothing_asks_for(worked: list[Asked], guard: Guard) -> None:
    allowed = {action for one in STATEMENTS for action in listed(one["Action"])}

    assert guard.actions == allowed


@pytest.mark.parametrize("place", [f"{ANOTHERS}/runs/", f"s3://{BUCKET}/projects/", ANOTHERS])
def test_a_job_does_not_see_what_is_anothers(job: Job, place: str) -> None:
    with pytest.raises(S3Failed, match="denied"):
        job.s3.fetch(place, job.folder / "there")


@pytest.mark.parametrize("place", [f"{ANOTHERS}/runs/one", f"s3://{BUCKET}/program/job.pyz"])
def test_a_job_does_not_write_where_another_reads(job: Job, place: str) -> None:
    (job.folder / "one").write_text("1")

    with pytest.raises(S3Failed, match="denied"):
        job.s3.store(job.folder / "one", place)


def test_one_refusal_among_several_files_is_told_and_the_others_are_stored(job: Job) -> None:
    (job.folder / "one").write_text("1")
    places = [f"{ANOTHERS}/runs/one", f"{OURS}/runs/1/one"]

    refused, stored = job.s3.store_each([(job.folder / "one", place) for place in places])

    assert "is denied: the job's role needs s3:PutObject" in refused
    assert stored == ""
    assert job.s3.read(places[1]) == b"1"


def test_buckets_of_the_projects_own_are_used_like_ours() -> None:
    extra = [one["Fn::If"][1] for one in _declared() if "Fn::If" in one]

    assert [one["Action"] for one in extra] == [one["Action"] for one in STATEMENTS]
