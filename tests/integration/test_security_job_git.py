"""What a stage leaves behind for the git that gets the credentials later, and for the program."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.integration.job_site import HttpHost, Site, git, served
from tests.integration.test_job_traps import ONE_STAGE, TOKEN, Elsewhere, listening, over_http
from tests.integration.test_job_users import SYSTEM, nobodys, project, python, run

# Does what it is asked, and then leads whatever repository that was to a proxy.
PREPARES = """#!/bin/sh
REAL "$@"; code=$?
for config in ./config .git/config; do
    test -f $config && REAL config --file $config http.proxy PROXY
done
exit $code
"""
# Does the same to each repository that appears beside the clone, for as long as it may.
LURKS = """
import pathlib, sys, time
found, until = set(), time.monotonic() + 60
pathlib.Path(sys.argv[1], "ready").touch()
while time.monotonic() < until:
    for config in pathlib.Path(sys.argv[2]).glob("courier-*/config"):
        try:
            if "proxy" not in config.read_text():
                with config.open("a") as file:
                    file.write(f"[http]\\n\\tproxy = {sys.argv[3]}\\n")
        except OSError:
            pass
"""
# Notes what Python loads into the job's program once a stage has run.
WATCHES = """
import os, sys
if "CLOUD_RUNNER_SECRET_DESCRIPTOR" in os.environ:
    def note(event, arguments):
        if event == "import" and os.path.exists("MARK"):
            with open("LOADED", "a") as file:
                file.write(f"{arguments[0]}\\n")
    sys.addaudithook(note)
"""
SCRIPT = """#!/bin/sh
set -e
touch MARK
echo 1 > one.txt
git commit --quiet --all --message "Of the project's own script"
git push --quiet origin HEAD:main
"""


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with listening() as server:
        yield server


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter, which pytest's own is not."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def host(folder: Path) -> Iterator[HttpHost]:
    with served(folder / "origin", "x-token-auth", "tok-3n-f0r-n0b0dy") as host:
        yield host


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[HttpHost]:
    with served(tmp_path / "origin", "x-token-auth", TOKEN) as host:
        yield host


def test_a_git_that_a_stage_has_left_prepares_no_repository_that_gets_the_credentials(
    folder: Path, host: HttpHost, elsewhere: Elsewhere
) -> None:
    tools = nobodys(folder / "tools")
    program = PREPARES.replace("REAL", str(shutil.which("git", path=SYSTEM)))
    program = program.replace("PROXY", elsewhere.url)
    planted = f"cat > {tools}/git <<'END'\n{program}END\nchmod +x {tools}/git\ngit --version\n"
    site = project(folder, f"echo 1 > one.txt\n{planted}")

    job = run(site, f"{tools}:{Path(python()).parent}:{SYSTEM}", host)

    assert elsewhere.heard == []
    assert "git version" in job.log
    assert (job.code, job.result[1:]) == (0, ["main"]), job.log


def test_settings_of_git_that_a_variable_names_and_a_stage_can_write_play_no_part(
    folder: Path, host: HttpHost, elsewhere: Elsewhere
) -> None:
    tools = nobodys(folder / "tools")
    (tools / "gitconfig").touch()
    site = project(
        folder,
        f"echo 1 > one.txt\ncat > {tools}/gitconfig.new <<'END'\n[http]\n\tproxy = "
        f"{elsewhere.url}\nEND\nmv {tools}/gitconfig.new {tools}/gitconfig\n",
    )

    path = f"{Path(python()).parent}:{SYSTEM}"
    job = run(site, path, host, GIT_CONFIG_SYSTEM=str(tools / "gitconfig"))

    assert elsewhere.heard == []
    assert (job.code, job.result[1:]) == (0, ["main"]), job.log


def test_a_process_that_waits_for_the_repository_with_the_credentials_finds_none(
    tmp_path: Path, hosted: HttpHost, elsewhere: Elsewhere
) -> None:
    """Git starts it for the clone's own settings, after the stages' processes were ended."""
    program, trap = tmp_path / "lurks.py", tmp_path / "trap"
    program.write_text(LURKS)
    words = f"{tmp_path} $(pwd)/.. {elsewhere.url}"
    stay = f"setsid python3 {program} {words} > /dev/null 2>&1 < /dev/null &"
    wait = f"while ! test -e {tmp_path}/ready; do sleep 0.02; done"
    trap.write_text(f"#!/bin/sh\n{stay}\n{wait}\nexit 1\n")
    trap.chmod(0o755)
    script = f"git config core.fsmonitor {trap}\necho 1 > one.txt\n"
    files = {"dvc.yaml": ONE_STAGE, "one.sh": script}
    site = over_http(Site.with_project(tmp_path, files), hosted)

    job = site.run()

    assert (tmp_path / "ready").exists()
    assert elsewhere.heard == []
    assert (job.code, job.result[1:]) == (0, ["main"]), job.log


@pytest.mark.parametrize("end", ["exit 0", "exit 3", ""], ids=["stage", "failing", "script"])
def test_the_program_loads_no_code_any_more_once_a_stage_could_have_written_some(
    tmp_path: Path, hosted: HttpHost, end: str
) -> None:
    """Its Python may be one that the job's user can write to."""
    modules, mark, loaded = (tmp_path / name for name in ("modules", "mark", "loaded"))
    modules.mkdir()
    watches = WATCHES.replace("MARK", str(mark)).replace("LOADED", str(loaded))
    (modules / "sitecustomize.py").write_text(watches)
    stage = f"touch {mark}\necho 1 > one.txt\n{end}\n"
    own = {"job-run.sh": SCRIPT.replace("MARK", str(mark)), "one.txt": "0\n"}
    files = {"one.sh": stage, "dvc.yaml": ONE_STAGE} if end else own
    project = Site.with_project(tmp_path, files)
    if not end:
        git(project.project, "update-index", "--chmod=+x", "job-run.sh")
        git(project.project, "commit", "--quiet", "--message", "Executable")
        git(project.project, "push", "--quiet", "origin", "main")

    job = over_http(project, hosted, PYTHONPATH=str(modules)).run()

    assert job.code == (71 if end == "exit 3" else 0), job.log
    assert mark.exists()
    assert not loaded.exists() or loaded.read_text() == ""
