"""The endpoints of the embedded stack, asked as a page of another site would have them asked."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from werkzeug.wrappers import Request, Response

from local.serving import serving
from tests.contracts.wiring import PROJECT
from tests.integration.batch_endpoint import RunningEndpoint, started, wait_for
from tests.integration.bitbucket_stand_in import REPOSITORY, TOKEN, running

# What a page can send without asking first (Fetch standard, "CORS-safelisted request-header").
BY_A_PAGE = {"Content-Type": "text/plain", "Origin": "https://evil.example"}
BY_REBINDING = {"Content-Type": "text/plain", "Host": "evil.example"}


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEndpoint]:
    with started(tmp_path_factory.mktemp("batch")) as endpoint:
        endpoint.control("POST", "queues/queue", {"paused": True})
        endpoint.define(["true"])
        yield endpoint


def asked(url: str, headers: dict[str, str], body: bytes = b"", method: str = "POST") -> int:
    """The status that a request is answered with."""
    answer = urllib3.request(
        method, url, headers=headers, body=body, timeout=60, retries=False, redirect=False
    )
    return answer.status


@pytest.mark.parametrize("headers", [BY_A_PAGE, BY_REBINDING], ids=["page", "rebinding"])
def test_no_page_of_another_site_submits_a_job(
    batch: RunningEndpoint, headers: dict[str, str]
) -> None:
    job = {"jobQueue": "queue", "jobDefinition": "train"}
    url = f"{batch.url}/v1/submitjob"
    refused = asked(url, headers, json.dumps({"jobName": "theirs", **job}).encode())
    taken = asked(url, {}, json.dumps({"jobName": "ours", **job}).encode())

    assert (refused, taken) == (403, 200)
    waiting = {"jobQueue": "queue", "jobStatus": "RUNNABLE"}
    listed = wait_for(lambda: batch.batch.list_jobs(**waiting)["jobSummaryList"])
    assert {one["jobName"] for one in listed} == {"ours"}


@pytest.mark.parametrize("headers", [BY_A_PAGE, BY_REBINDING], ids=["page", "rebinding"])
def test_no_page_of_another_site_steers_an_endpoint(
    batch: RunningEndpoint, headers: dict[str, str]
) -> None:
    refused = asked(f"{batch.url}/_control/queues/queue", headers, b'{"paused": false}')

    assert refused == 403


@pytest.mark.parametrize("headers", [BY_A_PAGE, BY_REBINDING], ids=["page", "rebinding"])
@pytest.mark.parametrize(
    "path", ["/", f"/{REPOSITORY}/", "/2.0/repositories", "/_control/faults", "/site/oauth2"]
)
def test_no_page_of_another_site_asks_bitbucket_with_or_without_its_token(
    tmp_path: Path, headers: dict[str, str], path: str
) -> None:
    with running(tmp_path) as client:
        shown = {**headers, "Authorization": f"Bearer {TOKEN}"}

        assert asked(client.url + path, headers) == 403
        assert asked(client.url + path, shown) == 403
        assert asked(client.url + path, headers, method="GET") == 403


def test_everything_that_is_served_on_loopback_is_served_so() -> None:
    @Request.application
    def at_work(_request: Request) -> Response:
        return Response("done")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with serving(at_work, listener, port):
            url = f"http://127.0.0.1:{port}/"

            assert asked(url, {}) == 200
            assert asked(url, BY_A_PAGE) == 403
            assert asked(url, BY_REBINDING) == 403


def test_no_part_of_the_embedded_stack_serves_by_anything_else() -> None:
    servers = {
        file.relative_to(PROJECT).as_posix()
        for file in (PROJECT / "local").rglob("*.py")
        if any(word in file.read_text() for word in ("make_server", "WSGIServer", "HTTPServer"))
    }

    assert servers == {"local/serving.py", "local/bitbucket/server.py"}
