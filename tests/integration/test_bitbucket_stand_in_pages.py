"""What a person sees on the Bitbucket stand-in's pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from local.bitbucket.client import Client
from tests.integration.bitbucket_stand_in import REPOSITORY, clone, commit, push, running

EVIL = "<script>alert('x')</script>"


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[Client]:
    with running(tmp_path / "state") as client:
        yield client


@pytest.fixture
def sha(stand_in: Client, tmp_path: Path) -> str:
    """A commit with a status, a comment and a delivery, all of them trying to be HTML."""
    stand_in.add_hook(REPOSITORY, "http://127.0.0.1:9/x", None)
    work = clone(stand_in, tmp_path / "work")
    pushed = commit(work, f"Subject {EVIL}\n\n:ACME_RUN: {EVIL}\n", {f"{EVIL[:8]}.txt": "text"})
    push(work, "origin", "HEAD:main", "HEAD:x<b>'\"")
    at = f"/2.0/repositories/{REPOSITORY}/commit/{pushed}"
    for state, description in [("INPROGRESS", "running"), ("SUCCESSFUL", f"done {EVIL}")]:
        stand_in.request(
            "POST",
            f"{at}/statuses/build",
            {
                "key": "run-1",
                "state": state,
                "description": description,
                "name": f"DVC {EVIL}",
                "url": "https://example.com/?a=\"'><b>&c",
            },
        )
    stand_in.request(
        "POST", f"{at}/comments", {"content": {"raw": f"| a | b |\n|--|--|\n| {EVIL} | 2"}}
    )
    return pushed


def page(client: Client, path: str, **headers: str) -> tuple[int, str]:
    answer = urllib3.request("GET", client.url + path, headers=headers, timeout=60)
    return answer.status, answer.data.decode()


def test_the_first_page_lists_the_repositories(stand_in: Client, sha: str) -> None:
    status, html = page(stand_in, "/")

    assert status == 200
    assert f'href="/{REPOSITORY}/"' in html
    assert "SUCCESSFUL" in html


def test_a_repository_shows_its_commits_with_statuses_comments_and_deliveries(
    stand_in: Client, sha: str
) -> None:
    status, html = page(stand_in, f"/{REPOSITORY}/")

    assert status == 200
    assert f'href="/{REPOSITORY}/commits/{sha}"' in html
    assert "SUCCESSFUL" in html
    assert "<table><thead><tr><th>a</th><th>b</th></tr></thead>" in html
    assert "webhook repo:push" in html


def test_a_commits_page_shows_the_changes_and_every_write_of_a_status(
    stand_in: Client, sha: str
) -> None:
    status, html = page(stand_in, f"/{REPOSITORY}/commits/{sha}")

    assert status == 200
    assert "1 file changed" in html
    assert "<td>running</td>" in html


@pytest.mark.parametrize("path", ["/", f"/{REPOSITORY}/", f"/{REPOSITORY}/commits/main"])
def test_nothing_that_was_written_becomes_markup(stand_in: Client, sha: str, path: str) -> None:
    _, html = page(stand_in, path)

    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html


def test_an_empty_repository_has_a_page(stand_in: Client) -> None:
    status, html = page(stand_in, f"/{REPOSITORY}/")

    assert status == 200
    assert "Nothing was pushed yet" in html


def test_what_is_not_there_is_a_page_too(stand_in: Client) -> None:
    status, html = page(stand_in, f"/acme/{EVIL[:8]}/")

    assert status == 404
    assert html.startswith("<!DOCTYPE html>")
    assert "<script" not in html


def test_a_foreign_host_name_is_refused(stand_in: Client, sha: str) -> None:
    status, html = page(stand_in, f"/{REPOSITORY}/", Host="evil.example.com")

    assert status == 403
    assert sha not in html


def test_a_browser_finds_its_way_from_page_to_page_and_from_elsewhere(
    stand_in: Client, sha: str
) -> None:
    page_of_its_own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}
    link = page_of_its_own | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}

    for headers in (page_of_its_own, link):
        status, html = page(stand_in, f"/{REPOSITORY}/", **headers)
        assert status == 200
        assert sha in html
