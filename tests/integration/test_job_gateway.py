"""git, Git LFS's batch API and DVC through the gateway, as a script of the project uses them."""

import gzip
import http.client
import os
import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from container.gateway import Gateway, gateway
from container.oauth import OAuthUnavailable, basic
from local.bitbucket.client import Client
from local.example import create
from tests.integration.bitbucket_stand_in import (
    REPOSITORY,
    TOKEN,
    commit,
    eventually,
    git,
    push,
    running,
)
from tests.integration.job_site import JOB_ENVIRONMENT, served

AUTHORIZATION = basic("x-token-auth", TOKEN)
SECONDS = 120
NOWHERE = "http://127.0.0.1:1/team/parts.git"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with running(tmp_path / "state") as client:
        yield client


@pytest.fixture
def opened(client: Client) -> Iterator[Gateway]:
    with gateway(client.plain_git_url(REPOSITORY), lambda: AUTHORIZATION) as opened:
        yield opened


def a_clone(opened: Gateway, where: Path) -> Path:
    """A clone through the gateway, with one commit on `main`."""
    git(where.parent, "clone", "--quiet", opened.url, str(where))
    if not git(where, "branch", "--all").stdout:
        git(where, "symbolic-ref", "HEAD", "refs/heads/main")
        commit(where, files={"a": "1"})
        push(where, "origin", "main")
    return where


def ask(
    url: str, method: str, path: str = "", body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """The answer to a request below the gateway's address, or another one of its host."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=SECONDS)
    try:
        connection.request(method, f"{parts.path}{path}", body, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


def test_clone_push_and_fetch_need_no_credentials(opened: Gateway, tmp_path: Path) -> None:
    one = a_clone(opened, tmp_path / "one")
    two = a_clone(opened, tmp_path / "two")
    pushed = commit(one, files={"b": "2"})
    push(one, "origin", "main")
    git(two, "fetch", "--quiet", "origin")

    assert git(two, "rev-parse", "origin/main").stdout.strip() == pushed
    assert TOKEN not in opened.url
    assert (
        "Authorization"
        not in git(two, "ls-remote", "origin", GIT_TRACE_CURL="1", GIT_TRACE_REDACT="0").stderr
    )


def test_a_push_of_thirty_megabytes_passes_in_both_directions(
    opened: Gateway, tmp_path: Path
) -> None:
    one = a_clone(opened, tmp_path / "one")
    (one / "large").write_bytes(secrets.token_bytes(30_000_000))
    pushed = commit(one)

    push(one, "origin", "main")
    git(tmp_path, "clone", "--quiet", opened.url, "two")

    assert git(tmp_path / "two", "rev-parse", "HEAD").stdout.strip() == pushed
    assert (tmp_path / "two" / "large").stat().st_size == 30_000_000


def test_protocol_version_two_is_spoken(opened: Gateway, tmp_path: Path) -> None:
    one = a_clone(opened, tmp_path / "one")

    traced = git(one, "-c", "protocol.version=2", "ls-remote", "origin", GIT_TRACE_PACKET="1")

    assert "git< version 2" in traced.stderr


def test_a_plain_push_to_the_repositorys_own_address_works(
    client: Client, opened: Gateway, tmp_path: Path
) -> None:
    upstream = client.plain_git_url(REPOSITORY)
    one = a_clone(opened, tmp_path / "one")
    git(one, "remote", "set-url", "origin", upstream)
    pushed = commit(one, files={"b": "2"})
    instead = ("-c", f"url.{opened.url}.insteadOf={upstream}")

    git(one, *instead, "push", "--quiet", "origin", "main")

    assert git(one, *instead, "ls-remote", "origin", "main").stdout.split()[0] == pushed
    assert git(one, "ls-remote", "origin", check=False).returncode  # without it there is no way


def test_two_pushes_at_once_both_arrive(opened: Gateway, tmp_path: Path) -> None:
    clones = [a_clone(opened, tmp_path / "one"), a_clone(opened, tmp_path / "two")]
    for clone in clones:
        (clone / "large").write_bytes(secrets.token_bytes(3_000_000))
        commit(clone)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda clone: push(clone, "origin", f"HEAD:{clone.name}"), clones))

    branches = git(clones[0], "ls-remote", "--heads", "origin").stdout
    assert "refs/heads/one" in branches
    assert "refs/heads/two" in branches


def test_a_refused_push_is_told_as_bitbucket_tells_it(opened: Gateway, tmp_path: Path) -> None:
    one = a_clone(opened, tmp_path / "one")
    two = a_clone(opened, tmp_path / "two")
    commit(one, "a change")
    push(one, "origin", "main")
    commit(two, "another change")

    refused = git(two, "push", "origin", "main", check=False)

    assert refused.returncode == 1
    assert "[rejected]" in refused.stderr


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/info/refs"),
        ("GET", "/info/refs?service=git-upload-archive"),
        ("GET", "/info/refs?service=git-upload-pack&x=1"),
        ("GET", "/HEAD"),
        ("GET", "/objects/info/packs"),
        ("GET", "/git-upload-pack"),
        ("POST", "/info/refs?service=git-upload-pack"),
        ("POST", "/../other.git/git-upload-pack"),
        ("PUT", "/info/lfs/objects/batch"),
        ("DELETE", "/git-receive-pack"),
        ("GET", ""),
    ],
)
def test_what_is_no_request_of_git_is_not_found(method: str, path: str) -> None:
    with gateway(NOWHERE, lambda: AUTHORIZATION) as opened:
        assert ask(opened.url, method, path)[0] == 404


@pytest.mark.parametrize("shown", ["", "x", "x" * 32, "%C3%A9"])
def test_without_its_secret_the_gateway_knows_nothing(shown: str) -> None:
    path = f"/{shown}/team/parts.git/info/refs?service=git-upload-pack"
    with gateway(NOWHERE, lambda: AUTHORIZATION) as opened:
        host = f"http://{urlsplit(opened.url).netloc}"

        assert ask(host, "GET", path)[0] == 404


def test_a_gateway_passes_nothing_on_for_another_ones_secret(client: Client) -> None:
    upstream = client.plain_git_url(REPOSITORY)
    with (
        gateway(upstream, lambda: AUTHORIZATION) as one,
        gateway(upstream, lambda: AUTHORIZATION) as two,
    ):
        mixed = f"http://{urlsplit(one.url).netloc}{urlsplit(two.url).path}"
        status, _, _ = ask(mixed, "GET", "/info/refs?service=git-upload-pack")

    assert status == 404


def test_credentials_that_bitbucket_refuses_do_not_make_git_ask_for_others(
    client: Client, tmp_path: Path
) -> None:
    with gateway(client.plain_git_url(REPOSITORY), lambda: "Bearer wrong") as opened:
        refused = git(tmp_path, "ls-remote", opened.url, check=False)
        status, headers, _ = ask(opened.url, "GET", "/info/refs?service=git-upload-pack")

    assert "Bitbucket does not take the job's credentials" in refused.stderr
    assert status == 403
    assert "WWW-Authenticate" not in headers


def test_a_bitbucket_that_is_away_is_said_in_a_line(tmp_path: Path) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{reserved.getsockname()[1]}/team/parts.git"
        with gateway(away, lambda: AUTHORIZATION) as opened:
            told = ask(opened.url, "GET", "/info/refs?service=git-upload-pack")
            large = ask(opened.url, "POST", "/git-receive-pack", bytes(5_000_000))

    assert told[0] == large[0] == 502
    assert told[2] == b"127.0.0.1 cannot be reached now: ConnectionRefusedError\n"


def test_an_oauth_token_that_cannot_be_had_is_said_in_a_line() -> None:
    def no_token() -> str:
        raise OAuthUnavailable("asking for an OAuth token: 503")

    with gateway(NOWHERE, no_token) as opened:
        status, _, text = ask(opened.url, "POST", "/git-upload-pack", b"0000")

    assert (status, text[-31:]) == (502, b"asking for an OAuth token: 503\n")


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked, some headers that are nobody's business among the rest."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, dict(self.headers), body))
        self.send_response(422)
        self.send_header("Content-Type", "application/vnd.git-lfs+json")
        self.send_header("Set-Cookie", "session=secret")
        self.send_header("WWW-Authenticate", "Basic")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a repository behind this handler."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/team/parts.git"
        finally:
            server.shutdown()
            thread.join()


def test_a_request_of_git_lfs_passes_with_our_credentials_in_the_place_of_the_scripts() -> None:
    Echo.seen = []
    packed = gzip.compress(b"{}")
    headers = {
        "Authorization": "Basic theirs",
        "Cookie": "theirs",
        "Content-Encoding": "gzip",
        "Content-Type": "application/vnd.git-lfs+json",
    }
    with listening(Echo) as upstream, gateway(upstream, lambda: AUTHORIZATION) as opened:
        status, answered, body = ask(
            opened.url, "POST", "/info/lfs/objects/batch", packed, **headers
        )

    ((path, passed, sent),) = Echo.seen
    assert (path, sent) == ("/team/parts.git/info/lfs/objects/batch", packed)
    assert passed["Authorization"] == AUTHORIZATION
    assert passed["Content-Encoding"] == "gzip"
    assert "Cookie" not in passed
    assert (status, body) == (422, b"{}")
    assert answered == {"Content-Type": "application/vnd.git-lfs+json", "Content-Length": "2"}


def test_a_client_that_asks_before_it_sends_is_told_to_go_on() -> None:
    Echo.seen = []
    with listening(Echo) as upstream, gateway(upstream, lambda: AUTHORIZATION) as opened:
        parts = urlsplit(opened.url)
        address = (str(parts.hostname), int(parts.port or 0))
        with socket.create_connection(address, timeout=SECONDS) as connection:
            head = f"POST {parts.path}/git-receive-pack HTTP/1.1\r\nHost: a\r\nContent-Length: 5"
            connection.sendall(f"{head}\r\nExpect: 100-continue\r\n\r\n".encode())
            first = connection.recv(1024)
            connection.sendall(b"hello")
            second = connection.recv(1024)

    assert first == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert second.startswith(b"HTTP/1.1 422 ")
    assert Echo.seen[0][2] == b"hello"


class BreaksOff(BaseHTTPRequestHandler):
    """Promises more than it sends."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"half")

    def log_message(self, *_: object) -> None:
        pass


def test_an_answer_that_breaks_off_is_not_passed_on_as_a_whole_one() -> None:
    with (
        listening(BreaksOff) as upstream,
        gateway(upstream, lambda: AUTHORIZATION) as opened,
        pytest.raises(http.client.IncompleteRead) as broken,
    ):
        ask(opened.url, "GET", "/info/refs?service=git-upload-pack")

    assert broken.value.partial == b"half"


class Refuses(BaseHTTPRequestHandler):
    """Answers before it has read the body, and hangs up."""

    def do_POST(self) -> None:
        self.send_response(413)
        self.send_header("Content-Length", "9")
        self.end_headers()
        self.wfile.write(b"too large")
        self.connection.shutdown(socket.SHUT_WR)
        while self.rfile.read1(65536):
            pass

    def log_message(self, *_: object) -> None:
        pass


def test_an_answer_that_comes_before_the_end_of_the_question_is_passed_on() -> None:
    with listening(Refuses) as upstream, gateway(upstream, lambda: AUTHORIZATION) as opened:
        status, _, text = ask(opened.url, "POST", "/git-receive-pack", bytes(5_000_000))

    assert (status, text) == (413, b"too large")


class Redirects(BaseHTTPRequestHandler):
    """Leads somewhere else."""

    def do_GET(self) -> None:
        self.send_response(301)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_no_redirection_is_followed_or_passed_on() -> None:
    with listening(Redirects) as upstream, gateway(upstream, lambda: AUTHORIZATION) as opened:
        status, headers, _ = ask(opened.url, "GET", "/info/refs?service=git-upload-pack")

    assert status == 502
    assert "Location" not in headers


def test_a_host_that_speaks_the_older_http_is_understood(tmp_path: Path) -> None:
    project = tmp_path / "project"
    create(project, str(tmp_path / "data"))
    git(tmp_path, "clone", "--quiet", "--bare", str(project), "origin/team/parts.git")
    with (
        served(tmp_path / "origin", "x-token-auth", TOKEN) as host,
        gateway(f"{host.url}/team/parts.git", lambda: AUTHORIZATION) as opened,
    ):
        git(tmp_path, "clone", "--quiet", opened.url, "clone")

    assert (tmp_path / "clone" / "dvc.yaml").exists()


class Waits(BaseHTTPRequestHandler):
    """Never answers."""

    threads: set[threading.Thread]
    go_on = threading.Event()

    def do_GET(self) -> None:
        self.threads.add(threading.current_thread())
        self.go_on.wait(SECONDS)

    def log_message(self, *_: object) -> None:
        pass


def test_the_end_of_the_gateway_ends_its_threads_whatever_is_open() -> None:
    Waits.threads = set()
    with listening(Waits) as upstream, ExitStack() as connections:
        before = set(threading.enumerate())
        with gateway(upstream, lambda: AUTHORIZATION) as opened:
            parts = urlsplit(opened.url)
            address = (str(parts.hostname), int(parts.port or 0))
            idle, asking, half = (
                connections.enter_context(socket.create_connection(address, timeout=SECONDS))
                for _ in range(3)
            )
            path = f"{parts.path}/info/refs?service=git-upload-pack"
            asking.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            push = f"POST {parts.path}/git-receive-pack HTTP/1.1\r\nContent-Length: 9\r\n\r\n1234"
            half.sendall(push.encode())
            eventually(lambda: bool(Waits.threads))
        left = set(threading.enumerate()) - before - Waits.threads
        ends = [connection.recv(1024) for connection in (idle, half)]
        # Before the one that never answers does: what waits for it is to have ended.
        eventually(lambda: not any(one.is_alive() for one in left), within=SECONDS / 2)
        Waits.go_on.set()

    assert ends == [b"", b""]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=SECONDS)


@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
def test_files_of_git_lfs_are_pushed_and_fetched(opened: Gateway, tmp_path: Path) -> None:
    for name in ("one", "two"):
        git(tmp_path, "init", "--quiet", name)
        git(tmp_path / name, "remote", "add", "origin", opened.url)
        git(tmp_path / name, "lfs", "install", "--local")
    (tmp_path / "one" / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs\n")
    commit(tmp_path / "one", files={"weights.bin": "weights of a model"})

    push(tmp_path / "one", "origin", "HEAD:main")
    git(tmp_path / "two", "pull", "--quiet", "origin", "main")

    assert (tmp_path / "two" / "weights.bin").read_text() == "weights of a model"


@pytest.fixture
def experiment(client: Client, opened: Gateway, tmp_path: Path) -> Path:
    """A project on the stand-in, with an experiment named `wet-lynx` in its clone."""
    project = tmp_path / "project"
    create(project, str(tmp_path / "data"))
    git(project, "push", "--quiet", opened.url, "HEAD:main")
    git(project, "remote", "add", "origin", opened.url)
    dvc(project, "exp", "run", "--name", "wet-lynx")
    return project


def dvc(project: Path, *arguments: str) -> str:
    environment = {
        "PATH": f"{JOB_ENVIRONMENT / 'bin'}:{os.environ['PATH']}",
        "HOME": str(project.parent),
        "DVC_NO_ANALYTICS": "1",
        "CI": "1",  # DVC asks for no newer version
    }
    done = subprocess.run(
        [JOB_ENVIRONMENT / "bin" / "dvc", *arguments],
        cwd=project,
        env=environment,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    return done.stdout


def test_dvc_pushes_and_lists_experiments_through_the_gateway(
    opened: Gateway, experiment: Path
) -> None:
    dvc(experiment, "exp", "push", "--no-cache", opened.url, "wet-lynx")
    listed = dvc(experiment, "exp", "list", opened.url, "--all-commits", "--name-only")

    assert "wet-lynx" in listed
    refs = git(experiment, "ls-remote", opened.url, "refs/exps/*").stdout
    assert refs.strip().endswith("/wet-lynx")
