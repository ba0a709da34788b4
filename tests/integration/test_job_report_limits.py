"""What a report may cost: neither the machine's time, nor the runner's memory, nor a good end."""

import json
import os
import time
import tracemalloc
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from container.comparison import compare
from container.pictures import draw
from container.processes import Children, Ended
from tests.integration.job_site import JOB_ENVIRONMENT, HttpHost, Site, git, served
from tests.integration.waiting import wait_until

TOKEN = "tok-3n-f0r-th3-l1m1ts"
STAGES = "stages: {one: {cmd: cp in.txt one.txt, deps: [in.txt], outs: [one.txt]}}"
# The report's time ends a little before the job's.
SHORT = {"CLOUD_RUNNER_TIMEOUT_SECONDS": "20"}
HANGS = """
import os, sys, time
if "report_differences" in " ".join(sys.orig_argv):
    open({started!r}, "w").close()
    time.sleep(600)
"""
ROWS = 20_000
PLOTS = """
stages:
  one:
    cmd: python3 rows.py
    deps: [rows.py, seed]
    plots:
    - rows.csv: {x: step, y: loss}
    - few.csv: {x: step, y: loss}
"""
WRITES_ROWS = f"""
seed = int(open("seed").read())
for name, count in (("rows.csv", {ROWS}), ("few.csv", 3)):
    rows = "".join(f"{{n}},{{n + seed}}\\n" for n in range(count))
    open(name, "w").write("step,loss\\n" + rows)
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[HttpHost]:
    with served(tmp_path / "origin", "x-token-auth", TOKEN) as host:
        yield host


def with_script(root: Path, host: HttpHost, script: str = "", **environment: str) -> Site:
    """A project, with a `diff-report.sh` of its own if there is one."""
    project = Site.with_project(root, {"dvc.yaml": STAGES, "in.txt": "1\n"})
    if script:
        own = project.project / "diff-report.sh"
        own.write_text(script)
        own.chmod(0o755)
        project.commit({})
        git(project.project, "push", "--quiet", "origin", "main")
    secret = json.dumps({"kind": "access_token", "token": TOKEN})
    return Site(project.root, host.url, {"BITBUCKET_AUTH": secret, **environment})


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize("finish", [True, False])
def test_a_program_is_killed_with_all_that_it_has_started_when_its_time_is_over(
    tmp_path: Path, finish: bool
) -> None:
    script = "trap '' TERM; sh -c 'echo $$ > below; exec sleep 600' & echo $$ > above; sleep 600"

    started = time.monotonic()
    ended = Children().run(
        ["sh", "-c", script],
        directory=tmp_path,
        environment={"PATH": os.environ["PATH"]},
        finish=finish,
        until=started + 1.5,
    )

    assert (ended.code, ended.late) == (137, True)
    assert time.monotonic() - started < 30
    for name in ("above", "below"):
        process = int((tmp_path / name).read_text())
        wait_until(partial(gone, process), f"{name} is still there")


def test_a_program_whose_time_is_over_is_not_started(tmp_path: Path) -> None:
    ended = Children().run(
        ["touch", "started"],
        directory=tmp_path,
        environment={"PATH": os.environ["PATH"]},
        until=time.monotonic(),
    )

    assert ended == Ended(137, late=True)
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_writes_without_end_is_ended_and_its_beginning_is_kept(
    tmp_path: Path,
) -> None:
    ended = Children().run(
        ["yes"],
        directory=tmp_path,
        environment={"PATH": os.environ["PATH"]},
        read=True,
        most=1_000_000,
    )

    assert ended == Ended(137, b"y\n" * 500_000, cut=True)


def test_an_own_report_that_hangs_is_ended_and_the_run_has_succeeded(
    tmp_path: Path, host: HttpHost
) -> None:
    script = f"#!/bin/sh\necho $$ > {tmp_path}/hangs\nsleep 600 &\nsleep 600\n"

    job = with_script(tmp_path, host, script, **SHORT).run()

    (report,) = host.comments[job.result[0]]
    assert job.code == 0, job.log
    assert report.startswith("**Succeeded** in ")
    assert "diff-report.sh was ended: the time for the report was over" in report
    assert "They could not be compared: the time for it was over." in report
    assert gone(int((tmp_path / "hangs").read_text()))


def test_a_comparison_that_hangs_is_ended_and_the_report_goes_out_without_it(
    tmp_path: Path, host: HttpHost
) -> None:
    (tmp_path / "hanging").mkdir()
    hangs = HANGS.format(started=str(tmp_path / "hangs"))
    (tmp_path / "hanging" / "sitecustomize.py").write_text(hangs)

    job = with_script(tmp_path, host, PYTHONPATH=str(tmp_path / "hanging"), **SHORT).run()

    (report,) = host.comments[job.result[0]]
    assert (tmp_path / "hangs").exists(), job.log
    assert job.code == 0, job.log
    assert "They could not be compared: the time for it was over." in report
    assert "| one | ran |" in report


def test_an_own_report_without_end_is_cut_and_says_so(tmp_path: Path, host: HttpHost) -> None:
    job = with_script(tmp_path, host, "#!/bin/sh\nexec yes 'Better by far.'\n").run()

    (report,) = host.comments[job.result[0]]
    assert job.code == 0, job.log
    assert "diff-report.sh printed more than 4 MB: only the beginning is kept" in report
    assert "Better by far." in report


def test_an_own_report_that_cannot_be_started_is_said_and_replaced(
    tmp_path: Path, host: HttpHost
) -> None:
    job = with_script(tmp_path, host, "#!/no/such/shell\n").run()

    (report,) = host.comments[job.result[0]]
    assert job.code == 0, job.log
    assert "diff-report.sh could not be started: No such file or directory" in report
    assert "This project has no metrics" in report


def test_the_runners_memory_does_not_grow_with_the_rows_of_plots(tmp_path: Path) -> None:
    files = {"dvc.yaml": PLOTS, "rows.py": WRITES_ROWS, "seed": "1"}
    site = Site.with_project(tmp_path, files)
    commits = []
    for seed in ("1", "2"):
        (site.project / "seed").write_text(seed)
        site.dvc("repro", "--quiet")
        commits.append(site.commit({}))
    environment = {"PATH": os.environ["PATH"], "DVC_NO_ANALYTICS": "1"}

    def run(command: list[str], directory: Path) -> Ended:
        return Children().run(command, directory=directory, environment=environment, read=True)

    tracemalloc.start()
    try:
        found = compare(
            run,  # type: ignore[arg-type]  # of lists alone
            site.project,
            *commits,
            python=str(JOB_ENVIRONMENT / "bin" / "python"),
            folder=tmp_path / "plots",
        )
        draw(run, found, tmp_path / "pictures", pythons=[])  # type: ignore[arg-type]  # as above
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [plot.change for plot in found.plots.plots] == ["changed", "changed"]
    assert sum(plot.spec.stat().st_size for plot in found.plots.plots if plot.spec) > 3_000_000
    assert peak < 2_000_000
