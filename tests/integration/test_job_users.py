"""What the user of a job cannot do to the program that runs it. Root could, so nobody is root."""

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from container.build import build
from tests.integration.job_site import LIMIT_SECONDS, ROOT, Finished, HttpHost, Site, git, served

TOKEN = "tok-3n-f0r-n0b0dy"
SYSTEM = "/usr/local/bin:/usr/bin:/bin"
NOBODY = 65534
# linux/prctl.h
_PR_GET_DUMPABLE = 3

# Only the parent of the script is the runner; the script itself may be read by its own user.
SPY = """
import pathlib, sys
for process in sys.argv[1:]:
    for name in ("environ", "mem", "maps"):
        try:
            pathlib.Path("/proc", process, name).open("rb").close()
            print(name, "is open")
        except OSError as error:
            print(name, type(error).__name__)
"""
# Keeps every open file that it may read, and then is what it stands for. It names programs in full,
# or it would call itself.
THIEF = """#!PYTHON
import os, sys
loot = b"called\\n"
for number in range(3, 20):
    try:
        loot += os.read(os.open(f"/proc/self/fd/{number}", os.O_RDONLY | os.O_NONBLOCK), 4096)
    except OSError:
        pass
with open("LOOT", "ab") as file:
    file.write(loot)
os.execv("REAL", ["REAL", *sys.argv[1:]])
"""


def mode(body: str) -> str:
    """What a fresh process says of its own memory (PR_GET_DUMPABLE) after some code has run."""
    code = f"import ctypes\n{body}\nprint(ctypes.CDLL(None).prctl({_PR_GET_DUMPABLE}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": SYSTEM},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=LIMIT_SECONDS,
        text=True,
    )
    return done.stdout.splitlines()[-1]


def test_hidden_memory_is_hidden_by_the_kernel() -> None:
    assert ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE) == 1
    assert mode("") == "1"
    assert mode("from container.kernel import hide_memory; hide_memory()") == "0"


def test_the_program_hides_its_memory_before_it_reads_its_command_line() -> None:
    starting = """
import sys
from container.start import start
sys.argv = ["job.pyz", "--nonsense"]
assert start(None) == 64
"""

    assert mode(starting) == "0"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter, which pytest's own is not."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def nobodys(folder: Path) -> Path:
    """A new folder of the job's user."""
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    return folder


def python() -> str:
    """A Python that whoever runs the job may start; that of the tests may be root's alone."""
    found = shutil.which("python3", path=SYSTEM) if os.geteuid() == 0 else sys.executable
    if found is None:
        pytest.skip("root runs these tests, and the machine has no Python for others")
    return found


def run(site: Site, path: str, host: HttpHost, **more: str) -> Finished:
    """Run a job as nobody, or as whoever runs the tests if not as root; `more` are variables."""
    program, home = site.root / "job.pyz", nobodys(site.root / "home")
    build(program)
    names = {"workspace": "team", "repository": "parts", "branch": "main", "commit": site.head}
    words = {**names, "run-id": "run1", "attempt": "1"}
    secret = {"kind": "access_token", "token": TOKEN}
    done = subprocess.run(
        [python(), program, *(word for name in words for word in (f"--{name}", words[name]))],
        cwd=home,
        env={
            "PATH": path,
            "HOME": str(home),
            "TMPDIR": str(home),
            "BITBUCKET_AUTH": json.dumps(secret),
            "BITBUCKET_GIT_URL": host.url,
            "BITBUCKET_API_URL": f"{host.url}/2.0",
            "CLOUD_RUNNER_TIMEOUT_SECONDS": "240",
            "ACME_RUN_COMMAND": "sh one.sh",
            **more,
        },
        user=NOBODY if os.geteuid() == 0 else None,
        group=NOBODY if os.geteuid() == 0 else None,
        extra_groups=[] if os.geteuid() == 0 else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=LIMIT_SECONDS,
        text=True,
    )
    return Finished(done.returncode, done.stdout)


def project(root: Path, script: str) -> Site:
    site = Site(root)
    site.project.mkdir()
    git(site.project, "init", "--quiet", "--initial-branch=main", "--template=")
    site.commit({"one.sh": script, "one.txt": "0\n", "spy.py": SPY})
    site.host()
    return site


@pytest.fixture
def host(folder: Path) -> Iterator[HttpHost]:
    with served(folder / "origin", "x-token-auth", TOKEN) as host:
        yield host


def test_nobody_of_the_same_user_reads_the_memory_or_the_environment_of_the_program(
    folder: Path, host: HttpHost
) -> None:
    site = project(folder, "python3 spy.py $$ > one.txt\npython3 spy.py $PPID >> one.txt\n")

    job = run(site, f"{Path(python()).parent}:{SYSTEM}", host)

    assert job.code == 0, job.log
    seen = site.show("main:one.txt").splitlines()
    assert seen[0] == "environ is open"  # of its own
    assert seen[3:] == ["environ PermissionError", "mem PermissionError", "maps PermissionError"]


def test_a_git_that_a_stage_puts_before_the_images_own_is_not_what_gets_the_credentials(
    folder: Path, host: HttpHost
) -> None:
    tools, loot = nobodys(folder / "tools"), nobodys(folder / "loot") / "loot"
    real = shutil.which("git", path=SYSTEM)
    thief = THIEF.replace("LOOT", str(loot)).replace("REAL", str(real)).replace("PYTHON", python())
    planted = f"cat > {tools}/git <<'END'\n{thief}END\nchmod +x {tools}/git\ngit --version\n"
    site = project(folder, f"echo 1 > one.txt\n{planted}")

    job = run(site, f"{tools}:{Path(python()).parent}:{SYSTEM}", host)

    assert loot.read_text(errors="replace") == "called\n"  # by the stage, and by nobody else
    assert not job.said("a stage could replace")
    assert (job.code, job.result[1]) == (0, "main"), job.log


def test_an_image_whose_only_git_a_stage_could_replace_is_told_so(
    folder: Path, host: HttpHost
) -> None:
    tools = nobodys(folder / "tools")
    (tools / "git").write_text(f'#!/bin/sh\nexec {shutil.which("git", path=SYSTEM)} "$@"\n')
    (tools / "git").chmod(0o755)
    for name in ("sh", "cat"):
        (tools / name).symlink_to(str(shutil.which(name, path=SYSTEM)))

    job = run(project(folder, "echo 1 > one.txt\n"), str(tools), host)

    assert job.said(f"a stage could replace {tools}/git, and so get the credentials")
    assert job.code == 0, job.log
