"""How a job ends when not all goes well: failing stages, branches that cannot be pushed, SIGTERM."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.integration.job_site import Finished, Site, git

TWO_STAGES = """
stages:
  first:
    cmd: echo first >> {trace} && echo 1 > first.txt
    outs: [first.txt]
  second:
    cmd: {second}
    deps: [first.txt]
    outs: [second.txt]
"""
WRITE = "cp first.txt second.txt"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "trace"


def two_stages(root: Path, trace: Path, second: str, branch: str = "main") -> Site:
    stages = TWO_STAGES.format(trace=trace, second=second)
    return Site.with_project(root, {"dvc.yaml": stages}, branch)


def stored(site: Site) -> set[str]:
    return {path.read_text() for path in site.data.glob("files/md5/*/*")}


def cached_runs(site: Site) -> int:
    return len(list(site.data.glob("runs/*/*/*")))


def test_a_failing_stage_ends_the_job_with_dvcs_code_and_keeps_what_was_finished(
    tmp_path: Path, trace: Path
) -> None:
    site = two_stages(tmp_path, trace, "echo no good && exit 3")
    base = site.head

    job = site.run()

    assert job.code == 255  # what `dvc repro` ends with
    assert "no good" in job.log
    assert job.result == []
    assert site.branches() == {"main": base}
    assert stored(site) == {"1\n"}
    assert cached_runs(site) == 1


def test_a_branch_that_moved_during_the_run_is_left_alone(tmp_path: Path, trace: Path) -> None:
    site = two_stages(
        tmp_path,
        trace,
        f"git -C {tmp_path}/origin/team/parts.git update-ref refs/heads/main refs/heads/next"
        f" && {WRITE}",
    )
    base = site.head
    git(site.project, "push", "--quiet", "origin", f"{site.commit({})}:refs/heads/next")

    job = site.run(commit=base, run_id="4f2a")

    assert job.code == 0
    assert job.result[1] == "cloud-run/main/4f2a-1"
    assert site.branches()["cloud-run/main/4f2a-1"] == job.result[0]
    assert site.branches()["main"] == site.head
    assert "main has moved on meanwhile" in job.log
    assert git(site.origin, "rev-parse", f"{job.result[0]}^") == base


def test_a_refused_push_puts_the_results_beside_the_branch(tmp_path: Path, trace: Path) -> None:
    site = two_stages(tmp_path, trace, WRITE)
    protect(site, "refs/heads/main")

    job = site.run()

    assert job.code == 0
    assert site.branches() == {"main": site.head, "cloud-run/main/run1-1": job.result[0]}
    assert job.result[1] == "cloud-run/main/run1-1"


def test_a_commit_that_is_refused_everywhere_is_an_error_that_says_what_to_do(
    tmp_path: Path, trace: Path
) -> None:
    site = two_stages(tmp_path, trace, WRITE)
    protect(site, "refs/heads/")

    job = site.run()

    assert job.code == 69
    assert site.branches() == {"main": site.head}
    assert "allow the credentials to push, then rerun" in job.log


def test_the_same_attempt_twice_makes_one_result(tmp_path: Path, trace: Path) -> None:
    site = two_stages(tmp_path, trace, WRITE)
    first = site.run()

    again = site.run()

    assert (again.code, again.result) == (0, first.result)
    assert "already" in again.log
    assert trace.read_text() == "first\n"


def test_a_retry_also_finds_results_beside_the_branch(tmp_path: Path, trace: Path) -> None:
    site = two_stages(tmp_path, trace, WRITE)
    protect(site, "refs/heads/main")
    first = site.run()

    again = site.run()

    assert (again.code, again.result) == (0, first.result)


def test_another_attempt_on_a_branch_that_has_a_result_goes_beside_it(
    tmp_path: Path, trace: Path
) -> None:
    site = two_stages(tmp_path, trace, WRITE)
    site.run()

    second = site.run(attempt="2")

    assert second.code == 0
    assert second.result[1] == "cloud-run/main/run1-2"
    assert trace.read_text() == "first\n"  # the run cache had it


def test_the_commit_is_run_although_its_branch_is_gone(tmp_path: Path, trace: Path) -> None:
    site = two_stages(tmp_path, trace, WRITE)
    base = site.head
    git(site.origin, "update-ref", "refs/heads/renamed", base)
    git(site.origin, "update-ref", "-d", "refs/heads/main")

    job = site.run()

    assert job.code == 0
    assert job.result[1] == "cloud-run/main/run1-1"
    assert "main" not in site.branches()


def test_a_commit_that_is_nowhere_is_said_to_be(tmp_path: Path, trace: Path) -> None:
    site = two_stages(tmp_path, trace, WRITE)

    job = site.run(commit="c" * 40)

    assert job.code == 66
    assert "is on no branch any more: push it again, then rerun" in job.log


def test_sigterm_ends_the_stage_and_keeps_what_was_finished(tmp_path: Path, trace: Path) -> None:
    started = tmp_path / "started"
    site = two_stages(tmp_path, trace, f"sleep 0 && echo $$ > {started} && sleep 600; {WRITE}")

    job = terminated(site, started)

    assert job.code == 143
    assert not alive(int(started.read_text()))
    assert site.branches() == {"main": site.head}
    assert stored(site) == {"1\n"}
    assert cached_runs(site) == 1
    assert list(site.temporary.iterdir()) == []


def test_a_retry_after_sigterm_starts_from_the_finished_stages(tmp_path: Path, trace: Path) -> None:
    started = tmp_path / "started"
    wait_once = f"test -e {started} || (echo $$ > {started} && sleep 600); {WRITE}"
    site = two_stages(tmp_path, trace, wait_once)
    terminated(site, started)

    job = site.run()

    assert job.code == 0
    assert job.result[1] == "main"
    assert trace.read_text() == "first\n"


def test_sigterm_while_pushing_lets_the_push_finish(tmp_path: Path, trace: Path) -> None:
    site = two_stages(tmp_path, trace, WRITE)
    reached, go_on = tmp_path / "reached", tmp_path / "go-on"
    hook = site.origin / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\ntouch {reached}\nwhile ! test -e {go_on}; do sleep 0.05; done\n")
    hook.chmod(0o755)

    job = site.start()
    wait_for(reached)
    job.send_signal(signal.SIGTERM)
    go_on.touch()
    finished = site.finished(job)

    assert finished.code == 0
    assert site.branches() == {"main": finished.result[0]}


def test_arguments_that_cannot_be_read_are_refused_before_anything_is_cloned(
    tmp_path: Path, trace: Path
) -> None:
    site = two_stages(tmp_path, trace, WRITE)

    job = site.run("-S 'note=two words")

    assert job.code == 64
    assert "ACME_RUN_ARGS: the quote ' before" in job.log
    assert "===" not in job.log


def protect(site: Site, prefix: str) -> None:
    hook = site.origin / "hooks" / "pre-receive"
    hook.write_text(
        f'#!/bin/sh\nwhile read old new ref; do case "$ref" in "{prefix}"*) exit 1;; esac; done\n'
    )
    hook.chmod(0o755)


def terminated(site: Site, started: Path) -> Finished:
    job = site.start()
    wait_for(started)
    job.send_signal(signal.SIGTERM)
    return site.finished(job)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists() or not (path.name != "started" or path.read_text()):
        assert time.monotonic() < deadline, f"{path.name} did not appear"
        time.sleep(0.02)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
