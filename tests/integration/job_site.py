"""What a job finds around it: a Git host, a DVC remote, a project, and a way to run the program."""

import base64
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from container.build import build
from container.log import PREFIX
from local.example import create

ROOT = Path(__file__).resolve().parents[2]
JOB_ENVIRONMENT = Path(os.environ.get("JOB_ENVIRONMENT", ROOT / ".tools" / "job"))
LIMIT_SECONDS = 300
_GIT_ENVIRONMENT = {
    "PATH": os.defpath,
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Someone",
    "GIT_AUTHOR_EMAIL": "someone@localhost",
    "GIT_COMMITTER_NAME": "Someone",
    "GIT_COMMITTER_EMAIL": "someone@localhost",
}


@dataclass(frozen=True)
class Finished:
    """A job that has ended: its exit code and its log."""

    code: int
    log: str

    def said(self, text: str) -> bool:
        """Whether a line of the runner's own, not one of the project's, holds this."""
        return any(text in line for line in self.log.splitlines() if line.startswith(PREFIX))

    @property
    def result(self) -> list[str]:
        """The commit and the branch in the log's line about them; empty if there is none."""
        for line in self.log.splitlines():
            said = line.removeprefix(PREFIX)
            if said != line and said.startswith("result commit: "):
                return said.removeprefix("result commit: ").split(" on ", 1)
        return []


@dataclass(frozen=True)
class Site:
    """A folder with `origin/team/parts.git`, the DVC remote `data`, and a clone `project`."""

    root: Path
    git_url: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> Path:
        return self.root / "origin" / "team" / "parts.git"

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @classmethod
    def with_example(cls, root: Path) -> "Site":
        """The example project, hosted in a folder."""
        site = cls(root)
        create(site.project, str(site.data))
        site.host()
        return site

    @classmethod
    def with_project(cls, root: Path, files: Mapping[str, str], branch: str = "main") -> "Site":
        """A project of these files with the DVC remote set up, hosted in a folder."""
        site = cls(root)
        site.project.mkdir()
        git(site.project, "init", "--quiet", "--template=")
        git(site.project, "symbolic-ref", "HEAD", f"refs/heads/{branch}")
        config = f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {site.data}\n"
        site.commit(
            {".dvc/config": config, ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n", **files}
        )
        site.host()
        return site

    def commit(self, files: Mapping[str, str]) -> str:
        """Commit these files in the clone; the commit's hash."""
        for name, text in files.items():
            (self.project / name).parent.mkdir(parents=True, exist_ok=True)
            (self.project / name).write_text(text, encoding="utf-8")
        git(self.project, "add", "--all")
        git(self.project, "commit", "--quiet", "--allow-empty", "--message", "A change")
        return self.head

    def dvc(self, *arguments: str) -> None:
        """Run DVC in the clone, as somebody does at home."""
        environment = {
            "PATH": f"{JOB_ENVIRONMENT / 'bin'}:{os.environ['PATH']}",
            "DVC_NO_ANALYTICS": "1",
            "CI": "1",  # DVC asks for no newer version
        }
        subprocess.run(
            ["dvc", *arguments],
            cwd=self.project,
            env=environment,
            check=True,
            stdin=subprocess.DEVNULL,
            timeout=LIMIT_SECONDS,
        )

    def host(self) -> None:
        self.origin.parent.mkdir(parents=True)
        git(self.root, "clone", "--quiet", "--bare", str(self.project), str(self.origin))
        git(self.project, "remote", "add", "origin", str(self.origin))

    @property
    def head(self) -> str:
        """The clone's last commit."""
        return git(self.project, "rev-parse", "HEAD")

    def branches(self) -> dict[str, str]:
        """The branches at the host, with their heads."""
        form = "--format=%(refname:lstrip=2) %(objectname)"
        listed = git(self.origin, "for-each-ref", form, "refs/heads")
        return dict(line.rsplit(" ", 1) for line in listed.splitlines())

    def show(self, revision: str) -> str:
        """A file at the host, such as `main:dvc.lock`."""
        return git(self.origin, "show", revision)

    def message(self, revision: str) -> str:
        """What a commit at the host says."""
        return git(self.origin, "log", "-1", "--format=%B", revision, "--")

    def trace(self) -> list[str]:
        """What stages have written to the file `trace`, which each run of a stage may do."""
        file = self.root / "trace"
        return file.read_text().split() if file.exists() else []

    def with_environment(self, **more: str) -> "Site":
        """The same site, whose jobs get these variables, too."""
        return replace(self, environment={**self.environment, **more})

    def changed(self, commit: str) -> set[str]:
        """The files that a commit at the host has changed."""
        names = git(self.origin, "show", "--format=", "--name-only", "-z", commit)
        return set(filter(None, names.split("\0")))

    def start(
        self,
        arguments: str | None = None,
        *,
        experiment: bool = False,
        branch: str = "main",
        commit: str | None = None,
        run_id: str = "run1",
        attempt: str = "1",
        log: str = "log",
        python: str | Path = JOB_ENVIRONMENT / "bin" / "python",
    ) -> "subprocess.Popen[bytes]":
        """Start the job; its output goes to the file named `log`."""
        program = self.root / "job.pyz"
        build(program)
        environment = {
            "PATH": f"{JOB_ENVIRONMENT / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.root),
            "TMPDIR": str(self.temporary),
            "BITBUCKET_GIT_URL": self.git_url or f"file://{self.root / 'origin'}",
            "BITBUCKET_API_URL": f"{self.git_url or 'http://127.0.0.1:1'}/2.0",
            **({} if arguments is None else {"ACME_RUN_ARGS": arguments}),
            **({"ACME_RUN_EXP": "1"} if experiment else {}),
            **self.environment,
        }
        options = {
            "workspace": "team",
            "repository": "parts",
            "branch": branch,
            "commit": commit or self.head,
            "run-id": run_id,
            "attempt": attempt,
        }
        pairs = [word for name, value in options.items() for word in (f"--{name}", value)]
        with (self.root / log).open("wb") as output:
            return subprocess.Popen(
                [python, program, *pairs],
                cwd=self.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def temporary(self) -> Path:
        folder = self.root / "tmp"
        folder.mkdir(exist_ok=True)
        return folder

    def finished(self, job: "subprocess.Popen[bytes]", log: str = "log") -> Finished:
        """Wait for a job; a job that hangs is ended."""
        try:
            job.wait(LIMIT_SECONDS)
        finally:
            job.kill()
            job.wait()
        return Finished(job.returncode, (self.root / log).read_text("utf-8"))

    def run(
        self,
        arguments: str | None = None,
        *,
        experiment: bool = False,
        branch: str = "main",
        commit: str | None = None,
        run_id: str = "run1",
        attempt: str = "1",
        python: str | Path = JOB_ENVIRONMENT / "bin" / "python",
    ) -> Finished:
        """Run a job to its end."""
        job = self.start(
            arguments,
            experiment=experiment,
            branch=branch,
            commit=commit,
            run_id=run_id,
            attempt=attempt,
            python=python,
        )
        return self.finished(job)


def git(directory: Path, *arguments: str) -> str:
    """The output of a git command as somebody else gives it."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=directory,
        env=_GIT_ENVIRONMENT,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=LIMIT_SECONDS,
    )
    return done.stdout.decode().strip()


class HttpHost(ThreadingHTTPServer):
    """Serves a folder of bare repositories to whoever knows the password."""

    def __init__(self, folder: Path, user: str, password: str) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.folder = folder
        self.authorization = basic(user, password)
        self.unavailable = 0
        """How many of the next requests are answered with 503."""
        self.consumer = ""
        """The Authorization header of the OAuth consumer that may ask for the password."""
        self.password = password
        self.comments: dict[str, list[str]] = {}
        """The texts of the comments on each commit."""
        self.comments_refused = False
        """Whether the credentials may not comment."""
        self.public: set[str] = set()
        """The paths of repositories that anybody may read, such as `/team/parts.git`."""
        self.large: dict[str, bytes] = {}
        """Objects of Git LFS, of all repositories, by their SHA-256."""
        self.large_at = ""
        """The address at which this host says that they are, if not its own."""
        self.heard: list[tuple[str, bool]] = []
        """The path of each request, and whether it held credentials, be they right or wrong."""

    def heard_a_login_for(self, repository: str) -> bool:
        """Whether a request of this repository (`team/parts`) came with credentials."""
        return any(shown for path, shown in self.heard if repository in path)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def served(folder: Path, user: str, password: str) -> Iterator[HttpHost]:
    """A host that listens until the end of the block."""
    with HttpHost(folder, user, password) as host:
        thread = threading.Thread(target=host.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield host
        finally:
            host.shutdown()
            thread.join()


def basic(user: str, password: str) -> str:
    """An Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class _Requests(BaseHTTPRequestHandler):
    server: HttpHost

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def do_PUT(self) -> None:
        self.do_POST()

    def _answer(self, body: bytes) -> None:
        self.server.heard.append((self.path, bool(self.headers["Authorization"])))
        if self.server.unavailable > 0:
            self.server.unavailable -= 1
            self._say(503)
        elif self.path == "/site/oauth2/access_token":
            granted = self.headers["Authorization"] == self.server.consumer
            self._say(200 if granted else 401, b'{"access_token": "%s"}' % self._password)
        elif self.path.startswith("/2.0/") and self._authorised_for_rest():
            self._rest(body)
        elif self.path.startswith("/large/"):  # whoever knows the hash was told it
            self._say(200, self.server.large[self.path.removeprefix("/large/")])
        elif self.headers["Authorization"] != self.server.authorization and not self._is_public():
            self._say(401)
        elif self.path.endswith("/info/lfs/objects/batch"):
            self._batch(json.loads(body))
        else:
            self._git(body)

    def _is_public(self) -> bool:
        return self.path.startswith(tuple(f"{path}/" for path in self.server.public))

    def _batch(self, asked: Any) -> None:
        """Where objects of Git LFS are, by its batch API."""
        at = self.server.large_at
        told = [
            {
                **one,
                "authenticated": not at,
                "actions": {"download": {"href": at or f"{self.server.url}/large/{one['oid']}"}},
            }
            for one in asked["objects"]
        ]
        answer = json.dumps({"transfer": "basic", "objects": told}).encode()
        self._say(200, answer, "application/vnd.git-lfs+json")

    def _authorised_for_rest(self) -> bool:
        """A token as it is, or that of somebody with an e-mail address."""
        given = self.headers["Authorization"] or ""
        known = (f"Bearer {self.server.password}", basic("someone@localhost", self.server.password))
        return given in known

    def _rest(self, body: bytes) -> None:
        """Comments, in the shape that the job reads; nothing else."""
        found = re.fullmatch(r".*/commit/([0-9a-f]+)/comments(?:/(\d+))?", self.path.split("?")[0])
        if not found or self.server.comments_refused:
            self._say(403 if found else 404)
            return
        comments = self.server.comments.setdefault(found[1], [])
        if self.command == "GET":
            values = [{"id": at, "content": {"raw": raw}} for at, raw in enumerate(comments)]
            self._say(200, json.dumps({"values": values}).encode())
            return
        raw = json.loads(body)["content"]["raw"]
        if found[2]:
            comments[int(found[2])] = raw
        else:
            comments.append(raw)
        self._say(201, b"{}")

    @property
    def _password(self) -> bytes:
        return self.server.password.encode()

    def _say(self, status: int, body: bytes = b"", form: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", form)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _git(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        environment = {
            **_GIT_ENVIRONMENT,
            "GIT_PROJECT_ROOT": str(self.server.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REMOTE_USER": "someone",
        }
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
            timeout=LIMIT_SECONDS,
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        status = next((value for name, value in headers if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
