"""Which requests reach what listens on loopback, and which are refused, by their headers alone."""

from collections.abc import Mapping

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from cli.local_env import HOST
from local.loopback import NAMES, FromHere

OWN: Mapping[str, str] = {"Host": "127.0.0.1:8080"}
FOREIGN_HOSTS = [
    *("evil.example", "evil.example:8080", "127.0.0.1.evil.example", "127.0.0.1,evil.example"),
    *("evil@127.0.0.1", "127.0.0.1:8080:80", "localhost.", "0.0.0.0:8080", "192.0.2.7", "[::2]"),
]
# How a browser says that somebody follows a link to a page.
A_LINK = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@Request.application
def at_work(_request: Request) -> Response:
    """Whatever is asked for is done."""
    return Response("done", 200)


def status(headers: Mapping[str, str], method: str = "POST", *, pages: bool = False) -> int:
    """What a request to 127.0.0.1 with some headers more, or others, is answered with."""
    client = Client(FromHere(at_work, names=["pages.example"], pages=pages))
    return client.open("/v1/submitjob", method=method, headers={**OWN, **headers}).status_code


@pytest.mark.parametrize("name", sorted(NAMES | {"pages.example"}))
@pytest.mark.parametrize("port", ["", ":8080"])
def test_a_program_reaches_it_by_each_name_of_this_machine(name: str, port: str) -> None:
    assert status({"Host": name + port}) == 200
    assert status({"Host": name.upper() + port}) == 200


def test_a_function_in_a_container_calls_this_machine_by_a_name_that_is_known() -> None:
    assert HOST in NAMES


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_name_that_was_made_to_lead_here_is_refused(host: str) -> None:
    assert status({"Host": host}) == 403
    assert status({"Host": host, "Sec-Fetch-Site": "same-origin"}, "GET", pages=True) == 403


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("pages", [False, True])
def test_a_page_of_another_site_is_refused(method: str, *, pages: bool) -> None:
    for site in ("cross-site", "same-site"):
        sent = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
        assert status(sent, method, pages=pages) == 403
    for origin in ("https://evil.example", "http://127.0.0.1:9090", "https://127.0.0.1", "null"):
        assert status({"Origin": origin}, method, pages=pages) == 403


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_its_own_pages_may_ask_for_anything(method: str) -> None:
    own = {"Origin": "http://127.0.0.1:8080"}

    assert status(own, method) == 200
    assert status({**own, "Sec-Fetch-Site": "same-origin"}, method) == 200
    # A page that lets no referrer be sent, as Bitbucket's here.
    assert status({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, method) == 200
    assert status({"Sec-Fetch-Site": "none", **A_LINK}, method) == 200


def test_a_link_elsewhere_leads_to_a_page_and_to_nothing_else() -> None:
    linked = {"Sec-Fetch-Site": "cross-site", **A_LINK}

    assert status(linked, "GET", pages=True) == 200
    assert status(linked, "GET") == 403
    assert status(linked, "POST", pages=True) == 403
    assert status({**linked, "Sec-Fetch-Dest": "iframe"}, "GET", pages=True) == 403


def test_a_refusal_says_why() -> None:
    client = Client(FromHere(at_work))
    by_host = client.post("/", headers={"Host": "evil.example"})
    by_page = client.post("/", headers={**OWN, "Origin": "https://evil.example"})

    assert "for host 'evil.example', and this machine is 127.0.0.1" in by_host.text
    assert "a page of another site" in by_page.text
    assert by_host.mimetype == by_page.mimetype == "text/plain"
