"""Stages that a retry executes after the machine was lost in stage three of four.

The retry starts on another machine, with nothing but what is at Bitbucket and on the DVC remote.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from container.leftovers import descendants
from tests.benchmarks.job_bare import environment
from tests.benchmarks.job_place import must, start, wait
from tests.benchmarks.services import say
from tests.benchmarks.tables import show
from tests.integration.job_site import Site
from tests.integration.waiting import wait_for, wait_until

# The first also makes a metric that DVC does not cache, which its run cache cannot give back.
_STAGES = """
stages:
  first:
    cmd: echo first >> {root}/trace && cp source first.txt && echo '{{"m":1}}' > first.json
    deps: [source]
    outs: [first.txt]
    metrics:
    - first.json: {{cache: false}}
  second:
    cmd: echo second >> {root}/trace && cp first.txt second.txt
    deps: [first.txt]
    outs: [second.txt]
  third:
    cmd: >-
      echo third >> {root}/trace;
      test -e {root}/go || (echo $$ > {root}/reached; exec sleep 600);
      cp second.txt third.txt
    deps: [second.txt]
    outs: [third.txt]
  fourth:
    cmd: echo fourth >> {root}/trace && cp third.txt fourth.txt
    deps: [third.txt]
    outs: [fourth.txt]
"""
_SAVED = 2


def section() -> None:
    """Print the table."""
    say("  an uninterrupted job")
    with _project() as site:
        _let_third_end(site)
        must(site.start(), site.root / "log")
        whole = site.trace()
    say("  a job that is lost in stage three, and its retry")
    with _project() as site:
        ours = _job(site)
    say("  the same without saving")
    with _project() as site:
        theirs = _without_saving(site)
    rows = [("a job, uninterrupted", "-", str(len(whole)), str(len(whole)))]
    for name, (before, retry) in (
        ("a job and its retry", ours),
        ("dvc repro with a push at its end, and a retry", theirs),
    ):
        rows.append((name, str(len(before)), str(len(retry)), str(len(before) + len(retry))))
    show(
        "Stages executed when the machine is lost in stage three of four (a retry needs two)",
        ("", "before the loss", "by the retry", "in all"),
        rows,
        f"before the loss: the third, which was cut off, too; the retry ran {', '.join(ours[1])}",
        "lost: SIGKILL to all processes; the retry finds an empty cache directory",
    )


@contextmanager
def _project() -> Iterator[Site]:
    with TemporaryDirectory(prefix="bench-job-") as folder:
        root = Path(folder)
        site = Site.with_project(root, {"dvc.yaml": _STAGES.format(root=root), "source": "1\n"})
        yield site.with_environment(CLOUD_RUNNER_CACHE_DIR=str(root / "cache"))


def _job(site: Site) -> tuple[list[str], list[str]]:
    """The stages that were started before the loss, and those that the retry executed."""
    with _vanishing(site.start()):
        wait_for(site.root / "reached")
        wait_until(lambda: len(list(site.data.glob("runs/*/*/*"))) == _SAVED, "nothing was saved")
    before = site.trace()
    shutil.rmtree(site.root / "cache")
    _let_third_end(site)
    must(site.start(), site.root / "log")
    return before, site.trace()[len(before) :]


def _without_saving(site: Site) -> tuple[list[str], list[str]]:
    """The same of `dvc repro` with a push at its end, which was never reached."""
    said = site.root / "dvc repro"
    command = ["dvc", "repro", "--pull", "--allow-missing"]
    with _vanishing(start(command, _clone(site, "lost"), environment(site.root), said)):
        wait_for(site.root / "reached")
    before = site.trace()
    _let_third_end(site)
    must(start(command, _clone(site, "retry"), environment(site.root), said), said)
    return before, site.trace()[len(before) :]


def _clone(site: Site, name: str) -> Path:
    folder = site.root / name
    said = site.root / "git clone"
    words = ["git", "clone", "--quiet", str(site.origin), str(folder)]
    must(start(words, site.root, environment(site.root), said), said)
    return folder


def _let_third_end(site: Site) -> None:
    (site.root / "go").touch()


@contextmanager
def _vanishing(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """At the end do to all its processes what the end of a machine does."""
    try:
        yield
    finally:
        for one in [process.pid, *descendants(process.pid)]:
            with suppress(ProcessLookupError):  # it may have ended by itself
                os.kill(one, signal.SIGKILL)
        wait(process)
