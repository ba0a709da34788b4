"""The instance metadata service, as a job asks it, and the line that a report shows."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from container.instance import Instance, look_up
from container.machine import describe

TOKEN = "AQAEA-token"
ANSWERS = {
    "/latest/dynamic/instance-identity/document": (
        '{"instanceType": "g5.xlarge", "region": "eu-west-1", "accountId": "123456789012"}'
    ),
    "/latest/meta-data/instance-life-cycle": "spot",
}


class Metadata(BaseHTTPRequestHandler):
    """Version 2 of the service: a token first, then answers to whoever shows it."""

    silent: threading.Event | None = None

    def do_PUT(self) -> None:
        if self.silent:
            self.silent.wait(120)  # nobody is answered before somebody has given up
        wanted = self.path == "/latest/api/token"
        lasting = self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
        self._say(200 if wanted and lasting else 400, TOKEN)

    def do_GET(self) -> None:
        if self.headers["X-aws-ec2-metadata-token"] != TOKEN:
            self._say(401, "")
        else:
            self._say(200 if self.path in ANSWERS else 404, ANSWERS.get(self.path, ""))

    def _say(self, status: int, text: str) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())
        except OSError:
            pass  # nobody waits any more

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[dict[str, str]]:
    """The environment in which the service is found."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield {"AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{server.server_port}/"}
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that answers is waited for, however busy the machine is."""
    monkeypatch.setattr("container.instance._TIMEOUT_SECONDS", 60)
    monkeypatch.setattr("container.machine._GPU_SECONDS", 60)


@pytest.mark.usefixtures("patient")
def test_an_instance_is_known_by_its_metadata() -> None:
    with listening(Metadata) as environment:
        found = look_up(environment)

    assert found == Instance("g5.xlarge", "spot", "eu-west-1")


@pytest.mark.usefixtures("patient")
def test_a_report_names_the_instance_and_the_gpus_that_the_driver_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver(tmp_path, monkeypatch, "printf 'NVIDIA A10G\\nNVIDIA A10G\\n'")
    with listening(Metadata) as environment:
        line = describe(environment)

    assert line.startswith("g5.xlarge (spot) in eu-west-1, ")
    assert line.endswith(" of memory, 2 x NVIDIA A10G")


@pytest.mark.parametrize("script", ["echo NVIDIA-SMI has failed; exit 9", "kill -9 $$"])
def test_a_driver_that_fails_is_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    driver(tmp_path, monkeypatch, script)

    assert "NVIDIA" not in describe({"AWS_EC2_METADATA_DISABLED": "true"})


def driver(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let `nvidia-smi` be this script."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_a_service_that_is_silent_is_not_waited_for() -> None:
    class Silent(Metadata):
        silent = threading.Event()

    with listening(Silent) as environment:
        began = time.monotonic()
        found = look_up(environment)
        took = time.monotonic() - began
        Silent.silent.set()

    assert found is None
    assert took < 60


def test_a_machine_without_the_service_or_with_another_one_is_no_instance() -> None:
    with listening(BaseHTTPRequestHandler) as environment:
        assert look_up(environment) is None
    assert look_up(environment) is None


def test_the_service_is_not_asked_where_the_environment_forbids_it() -> None:
    with listening(Metadata) as environment:
        assert look_up({**environment, "AWS_EC2_METADATA_DISABLED": "true"}) is None


def test_what_the_machine_has_noted_beside_the_program_needs_nobody_to_ask(tmp_path: Path) -> None:
    note = tmp_path / "machine.json"
    note.write_text('{"instanceType": "g5.xlarge", "region": "eu-west-1", "lifeCycle": "spot"}\n')

    assert look_up({"AWS_EC2_METADATA_DISABLED": "true"}, note) == Instance(
        "g5.xlarge", "spot", "eu-west-1"
    )


@pytest.mark.parametrize("text", ["", "[]", '{"instanceType": "g5.xlarge"}', "{"])
def test_a_note_that_says_nothing_is_as_none(tmp_path: Path, text: str) -> None:
    note = tmp_path / "machine.json"
    note.write_text(text)

    assert look_up({"AWS_EC2_METADATA_DISABLED": "true"}, note) is None
