"""Downloads of the Bitbucket stand-in: uploaded, told of, served, shown in comments."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
import urllib3

from local.bitbucket.client import AnswerError, Client
from local.bitbucket.rest_downloads import LARGEST_UPLOAD
from tests.integration.bitbucket_stand_in import REPOSITORY, TOKEN, clone, commit, push, running

DOWNLOADS = f"/2.0/repositories/{REPOSITORY}/downloads"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PNG = b"\x89PNG\r\n\x1a\n and more"


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[Client]:
    with running(tmp_path / "state") as client:
        yield client


def ask(
    client: Client, method: str, path: str, /, headers: dict[str, str] | None = None
) -> urllib3.BaseHTTPResponse:
    """A request that follows no redirect, with the token unless other headers are given."""
    return urllib3.request(
        method,
        client.url + path,
        headers=BEARER if headers is None else headers,
        redirect=False,
        timeout=60,
    )


def upload(
    client: Client, files: dict[str, bytes], field: str = "files"
) -> urllib3.BaseHTTPResponse:
    return urllib3.request(
        "POST",
        client.url + DOWNLOADS,
        fields=[(field, (name, content)) for name, content in files.items()],
        headers=urllib3.make_headers(basic_auth=f"someone:{TOKEN}"),
        timeout=60,
        retries=False,
    )


def test_an_uploaded_file_is_listed_redirected_to_and_served(stand_in: Client) -> None:
    uploaded = upload(stand_in, {"loss.png": PNG})
    (told,) = stand_in.downloads(REPOSITORY)
    led = ask(stand_in, "GET", f"{DOWNLOADS}/loss.png")
    served = urllib3.request("GET", led.headers["Location"], timeout=60)

    assert (uploaded.status, uploaded.data) == (201, b"")
    assert (told["name"], told["size"], told["downloads"]) == ("loss.png", len(PNG), 0)
    assert told["user"]["display_name"] == "someone"
    assert told["links"]["self"]["href"] == f"{stand_in.url}{DOWNLOADS}/loss.png"
    assert told["created_on"].endswith("+00:00")
    assert led.status == 302
    assert led.headers["Location"] == f"{stand_in.url}/{REPOSITORY}/downloads/loss.png"
    assert (served.status, served.data) == (200, PNG)
    assert stand_in.downloads(REPOSITORY)[0]["downloads"] == 1


def test_several_files_of_one_request_are_all_stored(stand_in: Client) -> None:
    answer = upload(stand_in, {"a.png": PNG, "b.svg": b"<svg/>", "two words #1.txt": b""})

    assert answer.status == 201
    assert {one["name"]: one["size"] for one in stand_in.downloads(REPOSITORY)} == {
        "a.png": len(PNG),
        "b.svg": 6,
        "two words #1.txt": 0,
    }
    assert stand_in.download(REPOSITORY, "two words #1.txt") == b""


def test_a_name_that_is_taken_passes_to_the_new_file(stand_in: Client, tmp_path: Path) -> None:
    upload(stand_in, {"loss.png": b"old"})
    stand_in.download(REPOSITORY, "loss.png")
    upload(stand_in, {"loss.png": PNG})

    (told,) = stand_in.downloads(REPOSITORY)

    assert stand_in.download(REPOSITORY, "loss.png") == PNG
    assert (told["size"], told["downloads"]) == (len(PNG), 0)
    assert len(list((tmp_path / "state/downloads").iterdir())) == 1


def test_a_deleted_download_is_gone(stand_in: Client, tmp_path: Path) -> None:
    upload(stand_in, {"loss.png": PNG})

    first = ask(stand_in, "DELETE", f"{DOWNLOADS}/loss.png")
    again = ask(stand_in, "DELETE", f"{DOWNLOADS}/loss.png")

    assert (first.status, first.data) == (204, b"")
    assert again.status == 404
    assert json.loads(again.data)["error"]["message"] == "Download loss.png not found"
    assert ask(stand_in, "GET", f"{DOWNLOADS}/loss.png").status == 404
    assert ask(stand_in, "GET", f"/{REPOSITORY}/downloads/loss.png").status == 404
    assert list((tmp_path / "state/downloads").iterdir()) == []


def test_downloads_outlive_a_restart(tmp_path: Path) -> None:
    with running(tmp_path / "state") as client:
        upload(client, {"loss.png": PNG})

    with running(tmp_path / "state") as client:
        found = client.download(REPOSITORY, "loss.png")

    assert found == PNG


def test_a_list_has_pages(stand_in: Client) -> None:
    upload(stand_in, {f"{number:02}.txt": b"x" for number in range(12)})

    first = stand_in.request("GET", DOWNLOADS)
    everything = stand_in.values(DOWNLOADS)

    assert (first["size"], first["pagelen"], len(first["values"])) == (12, 10, 10)
    assert len({one["name"] for one in everything}) == 12


@pytest.mark.parametrize(
    ("name", "content_type", "attached"),
    [
        ("a.png", "image/png", False),
        ("a.SVG", "image/svg+xml", False),
        ("a.jpg", "image/jpeg", False),
        ("a.jpeg", "image/jpeg", False),
        ("a.html", "application/octet-stream", True),
        ("имя", "application/octet-stream", True),
    ],
)
def test_only_pictures_are_shown_in_place(
    stand_in: Client, name: str, content_type: str, attached: bool
) -> None:
    upload(stand_in, {name: b"<script>alert(1)</script>"})

    led = ask(stand_in, "GET", f"{DOWNLOADS}/{name}")
    served = urllib3.request("GET", led.headers["Location"], timeout=60)

    assert served.headers["Content-Type"] == content_type
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in served.headers["Content-Security-Policy"]
    assert served.headers.get("Content-Disposition", "").startswith("attachment") is attached


def test_a_browser_that_has_the_picture_is_not_sent_it_again(stand_in: Client) -> None:
    at = f"/{REPOSITORY}/downloads/loss.png"
    upload(stand_in, {"loss.png": PNG})
    tag = ask(stand_in, "GET", at, headers={}).headers["ETag"]

    again = ask(stand_in, "GET", at, headers={"If-None-Match": tag})
    upload(stand_in, {"loss.png": b"new"})
    replaced = ask(stand_in, "GET", at, headers={"If-None-Match": tag})

    assert (again.status, again.data) == (304, b"")
    assert (replaced.status, replaced.data) == (200, b"new")


@pytest.mark.parametrize("name", ["a/b.png", "..", "a\\\\b", "x" * 256, "a\x07b", ""])
def test_a_name_that_could_lead_elsewhere_is_refused_and_nothing_stored(
    stand_in: Client, name: str
) -> None:
    answer = upload(stand_in, {"good.png": PNG, name: PNG})

    assert answer.status == 400
    assert json.loads(answer.data)["type"] == "error"
    assert stand_in.downloads(REPOSITORY) == []


def test_an_upload_without_files_is_refused(stand_in: Client) -> None:
    with pytest.raises(AnswerError) as of_json:
        stand_in.request("POST", DOWNLOADS, {"files": "x"})

    assert of_json.value.status == 406
    assert upload(stand_in, {"loss.png": PNG}, field="file").status == 400


def test_a_request_above_the_limit_is_refused(stand_in: Client) -> None:
    host = stand_in.url.removeprefix("http://")
    connection = HTTPConnection(host, timeout=60)
    connection.putrequest("POST", DOWNLOADS)
    connection.putheader("Content-Type", "multipart/form-data; boundary=x")
    connection.putheader("Content-Length", str(LARGEST_UPLOAD + 1))
    connection.putheader("Authorization", f"Bearer {TOKEN}")
    connection.endheaders()
    answer = connection.getresponse()
    status = answer.status
    answer.read()
    connection.close()

    assert status == 413


def test_twenty_megabytes_come_back_whole(stand_in: Client) -> None:
    content = bytes(range(256)) * 80_000
    upload(stand_in, {"large.bin": content})

    assert stand_in.download(REPOSITORY, "large.bin") == content


def test_the_api_asks_for_the_token_and_the_page_for_its_own_host(stand_in: Client) -> None:
    upload(stand_in, {"loss.png": PNG})
    page = f"/{REPOSITORY}/downloads/loss.png"

    assert ask(stand_in, "GET", DOWNLOADS, headers={}).status == 401
    assert ask(stand_in, "DELETE", f"{DOWNLOADS}/loss.png", headers={}).status == 401
    assert ask(stand_in, "GET", page, headers={"Host": "evil.example.com"}).status == 403


@pytest.mark.parametrize("status", [403, 404])
def test_a_fault_switches_the_downloads_of_one_repository_off(
    stand_in: Client, status: int
) -> None:
    stand_in.create_repository("acme/other")
    stand_in.add_fault(status=status, path_prefix=DOWNLOADS)

    refused = upload(stand_in, {"loss.png": PNG})
    others = stand_in.downloads("acme/other")
    stand_in.clear_faults()

    assert refused.status == status
    assert others == []
    assert stand_in.downloads(REPOSITORY) == []
    assert upload(stand_in, {"loss.png": PNG}).status == 201


def test_a_comments_picture_is_shown_if_it_is_a_download(stand_in: Client, tmp_path: Path) -> None:
    upload(stand_in, {"loss.png": PNG})
    work = clone(stand_in, tmp_path / "work")
    sha = commit(work)
    push(work, "origin", "HEAD")
    own = f"{stand_in.url}/{REPOSITORY}/downloads/loss.png"
    text = f'![loss]({own} "per epoch")\n![no](https://elsewhere.example/x.png)'
    stand_in.request(
        "POST",
        f"/2.0/repositories/{REPOSITORY}/commit/{sha}/comments",
        {"content": {"raw": text}},
    )

    page = ask(stand_in, "GET", f"/{REPOSITORY}/commits/{sha}", headers={})

    html = page.data.decode()
    assert f'<img src="/{REPOSITORY}/downloads/loss.png" alt="loss" title="per epoch">' in html
    assert '<a href="https://elsewhere.example/x.png" rel="noreferrer">no</a>' in html
    assert html.count("<img") == 1
    assert "img-src 'self'" in page.headers["Content-Security-Policy"]
