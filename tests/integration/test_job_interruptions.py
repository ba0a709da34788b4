"""A machine that vanishes costs the stage that was running, and nothing else."""

import shutil
import signal
import subprocess
from pathlib import Path

from container.leftovers import descendants, signal_all
from tests.integration.job_site import Site, git
from tests.integration.waiting import wait_for, wait_until

# The metric is not cached by DVC, and `first` is the one stage that makes it.
STAGES = """
stages:
  first:
    cmd: echo first >> {root}/trace && cp first.in first.txt && echo '{{"m":1}}' > first.json
    deps: [first.in]
    outs: [first.txt]
    metrics:
    - first.json: {{cache: false}}
  second:
    cmd: echo second >> {root}/trace && mkdir -p second && cp first.txt second/file
    deps: [first.txt]
    outs: [second]
  third:
    cmd: echo third >> {root}/trace && {third}
    deps: [second]
    outs: [third.txt]
  fourth:
    cmd: echo fourth >> {root}/trace && cp third.txt fourth.txt
    deps: [third.txt]
    outs: [fourth.txt]
"""


def four_stages(root: Path) -> Site:
    """A project whose third stage waits the first time that it runs."""
    third = f"(test -e {root}/reached || (echo $$ > {root}/reached; exec sleep 600)); "
    stages = STAGES.format(root=root, third=f"{third}cp second/file third.txt")
    return Site.with_project(root, {"dvc.yaml": stages, "first.in": "1\n"})


def vanish(job: "subprocess.Popen[bytes]") -> None:
    """Do to a job's processes what the end of its machine does."""
    signal_all([job.pid, *descendants(job.pid)], signal.SIGKILL)


def test_a_machine_lost_in_stage_three_costs_stage_three(tmp_path: Path) -> None:
    site = four_stages(tmp_path).with_environment(CLOUD_RUNNER_CACHE_DIR=str(tmp_path / "cache"))

    job = site.start()
    wait_for(tmp_path / "reached")
    # The first two have ended: their data gets to the remote while the third one runs.
    wait_until(lambda: len(list(site.data.glob("runs/*/*/*"))) == 2, "the stages were not saved")
    vanish(job)
    lost = site.finished(job)
    shutil.rmtree(tmp_path / "cache")  # the next machine is another one
    before = site.trace()
    retried = site.run()

    assert lost.code == -signal.SIGKILL
    assert before == ["first", "second", "third"]
    assert (retried.code, retried.result[1]) == (0, "main")
    assert site.trace() == [*before, "third", "fourth"]
    assert site.show("main:first.json") == '{"m":1}'


def test_a_machine_lost_after_the_push_leaves_only_the_report_to_do(tmp_path: Path) -> None:
    site = four_stages(tmp_path)
    (tmp_path / "reached").touch()
    hook = site.origin / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pushed\nexec sleep 600\n")
    hook.chmod(0o755)

    job = site.start()
    wait_for(tmp_path / "pushed")
    vanish(job)
    site.finished(job)
    hook.unlink()
    pushed = site.branches()["main"]
    retried = site.run()

    assert pushed != site.head
    assert (retried.code, retried.result) == (0, [pushed, "main"])
    assert retried.said("An earlier try of this attempt had pushed these results")
    assert site.trace() == ["first", "second", "third", "fourth"]


def test_a_push_that_takes_longer_than_there_is_time_ends_with_the_code_of_an_interruption(
    tmp_path: Path,
) -> None:
    site = four_stages(tmp_path).with_environment(CLOUD_RUNNER_STOP_SECONDS="4")
    (tmp_path / "reached").touch()
    hook = site.origin / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pushing\nexec sleep 600\n")
    hook.chmod(0o755)

    job = site.start()
    wait_for(tmp_path / "pushing")
    job.send_signal(signal.SIGTERM)
    stopped = site.finished(job)

    assert stopped.code == 143
    assert site.branches() == {"main": site.head}


def test_two_jobs_at_once_share_a_cache(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (tmp_path / "one").mkdir()
    stages = """
stages:
  big:
    cmd: python3 -c "import sys; open('big.bin','wb').write(bytes(range(256)) * 40000)"
    deps: [big.in]
    outs: [big.bin]
  many:
    cmd: mkdir -p many && for i in $(seq 200); do echo $i > many/$i; done
    deps: [big.bin]
    outs: [many]
  own:
    cmd: cat own.in > own.txt
    deps: [own.in, many]
    outs: [own.txt]
"""
    files = {"dvc.yaml": stages, "big.in": "1\n", "own.in": "main\n"}
    site = Site.with_project(tmp_path / "one", files).with_environment(
        CLOUD_RUNNER_CACHE_DIR=str(cache)
    )
    main = site.head
    other = site.commit({"own.in": "other\n"})
    git(site.project, "push", "--quiet", "origin", f"{other}:refs/heads/other")

    jobs = [
        site.start(commit=main, log="log-1"),
        site.start(branch="other", commit=other, run_id="run2", log="log-2"),
    ]
    ended = [site.finished(job, log=f"log-{number}") for number, job in enumerate(jobs, 1)]

    for job in ended:
        assert job.code == 0, job.log
        assert "lock" not in job.log.lower().replace("dvc.lock", "").replace("lock file", "")
    assert site.show("main:dvc.lock") != site.show("other:dvc.lock")
    folders = [path.name for path in (cache / "team" / "parts").iterdir()]
    assert sorted(folders) == ["files", "runs"]
    # What DVC finds in the cache is what it put there.
    git(site.project, "pull", "--quiet", "origin", "other")
    site.dvc("pull", "--quiet")
    assert len(list((site.project / "many").iterdir())) == 200
    assert (site.project / "big.bin").stat().st_size == 256 * 40000
