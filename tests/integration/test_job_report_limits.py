"""What a report may cost: neither the machine's time, nor the runner's memory, nor a good end."""

import json
import os
import time
import tracemalloc
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from container import publish
from container.comparison import compare
from container.job import Job
from container.masking import Masks
from container.pictures import draw
from container.processes import Children, Ended
from container.result import Result
from container.settings import Settings
from container.stages import Stages
from container.work import Work
from tests.integration.job_site import JOB_ENVIRONMENT, HttpHost, Site, git, served
from tests.integration.waiting import gone, wait_until

TOKEN = "tok-3n-f0r-th3-l1m1ts"
STAGES = "stages: {one: {cmd: cp in.txt one.txt, deps: [in.txt], outs: [one.txt]}}"
# Of it three quarters are for what a report compares, less a reserve (`ReportTime`).
SHORT = {"CLOUD_RUNNER_TIMEOUT_SECONDS": "20"}
PUSHED = Result("d" * 40, "main", None)
HANGS = """
import os, sys, time
if "report_differences" in " ".join(sys.orig_argv):
    with open({started!r}, "w") as started:
        started.write(str(os.getpid()))
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


def with_script(root: Path, host: HttpHost, script: str) -> Site:
    """A project with a `diff-report.sh` of its own."""
    project = Site.with_project(root, {"dvc.yaml": STAGES, "in.txt": "1\n"})
    own = project.project / "diff-report.sh"
    own.write_text(script)
    own.chmod(0o755)
    project.commit({})
    git(project.project, "push", "--quiet", "origin", "main")
    secret = json.dumps({"kind": "access_token", "token": TOKEN})
    return Site(project.root, host.url, {"BITBUCKET_AUTH": secret})


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
        until=started + 10,
    )

    assert (ended.code, ended.late) == (137, True)
    assert time.monotonic() - started < 120
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


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    """A run that has just ended, of a project that uses DVC, with little time for its report."""
    monkeypatch.setenv("PATH", f"{JOB_ENVIRONMENT / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hanging"))
    monkeypatch.setattr(Work, "clear", lambda _: None)  # it ends all that this process has started
    monkeypatch.setattr("container.machine.describe", lambda _: "")
    directory = tmp_path / "job"
    directory.mkdir()
    work = Work(
        job=Job("team", "parts", "main", "c" * 40, "run1", "1"),
        settings=Settings.read(SHORT),
        passwords=None,
        children=Children(),
        masks=Masks(),
        stages=Stages(),
        directory=directory,
        started=time.monotonic(),
    )
    (work.project / ".dvc").mkdir()
    return work


def test_an_own_report_that_hangs_is_ended_and_the_run_has_succeeded(
    work: Work, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = work.project / "diff-report.sh"
    own.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/hangs\nsleep 600 &\nsleep 600\n")
    own.chmod(0o755)

    publish.succeeded(work, PUSHED)

    said = capsys.readouterr().out
    assert "**Succeeded** in " in said
    assert "diff-report.sh was ended: the time for the report was over" in said
    assert "They could not be compared: the time for it was over." in said
    wait_until(partial(gone, int((tmp_path / "hangs").read_text())), "it is still there")


def test_a_comparison_that_hangs_is_ended_and_the_report_goes_out_without_it(
    work: Work, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hanging").mkdir()
    hangs = HANGS.format(started=str(tmp_path / "hangs"))
    (tmp_path / "hanging" / "sitecustomize.py").write_text(hangs)

    publish.succeeded(work, PUSHED)

    said = capsys.readouterr().out
    assert "**Succeeded** in " in said
    assert "They could not be compared: the time for it was over." in said
    wait_until(partial(gone, int((tmp_path / "hangs").read_text())), "it is still there")


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
