"""How a job ends when not all goes well: failing stages, branches that take no push, SIGTERM."""

import signal
from pathlib import Path

import pytest

from tests.integration.job_site import Site, git
from tests.integration.waiting import gone, wait_for

STAGES = """
stages:
  first:
    cmd: echo first >> {trace} && cp first.in first.txt
    deps: [first.in]
    outs: [first.txt]
  second:
    cmd: {second}
    deps: [first.txt]
    outs: [second.txt]
"""
WRITE = "cp first.txt second.txt"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Where the first stage leaves a line each time it really runs."""
    return tmp_path / "trace"


def two_stages(root: Path, second: str = WRITE) -> Site:
    stages = STAGES.format(trace=root / "trace", second=second)
    return Site.with_project(root, {"dvc.yaml": stages, "first.in": "1\n"})


def test_a_failing_stage_ends_the_job_with_dvcs_code_and_keeps_what_was_finished(
    tmp_path: Path,
) -> None:
    site = two_stages(tmp_path, "echo no good && exit 3")

    job = site.run()

    assert job.code == 71
    assert "no good" in job.log
    assert job.result == []
    assert site.branches() == {"main": site.head}
    assert stored(site) == {"1\n"}
    assert runs_in_cache(site) == 1


def test_a_branch_that_moved_during_the_run_is_left_alone(tmp_path: Path) -> None:
    origin = tmp_path / "origin" / "team" / "parts.git"
    move = f"git -C {origin} update-ref refs/heads/main refs/heads/next"
    site = two_stages(tmp_path, f"{move} && {WRITE}")
    base = site.head
    git(site.project, "push", "--quiet", "origin", f"{site.commit({})}:refs/heads/next")

    job = site.run(commit=base, run_id="4f2a")

    assert job.code == 0
    beside = f"results/main/{base[:7]}-4f2a"
    assert job.result[1] == beside
    assert site.branches()[beside] == job.result[0]
    assert site.branches()["main"] == site.head
    assert job.said("main has moved on meanwhile: the results are on")
    assert git(site.origin, "rev-parse", f"{job.result[0]}^") == base


def test_a_refused_push_puts_the_results_beside_the_branch_where_a_retry_finds_them(
    tmp_path: Path, trace: Path
) -> None:
    site = two_stages(tmp_path)
    protect(site, "refs/heads/main")

    job = site.run()
    again = site.run()

    assert job.code == 0
    beside = f"results/main/{site.head[:7]}-run1"
    assert job.said("main is protected from these credentials: the results are on")
    assert job.result[1] == beside
    assert site.branches() == {"main": site.head, beside: job.result[0]}
    assert (again.code, again.result) == (0, job.result)
    assert trace.read_text() == "first\n"


def test_a_commit_that_is_refused_everywhere_is_an_error_that_says_what_to_do(
    tmp_path: Path,
) -> None:
    site = two_stages(tmp_path)
    protect(site, "refs/heads/")

    job = site.run()

    assert job.code == 69
    assert site.branches() == {"main": site.head}
    assert job.said("see that the credentials may push, then rerun")


def test_the_same_attempt_twice_makes_one_result_and_another_attempt_its_own(
    tmp_path: Path, trace: Path
) -> None:
    site = two_stages(tmp_path)
    first = site.run()

    again = site.run()
    another = site.run(attempt="2")

    assert (again.code, again.result) == (0, first.result)
    assert again.said("An earlier try of this attempt had pushed these results")
    assert another.code == 0
    # The branch has the first attempt's.
    assert another.result[1] == f"results/main/{site.head[:7]}-run1-2"
    assert trace.read_text() == "first\n"  # the run cache had it


def test_the_commit_is_run_although_its_branch_is_gone(tmp_path: Path) -> None:
    site = two_stages(tmp_path)
    git(site.origin, "update-ref", "refs/heads/renamed", site.head)
    git(site.origin, "update-ref", "-d", "refs/heads/main")

    job = site.run()

    assert job.code == 0
    assert job.result[1] == f"results/main/{site.head[:7]}-run1"
    assert "main" not in site.branches()


def test_a_commit_that_is_nowhere_is_said_to_be(tmp_path: Path) -> None:
    site = two_stages(tmp_path)

    job = site.run(commit="c" * 40)

    assert job.code == 66
    assert "is on no branch any more: push it again, then rerun" in job.log


def test_sigterm_ends_the_stage_and_a_retry_starts_from_what_was_finished(
    tmp_path: Path, trace: Path
) -> None:
    started = tmp_path / "started"
    wait_once = f"test -e {started} || (echo $$ > {started}; exec sleep 600); {WRITE}"
    site = two_stages(tmp_path, wait_once)

    job = site.start()
    stage = int(wait_for(started))
    job.send_signal(signal.SIGTERM)
    stopped = site.finished(job)
    left = list(site.temporary.iterdir())
    branches = site.branches()
    kept = stored(site)
    retried = site.run()

    assert stopped.code == 143
    assert gone(stage)
    assert left == []
    assert branches == {"main": site.head}
    assert kept == {"1\n"}
    assert (retried.code, retried.result[1]) == (0, "main")
    assert trace.read_text() == "first\n"


def test_sigterm_while_pushing_lets_the_push_finish(tmp_path: Path) -> None:
    site = two_stages(tmp_path)
    reached, go_on = tmp_path / "reached", tmp_path / "go-on"
    write_hook(site, f"echo 1 > {reached}\nwhile ! test -e {go_on}; do sleep 0.05; done\n")

    job = site.start()
    wait_for(reached)
    job.send_signal(signal.SIGTERM)
    go_on.touch()
    finished = site.finished(job)

    assert finished.code == 0
    assert site.branches() == {"main": finished.result[0]}


@pytest.mark.parametrize("arguments", ["no-such-stage", "--no-such-option"])
def test_arguments_that_dvc_does_not_take_are_called_so(tmp_path: Path, arguments: str) -> None:
    job = two_stages(tmp_path).run(arguments)

    assert job.code == 64
    assert "no-such" in job.log


def test_data_that_nobody_has_pushed_is_named(tmp_path: Path) -> None:
    stages = "stages: {one: {cmd: cp data.bin one.bin, deps: [data.bin], outs: [one.bin]}}"
    site = Site.with_project(tmp_path, {"dvc.yaml": stages, "data.bin": "1\n"})
    git(site.project, "rm", "--quiet", "--cached", "data.bin")
    site.dvc("add", "--quiet", "data.bin")
    head = site.commit({})
    git(site.project, "push", "--quiet", "origin", "main")

    job = site.run(commit=head)

    assert job.code == 70
    assert job.said("the data ./data.bin is not on the DVC remote: run `dvc push`")


def test_arguments_that_cannot_be_read_are_refused_before_anything_is_cloned(
    tmp_path: Path,
) -> None:
    job = two_stages(tmp_path).run("-S 'note=two words")

    assert job.code == 64
    assert "ACME_RUN_ARGS: the quote ' before" in job.log
    assert not job.said(": started")


def stored(site: Site) -> set[str]:
    return {path.read_text() for path in site.data.glob("files/md5/*/*")}


def runs_in_cache(site: Site) -> int:
    return len(list(site.data.glob("runs/*/*/*")))


def protect(site: Site, prefix: str) -> None:
    write_hook(
        site, f'while read old new ref; do case "$ref" in "{prefix}"*) exit 1;; esac; done\n'
    )


def write_hook(site: Site, script: str) -> None:
    hook = site.origin / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{script}")
    hook.chmod(0o755)


def test_a_directory_that_is_named_is_emptied_used_and_kept(tmp_path: Path) -> None:
    directory = tmp_path / "machine" / "job"
    directory.mkdir(parents=True)
    (directory / "of-a-job-before").touch()
    site = two_stages(tmp_path).with_environment(CLOUD_RUNNER_DIRECTORY=str(directory))

    job = site.run()

    assert job.code == 0, job.log
    assert not (directory / "of-a-job-before").exists()
    assert git(directory / "project", "rev-parse", "HEAD") == job.result[0]
