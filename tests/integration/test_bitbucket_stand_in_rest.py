"""The REST answers of the Bitbucket stand-in, against Bitbucket's published API description.

The description is an extract of https://api.bitbucket.org/swagger.json, as kept (MIT licence) in
https://github.com/MunifTanjim/node-bitbucket.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema
import pytest
import urllib3

from local.bitbucket.client import AnswerError, Client
from tests.integration.bitbucket_stand_in import REPOSITORY, TOKEN, clone, commit, push, running

DESCRIPTION = (
    Path(__file__).parents[1]
    / "payloads/bitbucket_openapi/extract_swagger2_status_comment_report_download.json"
)
DEFINITIONS = json.loads(DESCRIPTION.read_text())["definitions"]
HERE = f"/2.0/repositories/{REPOSITORY}"
STATUS = {"key": "run-1", "state": "INPROGRESS", "url": "https://console.aws.amazon.com/batch"}


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running(tmp_path_factory.mktemp("stand-in") / "state") as client:
        yield client
        client.clear_faults()


@pytest.fixture(scope="module")
def work(stand_in: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clone(stand_in, tmp_path_factory.mktemp("work") / "clone")


@pytest.fixture
def sha(work: Path) -> str:
    """A commit of the test's own."""
    pushed = commit(work, "for one test\n")
    push(work, "--force", "origin", "HEAD:main")
    return pushed


def follows(body: Mapping[str, object], definition: str) -> bool:
    """Whether an answer has the published shape; the validator says what is wrong if not."""
    schema = {"$ref": f"#/definitions/{definition}", "definitions": DEFINITIONS}
    jsonschema.Draft4Validator(schema).validate(body)
    return True


def refused(client: Client, method: str, path: str, body: Mapping[str, object]) -> AnswerError:
    """The error that answers a request."""
    with pytest.raises(AnswerError) as caught:
        client.request(method, path, body)
    return caught.value


def fields(error: AnswerError) -> dict[str, list[str]]:
    """The fields of a 400, after a look at the rest of its body."""
    assert error.status == 400
    body = json.loads(error.body)
    assert body["error"]["message"]
    found: dict[str, list[str]] = body["error"].pop("fields")
    assert follows(body, "error")
    return found


def plain(
    client: Client, method: str, path: str, body: bytes = b"", /, **headers: str
) -> urllib3.BaseHTTPResponse:
    """A request without the client's token."""
    return urllib3.request(
        method, client.url + path, body=body, headers=headers, timeout=60, redirect=False
    )


def test_a_status_is_created_changed_and_read_in_the_published_shape(
    stand_in: Client, sha: str
) -> None:
    at = f"{HERE}/commit/{sha}/statuses"
    sent = {**STATUS, "name": "DVC", "description": "requested", "refname": "feature/x"}
    created = stand_in.request("POST", f"{at}/build", sent)
    updated = stand_in.request(
        "PUT", f"{at}/build/run-1", {**STATUS, "state": "SUCCESSFUL", "description": "done"}
    )
    read = stand_in.request("GET", f"{at}/build/run-1")
    listed = stand_in.request("GET", at)

    assert follows(created, "commitstatus")
    assert follows(updated, "commitstatus")
    assert follows(listed, "paginated_commitstatuses")
    assert created.items() >= sent.items()
    assert read == updated == listed["values"][0]
    assert (read["state"], read["description"], read["name"]) == ("SUCCESSFUL", "done", "DVC")
    assert (read["refname"], read["uuid"]) == ("feature/x", created["uuid"])
    assert read["created_on"] == created["created_on"] < read["updated_on"]
    assert stand_in.request("GET", read["links"]["self"]["href"].removeprefix(stand_in.url)) == read


def test_a_second_post_of_a_key_takes_the_place_of_the_first(stand_in: Client, sha: str) -> None:
    at = f"{HERE}/commit/{sha}/statuses/build"
    stand_in.request("POST", at, {**STATUS, "description": "first"})
    stand_in.request("POST", at, {**STATUS, "state": "FAILED"})

    (status,) = stand_in.statuses(REPOSITORY, sha)

    assert (status["state"], status["description"]) == ("FAILED", "")


def test_the_history_of_a_status_keeps_every_accepted_write_in_order(
    stand_in: Client, sha: str
) -> None:
    at = f"{HERE}/commit/{sha}/statuses/build"
    for state, description in [("INPROGRESS", "1"), ("INPROGRESS", "2"), ("SUCCESSFUL", "3")]:
        stand_in.request("POST", at, {**STATUS, "state": state, "description": description})
    refused(stand_in, "POST", at, {**STATUS, "state": "PASSED"})

    (history,) = stand_in.status_history(REPOSITORY, sha)

    writes = history["writes"]
    assert (history["commit"], history["key"]) == (sha, "run-1")
    assert [(one["state"], one["description"]) for one in writes] == [
        ("INPROGRESS", "1"),
        ("INPROGRESS", "2"),
        ("SUCCESSFUL", "3"),
    ]
    assert [one["time"] for one in writes] == sorted(one["time"] for one in writes)


def test_a_key_of_48_characters_is_refused_in_bitbuckets_words(stand_in: Client, sha: str) -> None:
    at = f"{HERE}/commit/{sha}/statuses/build"

    error = refused(stand_in, "POST", at, {**STATUS, "key": "k" * 48})

    text = "Ensure this value has at most 40 characters (it has 48)."
    assert json.loads(error.body) == {
        "type": "error",
        "error": {"message": f"key: {text}", "fields": {"key": [text]}},
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", None),
        ("key", ""),
        ("key", 7),
        ("key", "k" * 41),
        ("state", None),
        ("state", "PASSED"),
        ("state", "successful"),
        ("url", None),
        ("url", "console.aws.amazon.com"),
        ("url", "http://localhost:8080/run"),
        ("url", "http://[::1]/run"),
        ("url", "ftp://example.com/"),
        ("url", "javascript:alert(1)"),
        ("url", "http://example.com/a b"),
        ("url", "http://example.com:port/"),
        ("url", "https://example.com/" + "x" * 431),
        ("name", "n" * 256),
        ("description", "d" * 256),
        ("description", "half a \ud800 pair"),
        ("description", ["a", "list"]),
    ],
)
def test_a_wrong_field_answers_400_with_bitbuckets_error_body(
    stand_in: Client, sha: str, name: str, value: object
) -> None:
    error = refused(
        stand_in, "POST", f"{HERE}/commit/{sha}/statuses/build", {**STATUS, name: value}
    )

    assert list(fields(error)) == [name]
    assert stand_in.statuses(REPOSITORY, sha) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", "k" * 40),
        ("url", "https://example.com/" + "x" * 430),
        ("url", "http://127.0.0.1:8080/acme/my.repo/commits/1"),
        ("url", "https://example.com/%7B1%7D#a/b?c"),
        ("name", "n" * 255),
        ("description", "d" * 255),
    ],
)
def test_a_field_at_its_limit_is_accepted(
    stand_in: Client, sha: str, name: str, value: str
) -> None:
    path = f"{HERE}/commit/{sha}/statuses/build"
    created = stand_in.request("POST", path, {**STATUS, name: value})

    assert created[name] == value


def test_every_wrong_field_is_named_at_once(stand_in: Client, sha: str) -> None:
    error = refused(stand_in, "POST", f"{HERE}/commit/{sha}/statuses/build", {"key": "k" * 41})

    assert sorted(fields(error)) == ["key", "state", "url"]


def test_an_update_cannot_change_the_key_and_needs_one_that_is_known(
    stand_in: Client, sha: str
) -> None:
    at = f"{HERE}/commit/{sha}/statuses/build"
    stand_in.request("POST", at, STATUS)

    changed = refused(stand_in, "PUT", f"{at}/run-1", {"key": "other"})
    unknown = refused(stand_in, "PUT", f"{at}/other", STATUS)

    assert list(fields(changed)) == ["key"]
    assert unknown.status == 404
    assert follows(json.loads(unknown.body), "error")


def test_a_key_with_odd_characters_is_found_again(stand_in: Client, sha: str) -> None:
    at = f"{HERE}/commit/{sha}/statuses/build"
    stand_in.request("POST", at, {**STATUS, "key": "a/b c#ü%2F"})

    assert stand_in.request("GET", f"{at}/{quote('a/b c#ü%2F', safe='')}")["key"] == "a/b c#ü%2F"


@pytest.mark.parametrize(
    "path",
    [
        f"{HERE}/commit/{'0' * 40}",
        f"{HERE}/commit/{'0' * 40}/statuses",
        f"{HERE}/commit/no-such-branch/comments",
        f"{HERE}/commit/main~1",
        f"{HERE}/commit/--all",
        f"{HERE}/commit/@%7B0%7D",
        f"{HERE}/hooks/%7B5d0a4c3e-6f2c-4d8e-9a58-2f9c1f6f2b7a%7D",
        "/2.0/repositories/acme/other",
        "/2.0/repositories/acme/other/commit/main/statuses",
        f"{HERE}/pipelines/",
        "/2.0/user",
        "/2.0//repositories",
    ],
)
def test_what_is_not_there_answers_404_in_bitbuckets_shape(
    stand_in: Client, sha: str, path: str
) -> None:
    with pytest.raises(AnswerError) as caught:
        stand_in.request("GET", path)

    assert caught.value.status == 404
    assert follows(json.loads(caught.value.body), "error")


@pytest.mark.parametrize("how", ["full", "short", "branch"])
def test_a_commit_is_found_by_its_hash_or_its_branch(stand_in: Client, sha: str, how: str) -> None:
    name = {"full": sha, "short": sha[:7], "branch": "main"}[how]

    found = stand_in.request("GET", f"{HERE}/commit/{name}")

    assert follows(found, "commit")
    assert (found["hash"], found["message"]) == (sha, "for one test\n")


def test_a_list_comes_in_pages(stand_in: Client, sha: str) -> None:
    at = f"{HERE}/commit/{sha}/statuses"
    for number in range(12):
        stand_in.request("POST", f"{at}/build", {**STATUS, "key": f"run-{number}"})

    first = stand_in.request("GET", at)
    second = stand_in.request("GET", first["next"].removeprefix(stand_in.url))
    newest = stand_in.request("GET", f"{at}?sort=-created_on&pagelen=1")

    assert follows(second, "paginated_commitstatuses")
    assert (first["page"], first["pagelen"], first["size"]) == (1, 10, 12)
    assert [one["key"] for one in first["values"] + second["values"]] == [
        f"run-{number}" for number in range(12)
    ]
    assert "next" not in second
    assert newest["values"][0]["key"] == "run-11"


@pytest.mark.parametrize(
    "query", ["pagelen=101", "pagelen=0", "page=x", "page=-1", "q=a", "sort=x"]
)
def test_a_page_that_cannot_be_is_refused(stand_in: Client, sha: str, query: str) -> None:
    with pytest.raises(AnswerError) as caught:
        stand_in.request("GET", f"{HERE}/commit/{sha}/statuses?{query}")

    assert caught.value.status == 400


def test_a_comment_is_created_changed_listed_and_deleted(stand_in: Client, sha: str) -> None:
    at = f"{HERE}/commit/{sha}/comments"
    created = stand_in.request("POST", at, {"content": {"raw": "**bold** <b>"}})
    answer = stand_in.request(
        "POST", at, {"content": {"raw": "answer"}, "parent": {"id": created["id"]}}
    )
    changed = stand_in.request("PUT", f"{at}/{created['id']}", {"content": {"raw": "new"}})
    listed = stand_in.request("GET", at)
    stand_in.request("DELETE", f"{at}/{created['id']}")
    stand_in.request("DELETE", f"{at}/{created['id']}")

    assert follows(created, "commit_comment")
    assert follows(changed, "commit_comment")
    assert follows(listed, "paginated_commit_comments")
    assert created["content"]["html"] == "<p><strong>bold</strong> &lt;b&gt;</p>"
    assert answer["parent"]["id"] == created["id"]
    assert [one["content"]["raw"] for one in listed["values"]] == ["new", "answer"]
    assert [one["id"] for one in stand_in.comments(REPOSITORY, sha)] == [answer["id"]]
    assert refused(stand_in, "PUT", f"{at}/{created['id']}", {}).status == 404


def test_a_comment_that_is_too_long_answers_400_in_html(stand_in: Client, sha: str) -> None:
    at = f"{HERE}/commit/{sha}/comments"
    stand_in.request("POST", at, {"content": {"raw": "x" * 32_768}})

    error = refused(stand_in, "POST", at, {"content": {"raw": "x" * 32_769}})

    assert error.status == 400
    assert error.body.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("sent", [{}, {"content": "text"}, {"content": {"raw": " "}}])
def test_a_comment_without_text_is_refused(
    stand_in: Client, sha: str, sent: dict[str, object]
) -> None:
    error = refused(stand_in, "POST", f"{HERE}/commit/{sha}/comments", sent)

    assert list(fields(error)) == ["content"]


def test_a_webhook_never_tells_its_secret(stand_in: Client) -> None:
    created = stand_in.add_hook(REPOSITORY, "http://127.0.0.1:9/x", "the secret")
    at = f"{HERE}/hooks/{quote(created['uuid'], safe='')}"
    moved = stand_in.request("PUT", at, {"url": "https://example.com/y"})
    bare = stand_in.request("PUT", at, {"secret": None})
    listed = stand_in.request("GET", f"{HERE}/hooks")
    stand_in.request("DELETE", at)

    assert follows(created, "webhook_subscription")
    assert follows(listed, "paginated_webhook_subscriptions")
    assert created["uuid"].startswith("{")
    assert (created["secret_set"], moved["secret_set"], bare["secret_set"]) == (True, True, False)
    assert moved["url"] == "https://example.com/y"
    assert "the secret" not in json.dumps([created, moved, bare, listed])
    assert stand_in.hooks(REPOSITORY) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url", None),
        ("url", "example.com"),
        ("events", None),
        ("events", []),
        ("events", [7]),
        ("active", "yes"),
        ("secret", "s" * 129),
    ],
)
def test_a_wrong_webhook_is_refused(stand_in: Client, name: str, value: object) -> None:
    sent = {"url": "https://example.com", "events": ["repo:push"], name: value}

    assert list(fields(refused(stand_in, "POST", f"{HERE}/hooks", sent))) == [name]


def test_a_repository_is_found_by_name_in_any_case_and_by_uuid(stand_in: Client) -> None:
    found = stand_in.request("GET", HERE)

    assert follows(found, "repository")
    assert found["full_name"] == REPOSITORY
    assert stand_in.request("GET", "/2.0/repositories/Acme/My.Repo") == found
    assert stand_in.request("GET", f"/2.0/repositories/%7B%7D/{quote(found['uuid'])}") == found
    assert [one["full_name"] for one in stand_in.values("/2.0/repositories/acme")] == [REPOSITORY]


@pytest.mark.parametrize("name", ["acme/my.repo", "acme/Upper", "acme/..", "acme/a.git", "a.b/c"])
def test_a_repository_whose_name_is_taken_or_wrong_is_not_created(
    stand_in: Client, name: str
) -> None:
    error = refused(stand_in, "POST", f"/2.0/repositories/{name}", {"scm": "git"})

    assert error.status in {400, 404}  # a client resolves `..` before it sends
    assert follows({**json.loads(error.body), "error": {"message": "x"}}, "error")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'"text"'])
def test_a_body_that_is_no_json_object_is_refused(stand_in: Client, sha: str, body: bytes) -> None:
    answer = plain(
        stand_in,
        "POST",
        f"{HERE}/commit/{sha}/statuses/build",
        body,
        Authorization=f"Bearer {TOKEN}",
    )

    assert answer.status == 400
    assert follows(answer.json(), "error")


@pytest.mark.parametrize(
    "path", [HERE, f"{HERE}/hooks", "/_control/faults", "/_control/deliveries"]
)
@pytest.mark.parametrize("shown", [None, "Bearer wrong", "Basic !!!", "Basic eDp5", "Digest a=b"])
def test_without_the_token_the_answer_is_401(
    stand_in: Client, path: str, shown: str | None
) -> None:
    headers = {} if shown is None else {"Authorization": shown}

    answer = plain(stand_in, "GET", path, b"", **headers)

    assert answer.status == 401
    assert "WWW-Authenticate" in answer.headers
    assert follows(answer.json(), "error")


def test_basic_authentication_with_an_email_and_the_token_is_enough(stand_in: Client) -> None:
    shown = base64.b64encode(f"someone@example.com:{TOKEN}".encode()).decode()

    assert plain(stand_in, "GET", HERE, Authorization=f"Basic {shown}").status == 200


@pytest.mark.parametrize(
    ("secret", "grant", "status"),
    [(TOKEN, "client_credentials", 200), ("wrong", "client_credentials", 401), (TOKEN, "x", 400)],
)
def test_client_credentials_give_a_token_for_two_hours(
    stand_in: Client, secret: str, grant: str, status: int
) -> None:
    shown = base64.b64encode(f"any-key:{secret}".encode()).decode()
    answer = plain(
        stand_in,
        "POST",
        "/site/oauth2/access_token",
        urlencode({"grant_type": grant}).encode(),
        Authorization=f"Basic {shown}",
        **{"Content-Type": "application/x-www-form-urlencoded"},
    )

    body: dict[str, Any] = answer.json()
    assert answer.status == status
    assert ("error" in body) == (status != 200)
    if status == 200:
        assert body == {"access_token": TOKEN, "expires_in": 7200, "token_type": "bearer"}


def test_a_429_has_bitbuckets_text_and_ends_after_its_count(stand_in: Client, sha: str) -> None:
    fault = stand_in.add_fault(status=429, count=2, retry_after=7, method="POST")
    at = f"{HERE}/commit/{sha}/statuses/build"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    body = json.dumps(STATUS).encode()

    read = plain(stand_in, "GET", HERE, b"", **headers)
    answers = [plain(stand_in, "POST", at, body, **headers) for _ in range(3)]

    assert read.status == 200
    assert [answer.status for answer in answers] == [429, 429, 201]
    assert answers[0].data == b"Rate limit for this resource has been exceeded"
    assert answers[0].headers["Retry-After"] == "7"
    (shown,) = [one for one in stand_in.faults() if one["id"] == fault["id"]]
    assert (shown["injected"], shown["in_force"]) == (2, False)


def test_a_fault_can_come_after_the_work_is_done(stand_in: Client, sha: str) -> None:
    stand_in.add_fault(status=503, count=1, after=True)
    error = refused(stand_in, "POST", f"{HERE}/commit/{sha}/statuses/build", STATUS)

    assert error.status == 503
    assert [one["key"] for one in stand_in.statuses(REPOSITORY, sha)] == ["run-1"]


def test_a_fault_lasts_until_it_is_cleared_and_leaves_git_alone(
    stand_in: Client, work: Path
) -> None:
    stand_in.add_fault(status=500)
    broken = refused(stand_in, "GET", HERE, {}).status
    push(work, "--force", "origin", "HEAD:refs/heads/during-a-fault")
    stand_in.clear_faults()

    assert broken == 500
    assert stand_in.request("GET", HERE)["full_name"] == REPOSITORY


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"status": 200},
        {"status": "429"},
        {"status": 429, "count": 0},
        {"status": 429, "seconds": -1},
        {"status": 429, "sometimes": True},
    ],
)
def test_a_fault_that_means_nothing_is_refused(stand_in: Client, fault: dict[str, object]) -> None:
    with pytest.raises(AnswerError) as caught:
        stand_in.add_fault(**fault)

    assert caught.value.status == 400
    assert not any(one["in_force"] for one in stand_in.faults())
