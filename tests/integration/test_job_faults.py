"""Odd projects and odd hosts: their results are safe all the same, or the right cause is told."""

import hashlib
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.job_site import (
    JOB_ENVIRONMENT,
    LIMIT_SECONDS,
    HttpHost,
    Site,
    git,
    served,
)
from tests.integration.waiting import gone

TOKEN = "tok-3n-f0r-f4ults"
ONE_STAGE = "stages: {one: {cmd: echo 1 > one.txt, outs: [one.txt]}}"
OF_PARAMS = "stages: {one: {cmd: cp params.yaml one.txt, params: [note], outs: [one.txt]}}"
TWO_STAGES = """
stages:
  one: {cmd: cp in.txt one.txt, deps: [in.txt], outs: [one.txt]}
  two: {cmd: exit 3, deps: [one.txt], outs: [two.txt]}
"""
TRAINING = """
stages:
  prepare: {cmd: sh prepare.sh, deps: [raw.csv, prepare.sh], outs: [clean.csv]}
  train: {cmd: sh train.sh, deps: [clean.csv, train.sh], outs: [model]}
"""


def executable(site: Site, name: str, script: str) -> Site:
    """The site with a script of the project's own, committed and pushed."""
    (site.project / name).write_text(f"#!/bin/sh\n{script}")
    (site.project / name).chmod(0o755)
    site.commit({})
    git(site.project, "push", "--quiet", "origin", "HEAD")
    return site


def over_http(project: Site, host: HttpHost) -> Site:
    secret = json.dumps({"kind": "access_token", "token": TOKEN})
    return Site(project.root, host.url, {"BITBUCKET_AUTH": secret})


def stored(site: Site) -> set[str]:
    return {path.read_text() for path in site.data.glob("files/md5/*/*")}


def test_a_remote_that_is_not_the_default_is_an_error_that_says_how_to_make_it_so(
    tmp_path: Path,
) -> None:
    config = f"['remote \"storage\"']\n    url = {tmp_path / 'data'}\n"
    site = Site.with_project(tmp_path, {"dvc.yaml": ONE_STAGE, ".dvc/config": config})

    job = site.run()

    assert job.code == 68, job.log
    assert job.said("dvc remote default")
    assert job.result == []
    assert site.branches() == {"main": site.head}


def test_a_project_without_any_remote_is_told_that_its_data_ended_with_the_job(
    tmp_path: Path,
) -> None:
    site = Site.with_project(tmp_path, {"dvc.yaml": ONE_STAGE, ".dvc/config": ""})

    job = site.run()

    assert (job.code, job.result[1:]) == (0, ["main"]), job.log
    assert job.said("has no DVC remote")


def trained(root: Path, *, raw_is_pushed: bool) -> Site:
    files = {
        "dvc.yaml": TRAINING,
        "prepare.sh": "cp raw.csv clean.csv\n",
        "train.sh": "cp clean.csv model\n",
    }
    site = Site.with_project(root, files)
    (site.project / "raw.csv").write_text("1,2\n")
    site.dvc("add", "--quiet", "raw.csv")
    site.dvc("repro", "--quiet")
    if raw_is_pushed:
        site.dvc("push", "--quiet")
    site.commit({})
    return site


def test_a_failing_stage_is_the_cause_although_data_of_unchanged_stages_stayed_away(
    tmp_path: Path,
) -> None:
    site = trained(tmp_path, raw_is_pushed=True)
    site.commit({"train.sh": "echo boom\nexit 3\n"})
    git(site.project, "push", "--quiet", "origin", "main")

    job = site.run()

    assert "boom" in job.log
    assert job.code == 71, job.log
    assert job.said("the stage train failed")


def test_data_that_a_changed_stage_reads_and_nobody_pushed_is_the_cause(tmp_path: Path) -> None:
    site = trained(tmp_path, raw_is_pushed=False)
    site.commit({"prepare.sh": "sort raw.csv > clean.csv\n"})
    git(site.project, "push", "--quiet", "origin", "main")

    job = site.run()

    assert job.code == 70, job.log
    assert job.said("./raw.csv")


@pytest.mark.parametrize("branch", ["main", "experiment"])
def test_a_branch_named_experiment_leaves_no_room_for_branches_below_it(
    tmp_path: Path, branch: str
) -> None:
    site = Site.with_project(tmp_path, {"dvc.yaml": OF_PARAMS, "params.yaml": "note: none\n"})
    git(site.origin, "branch", "experiment", "main")

    job = site.run("-S note=x", experiment=True, branch=branch)

    assert job.code == 0, job.log
    assert job.result[1] == f"results/{branch}/{site.head[:7]}-run1"
    assert site.show(f"{job.result[0]}:params.yaml") == "note: x"
    assert site.branches()[job.result[1]] == job.result[0]
    assert site.branches()[branch] == site.head


AMEND = "echo 1 > a.txt\ngit add a.txt\ngit commit --quiet --amend --message mine\n"


@pytest.mark.parametrize("by_command", [False, True], ids=["script", "command"])
def test_the_commit_of_the_run_stays_on_its_branch_when_the_project_amends_it(
    tmp_path: Path, by_command: bool
) -> None:
    site = Site.with_project(tmp_path, {"b.txt": "1\n"})
    name = "amend.sh" if by_command else "job-run.sh"
    site = executable(site, name, AMEND)
    if by_command:
        site = site.with_environment(ACME_RUN_COMMAND="./amend.sh")

    job = site.run()

    assert job.code == 0, job.log
    assert job.result[1:] == [f"results/main/{site.head[:7]}-run1"]
    assert site.branches() == {"main": site.head, job.result[1]: job.result[0]}
    assert site.show(f"{job.result[0]}:a.txt") == "1"


def test_thousands_of_files_that_git_keeps_are_committed(tmp_path: Path) -> None:
    """Together their names are longer than what a program may be started with."""
    stages = "stages: {one: {cmd: python3 many.py, deps: [many.py], outs: [many: {cache: false}]}}"
    script = """import os
os.mkdir("many")
for number in range(13000):
    open(f"many/{number:0180}", "w").close()
"""
    site = Site.with_project(tmp_path, {"dvc.yaml": stages, "many.py": script})

    job = site.run()

    assert (job.code, job.result[1:]) == (0, ["main"]), job.log[-2000:]
    made = [name for name in site.changed("main") if name.startswith("many/")]
    assert len(made) == 13000


def test_an_answer_that_is_not_http_is_an_outage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site.with_project(tmp_path, {"dvc.yaml": ONE_STAGE})
    with served(tmp_path / "origin", "x-token-auth", TOKEN) as host:
        answer = host.finish_request
        garbled: list[bytes] = []

        def garble(request: socket.socket, address: Any) -> None:
            """Answer git's first question about a push, and the next, with something else."""
            start = request.recv(4096, socket.MSG_PEEK)
            if b"git-receive-pack" in start and len(garbled) < 2:
                request.recv(65536)
                garbled.append(start)
                request.sendall(b"this is not HTTP\r\n\r\n")
            else:
                answer(request, address)

        monkeypatch.setattr(host, "finish_request", garble)

        job = over_http(site, host).run()

    assert len(garbled) == 2
    assert (job.code, job.result[1:]) == (0, ["main"]), job.log
    assert job.said("trying again in 2 s")


def test_a_lock_that_a_stage_has_left_in_the_clone_does_not_hinder_its_result(
    tmp_path: Path,
) -> None:
    stages = "stages: {one: {cmd: echo 1 > one.txt && touch .git/index.lock, outs: [one.txt]}}"
    site = Site.with_project(tmp_path, {"dvc.yaml": stages})

    job = site.run()

    assert (job.code, job.result[1:]) == (0, ["main"]), job.log
    assert "dvc.lock" in site.changed("main")


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (4, 72)])
def test_a_command_that_removes_its_output_directory_ends_by_its_own_code(
    tmp_path: Path, code: int, expected: int
) -> None:
    site = Site.with_project(tmp_path, {"run.sh": f"rm -r out\nexit {code}\n"})
    command = {"ACME_RUN_COMMAND": "sh run.sh", "ACME_OUTPUT_DIR": "out"}

    job = site.with_environment(**command).run()

    assert job.code == expected, job.log
    assert "Traceback" not in job.log
    assert code == 0 or job.said("exit code 4")


def test_finished_stages_are_saved_by_a_dvc_whose_python_cannot_be_found(tmp_path: Path) -> None:
    site = Site.with_project(tmp_path, {"dvc.yaml": TWO_STAGES, "in.txt": "1\n"})
    only = tmp_path / "bin"
    only.mkdir()
    (only / "dvc").write_text('#!/bin/bash\nexec "$REAL_DVC" "$@"\n')
    (only / "dvc").chmod(0o755)
    hidden = site.with_environment(
        PATH=f"{only}{os.pathsep}{os.defpath}", REAL_DVC=str(JOB_ENVIRONMENT / "bin" / "dvc")
    )

    # The tests' own environment has no DVC.
    job = hidden.run(python=sys.executable)

    assert job.code == 71, job.log
    assert stored(site) == {"1\n"}
    assert len(list(site.data.glob("runs/*/*/*"))) == 1
    assert site.branches() == {"main": site.head}


def test_an_experiment_is_not_queued_where_nobody_would_start_it(tmp_path: Path) -> None:
    site = Site.with_project(tmp_path, {"dvc.yaml": OF_PARAMS, "params.yaml": "note: none\n"})

    job = site.run("--queue -S note=a,b", experiment=True)

    assert job.code == 64, job.log
    assert job.said("--queue")
    assert site.branches() == {"main": site.head}


def test_a_report_script_that_leaves_a_process_behind_does_not_hold_the_job(
    tmp_path: Path,
) -> None:
    left = tmp_path / "left"
    project = Site.with_project(tmp_path, {"dvc.yaml": ONE_STAGE})
    # For longer than a job may take here.
    script = f"sleep {2 * LIMIT_SECONDS} &\necho $! > {left}\necho all is well\n"
    executable(project, "diff-report.sh", script)
    with served(tmp_path / "origin", "x-token-auth", TOKEN) as host:
        job = over_http(project, host).run()

    assert (job.code, job.result[1:]) == (0, ["main"]), job.log
    assert gone(int(left.read_text()))
    assert "all is well" in "".join(text for texts in host.comments.values() for text in texts)


def test_entries_of_the_run_cache_that_were_there_are_not_pushed_again(tmp_path: Path) -> None:
    site = Site.with_project(tmp_path, {"dvc.yaml": TWO_STAGES, "in.txt": "1\n"})
    long_ago = 1_000_000_000
    entries = [foreign_entry(site.data, number) for number in range(50)]
    for entry in entries:
        os.utime(entry, (long_ago, long_ago))

    failed = site.run()
    site.commit({"dvc.yaml": TWO_STAGES.replace("exit 3", "cp one.txt two.txt")})
    git(site.project, "push", "--quiet", "origin", "main")
    job = site.run(run_id="run2")

    assert (failed.code, job.code) == (71, 0), job.log
    assert {entry.stat().st_mtime for entry in entries} == {long_ago}
    assert len(list(site.data.glob("runs/*/*/*"))) == 52


def foreign_entry(data: Path, number: int) -> Path:
    """What some other run has left on the remote: `runs/<2 digits>/<key>/<value>`, in YAML."""
    key, value = (hashlib.sha256(f"{word}{number}".encode()).hexdigest() for word in "kv")
    content = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()
    file = data / "runs" / key[:2] / key / value
    file.parent.mkdir(parents=True)
    file.write_text(
        f"cmd: python train.py --n {number}\n"
        f"deps:\n- path: data.csv\n  hash: md5\n  md5: {content}\n  size: 3\n"
        f"outs:\n- path: model.pkl\n  hash: md5\n  md5: {content}\n  size: 3\n"
    )
    return file
