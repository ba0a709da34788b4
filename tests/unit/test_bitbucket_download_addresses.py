"""Which names a download may have, and which addresses of pictures are downloads."""

import pytest

from local.bitbucket.answers import Refused
from local.bitbucket.download_addresses import own_picture, page_address
from local.bitbucket.downloads import Download, accepted_name
from local.bitbucket.shapes import Addresses

ADDRESSES = Addresses(api="http://127.0.0.1:8080/2.0", pages="http://bitbucket.test:8080")
PATH = "/acme/my.repo/downloads/loss.png"


@pytest.mark.parametrize("name", ["loss.png", "two words #1 100%.svg", "имя.png", "é" * 127])
def test_a_name_that_a_file_can_have_is_accepted(name: str) -> None:
    assert accepted_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *(
            None,
            "",
            " ",
            ".",
            "..",
            "a/b",
            "../a",
            "a\\b",
            "a\nb",
            "a\x00b",
            "a\x7f",
            "\u202egnp.exe",
        ),
        *("\ud800", "x" * 256, "é" * 128),
    ],
)
def test_a_name_that_could_lead_elsewhere_is_refused(name: str | None) -> None:
    with pytest.raises(Refused) as caught:
        accepted_name(name)

    assert caught.value.status == 400


@pytest.mark.parametrize(
    "root",
    [
        *("http://bitbucket.test:8080", "http://127.0.0.1:8080", "http://localhost:8080"),
        "http://127.0.0.1:8080/2.0/repositories",
    ],
)
def test_a_download_is_known_by_each_of_its_addresses(root: str) -> None:
    assert own_picture(ADDRESSES, root + PATH) == PATH


@pytest.mark.parametrize(
    "url",
    [
        *(f"http://elsewhere.test:8080{PATH}", f"http://127.0.0.1:9090{PATH}"),
        *(f"https://127.0.0.1:8080{PATH}", f"http://127.0.0.1:8080@elsewhere.test{PATH}"),
        *("http://127.0.0.1:8080/acme/my.repo/", "http://127.0.0.1:8080/_control/faults"),
        *("http://127.0.0.1:x/", "http://[/"),
    ],
)
def test_any_other_address_is_not_a_download(url: str) -> None:
    assert own_picture(ADDRESSES, url) is None


def test_a_name_is_quoted_in_its_address() -> None:
    download = Download("acme/x", 'a "b" #1?.png', "", 0, "", "", 0)

    address = page_address(download, ADDRESSES)

    assert address == "http://bitbucket.test:8080/acme/x/downloads/a%20%22b%22%20%231%3F.png"
