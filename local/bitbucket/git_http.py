"""git over smart HTTP: `git http-backend` as a CGI program, streamed in both directions."""

import http.client
import io
import logging
import os
import shutil
import signal
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from local.bitbucket import access, protections
from local.bitbucket.answers import Refused
from local.bitbucket.git import ENVIRONMENT
from local.bitbucket.repositories import Repository
from local.bitbucket.site import Route, Site

log = logging.getLogger(__name__)

CHUNK = 64 * 1024  # bytes
END_WITHIN = 30.0  # seconds, for a backend that has said all it had to say
# Not CONTENT_LENGTH: given one, the http-backend of git 2.39 spins for ever where a body breaks off
# before it. Without, a body ends where its pipe does.
PASSED_ON = ("CONTENT_TYPE", "HTTP_CONTENT_ENCODING", "HTTP_GIT_PROTOCOL")
SERVICES = {"info/refs": "GET", "git-upload-pack": "POST", "git-receive-pack": "POST"}
# What a stand-in's repositories are configured with, beside git's own defaults.
CONFIGURATION = {
    "http.receivepack": "true",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "receive.autogc": "false",
    "safe.directory": "*",
}


def serve(site: Site, request: Request, *, workspace: str, slug: str, service: str) -> Response:
    """One step of a clone, fetch or push."""
    if SERVICES.get(service) != request.method:
        raise Refused(404, "Resource not found")
    repository = site.repositories.find(workspace, slug)
    note = site.push_notes / str(uuid.uuid4())
    environment = _cgi(site, request, repository, service)
    environment |= {"STAND_IN_PUSH": str(note)}
    backend = subprocess.Popen(
        ["git", "http-backend"],
        cwd=site.state,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,  # so that what it starts can be ended with it
    )
    upload = threading.Thread(target=_upload, args=(request, backend), daemon=True)
    upload.start()
    output = _reader(backend)
    headers = http.client.parse_headers(output)
    status = headers.get("Status", "200 OK")
    del headers["Status"]

    def body() -> Iterator[bytes]:
        try:
            while chunk := output.read1(CHUNK):
                yield chunk
        finally:
            _end(backend, upload)
            # Before the answer's end: when a push returns, its deliveries are stored.
            site.finish_push(note)

    return Response(body(), status, headers=headers.items())


def _cgi(site: Site, request: Request, repository: Repository, service: str) -> dict[str, str]:
    """The environment of the CGI program, and of the hooks that it runs."""
    configuration = {**CONFIGURATION, "core.hooksPath": str(site.git_hooks)}
    environment = {
        **ENVIRONMENT,
        "GIT_CONFIG_COUNT": str(len(configuration)),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROJECT_ROOT": str(site.repositories.root),
        "PATH_INFO": f"/{repository.full_name}.git/{service}",
        "QUERY_STRING": request.query_string.decode("ascii", "replace"),
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_USER": access.user(request),
        "REQUEST_METHOD": request.method,
        "STAND_IN_ACTOR": access.user(request),
        "STAND_IN_PROTECTED": "\n".join(
            protections.of_repository(site.database, repository.full_name)
        ),
        "STAND_IN_REPOSITORY": repository.full_name,
    }
    for number, (name, value) in enumerate(configuration.items()):
        environment[f"GIT_CONFIG_KEY_{number}"] = name
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    passed_on = {name: request.environ[name] for name in PASSED_ON if request.environ.get(name)}
    return environment | passed_on


def _upload(request: Request, backend: subprocess.Popen[bytes]) -> None:
    """Hand the request's body on; a body that breaks off ends the backend."""
    sink = backend.stdin
    if sink is None:
        raise AssertionError("the backend reads from a pipe")
    try:
        # A backend that has read all it wants closes its end, and answers.
        with suppress(BrokenPipeError), closing(sink):
            if request.method == "POST":
                shutil.copyfileobj(request.stream, sink, CHUNK)
    except (HTTPException, OSError) as trouble:
        log.warning("git: the request's body broke off: %s", type(trouble).__name__)
        _kill(backend)


def _end(backend: subprocess.Popen[bytes], upload: threading.Thread) -> None:
    """Wait for the backend, which ends with its output or soon after its reader went away."""
    _reader(backend).close()
    try:
        backend.wait(END_WITHIN)
    except subprocess.TimeoutExpired:
        log.warning("git http-backend did not end within %g s", END_WITHIN)
        _kill(backend)
        backend.wait()
    upload.join(END_WITHIN)


def _kill(backend: subprocess.Popen[bytes]) -> None:
    """End the backend and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(backend.pid, signal.SIGKILL)


def _reader(backend: subprocess.Popen[bytes]) -> io.BufferedReader:
    if not isinstance(backend.stdout, io.BufferedReader):
        raise TypeError("the backend writes to a buffered pipe")
    return backend.stdout


ROUTES = (
    Route("GET", "/<workspace>/<slug>.git/<path:service>", serve),
    Route("POST", "/<workspace>/<slug>.git/<path:service>", serve, largest_body=None),
)
