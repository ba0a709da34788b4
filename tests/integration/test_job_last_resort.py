"""A Bitbucket that is away, or wants nothing of us, when the results are there."""

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import aws
from tests.integration.embedded_s3 import access, embedded_s3
from tests.integration.job_site import HttpHost, Site, git, served
from tests.integration.waiting import wait_for, wait_until

BUCKET = "results"
TOKEN = "tok-3n-f0r-l4st-r3s0rt"
STAGES = """
stages:
  one:
    cmd: >-
      echo 1 >> {root}/trace; cp in.txt one.txt; touch {root}/done.tmp;
      echo reached > {root}/reached; while ! test -e {root}/go-on; do sleep 0.05; done
    deps: [in.txt]
    outs: [one.txt: {{cache: false}}]
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[HttpHost]:
    with served(tmp_path / "origin", "x-token-auth", TOKEN) as host:
        yield host


@pytest.fixture
def site(tmp_path: Path, host: HttpHost) -> Site:
    files = {"dvc.yaml": STAGES.format(root=tmp_path), "in.txt": "1\n"}
    project = Site.with_project(tmp_path, files)
    secret = json.dumps({"kind": "access_token", "token": TOKEN})
    return Site(project.root, host.url, {"BITBUCKET_AUTH": secret})


def test_results_wait_for_a_bitbucket_that_comes_back(site: Site, host: HttpHost) -> None:
    job = site.start()
    wait_for(site.root / "reached")
    host.unavailable = 4  # the push, and a look why, twice
    (site.root / "go-on").touch()
    ended = site.finished(job)

    assert ended.code == 0, ended.log
    assert ended.said("pushing to refs/heads/main: not possible now, trying again in 2 s")
    assert ended.said("trying again in 8 s")
    assert site.branches() == {"main": ended.result[0]}


def test_the_last_resort_is_a_bundle_in_s3_that_git_fetches_from(
    site: Site, host: HttpHost, tmp_path: Path
) -> None:
    (site.root / "aws").mkdir()
    with embedded_s3(site.root / "aws", BUCKET) as url:
        job = site.with_environment(
            **access(url),
            CLOUD_RUNNER_RESULTS_URI=f"s3://{BUCKET}/runs",
            CLOUD_RUNNER_TIMEOUT_SECONDS="10",
        ).start(run_id="4f2a")
        wait_for(site.root / "reached")
        host.unavailable = 10**6
        (site.root / "go-on").touch()
        ended = site.finished(job)
        s3 = aws.client("s3", url)
        s3.download_file(BUCKET, "runs/4f2a/1/result.bundle", str(tmp_path / "result.bundle"))

    ref = f"refs/heads/results/main/{site.head[:7]}-4f2a"
    assert ended.code == 69
    assert ended.said("s3://results/runs/4f2a/1/result.bundle")
    assert ended.said("git fetch result.bundle refs/cloud-run/result")
    assert ended.said(f"FETCH_HEAD:{ref}")
    assert site.branches() == {"main": site.head}
    git(site.project, "fetch", "--quiet", str(tmp_path / "result.bundle"), "refs/cloud-run/result")
    assert git(site.project, "show", "FETCH_HEAD:one.txt") == "1"
    assert "Cloud-Run-Id: 4f2a" in git(site.project, "log", "-1", "--format=%B", "FETCH_HEAD")
    assert TOKEN not in ended.log


def test_a_stop_while_waiting_for_bitbucket_ends_the_job_in_time(
    site: Site, host: HttpHost
) -> None:
    job = site.with_environment(CLOUD_RUNNER_STOP_SECONDS="10").start()
    wait_for(site.root / "reached")
    host.unavailable = 10**6
    (site.root / "go-on").touch()
    wait_for_line(site, "trying again in 2 s")
    job.send_signal(signal.SIGTERM)
    ended = site.finished(job)

    assert ended.code in (69, 143)
    assert site.branches() == {"main": site.head}


def test_a_refusal_is_told_from_an_outage_and_not_tried_again(site: Site, host: HttpHost) -> None:
    job = site.start()
    wait_for(site.root / "reached")
    host.authorization = "Basic other"  # the token was revoked meanwhile
    (site.root / "go-on").touch()
    ended = site.finished(job)

    assert ended.code == 69
    assert ended.said("Bitbucket does not know these credentials: renew the secret (401)")
    assert "trying again" not in ended.log


def test_credentials_that_are_refused_at_the_clone_are_named_at_once(
    site: Site, host: HttpHost
) -> None:
    host.authorization = "Basic other"

    ended = site.run()

    assert ended.code == 66
    assert ended.said("renew the secret (401)")


needs_lfs = pytest.mark.skipif(
    shutil.which("git-lfs") is None, reason="git-lfs is not installed: apt install git-lfs"
)


@needs_lfs
def test_files_of_git_lfs_arrive_and_new_ones_are_committed_as_such(tmp_path: Path) -> None:
    stages = """
stages:
  one:
    cmd: cat big.bin big.bin > twice.bin
    deps: [big.bin]
    outs: [twice.bin: {cache: false}]
"""
    files = {"dvc.yaml": stages, ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n"}
    site = Site.with_project(tmp_path, files)
    git(site.project, "lfs", "install", "--local")
    site.commit({"big.bin": "big\n" * 1000})
    git(site.project, "push", "--quiet", "origin", "main")

    job = site.run()

    assert job.code == 0, job.log
    assert site.show("main:twice.bin").startswith("version https://git-lfs.github.com/spec/v1")
    assert "size 8000" in site.show("main:twice.bin")


def test_a_project_with_git_lfs_on_an_image_without_it_is_told_what_to_add(
    tmp_path: Path,
) -> None:
    files = {".gitattributes": "*.bin filter=lfs -text\n"}
    site = Site.with_project(tmp_path, files)
    only = tmp_path / "only"
    only.mkdir()
    for name in ("git", "sh", "cat", "true"):
        (only / name).symlink_to(str(shutil.which(name)))

    job = site.with_environment(PATH=str(only), GIT_EXEC_PATH=exec_path_without_lfs(tmp_path)).run()

    assert job.code == 66
    assert job.said("add git-lfs to the image's Dockerfile")


def exec_path_without_lfs(folder: Path) -> str:
    """Git's own programs, but git-lfs, which distributions may put among them."""
    theirs = Path(subprocess.check_output(["git", "--exec-path"], text=True).strip())
    ours = folder / "git-core"
    ours.mkdir()
    for program in theirs.iterdir():
        if program.name != "git-lfs":
            (ours / program.name).symlink_to(program)
    return str(ours)


def wait_for_line(site: Site, text: str) -> None:
    wait_until(lambda: text in (site.root / "log").read_text("utf-8"), f"the log lacks {text}")
