"""The Bitbucket stand-in's tokens with fewer rights, and its webhooks as the API describes them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from local.bitbucket.client import AnswerError, Client
from local.bitbucket.hook_events import HOOK_EVENTS
from tests.integration.bitbucket_stand_in import REPOSITORY, clone, commit, git, running
from tests.samples import payload

HOOKS = f"/2.0/repositories/{REPOSITORY}/hooks"
DESCRIPTION = payload("bitbucket_openapi/extract_swagger2_status_comment_report_download.json")
SUBSCRIPTION = DESCRIPTION["definitions"]["webhook_subscription"]["allOf"][1]["properties"]
SCOPED = {
    "reader": ["repository"],
    "writer": ["repository:write"],
    "hooker": ["repository:write", "webhook"],
    "granular": ["write:repository:bitbucket", "read:webhook:bitbucket"],
}


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running(tmp_path_factory.mktemp("stand-in") / "state") as client:
        for token, scopes in SCOPED.items():
            client.put_token(token, *scopes)
        yield client


def status(stand_in: Client, token: str, method: str, path: str) -> int:
    """What a token is answered."""
    with Client(int(stand_in.url.rpartition(":")[2]), token) as client:
        try:
            client.request(method, path, {} if method in ("POST", "PUT") else None)
        except AnswerError as error:
            return error.status
    return 200


PUSH = f"/{REPOSITORY}.git/info/refs?service=git-receive-pack"
FETCH = f"/{REPOSITORY}.git/info/refs?service=git-upload-pack"
READ = f"/2.0/repositories/{REPOSITORY}"


@pytest.mark.parametrize(
    ("token", "answers"),
    [
        ("reader", [200, 200, 403, 403, 403]),
        ("writer", [200, 200, 200, 403, 403]),
        ("hooker", [200, 200, 200, 200, 404]),
        ("granular", [403, 403, 200, 200, 403]),
        ("unknown", [401, 401, 401, 401, 401]),
    ],
)
def test_a_token_does_what_its_scopes_cover(
    stand_in: Client, token: str, answers: list[int]
) -> None:
    with Client(int(stand_in.url.rpartition(":")[2]), token) as client:
        statuses = [_git_status(client, token, path) for path in (FETCH, PUSH)]

    assert [
        status(stand_in, token, "GET", READ),
        *statuses,
        status(stand_in, token, "GET", HOOKS),
        status(stand_in, token, "PUT", f"{HOOKS}/{{absent}}"),
    ] == answers


def _git_status(client: Client, token: str, path: str) -> int:
    headers = urllib3.make_headers(basic_auth=f"x-token-auth:{token}")
    with urllib3.PoolManager(retries=False) as http:
        return http.request("GET", client.url + path, headers=headers, timeout=60).status


def test_a_refusal_names_the_scopes_as_bitbucket_does(stand_in: Client) -> None:
    with (
        Client(int(stand_in.url.rpartition(":")[2]), "reader") as client,
        pytest.raises(AnswerError) as caught,
    ):
        client.request("GET", HOOKS)

    assert json.loads(caught.value.body) == {
        "type": "error",
        "error": {
            "message": "Your credentials lack one or more required privilege scopes.",
            "detail": {"granted": ["repository"], "required": ["webhook"]},
        },
    }


def test_a_push_of_a_reader_is_refused_and_git_says_why(stand_in: Client, tmp_path: Path) -> None:
    work = clone(stand_in, tmp_path / "work")
    commit(work)
    refused = git(
        work, "push", stand_in.git_url(REPOSITORY).replace("token%2Fwith%2Bsigns", "reader"),
        "HEAD", check=False,
    )  # fmt: skip  # what runs, and how it is looked at

    assert refused.returncode != 0
    assert "403" in refused.stderr
    assert "privilege scopes" in refused.stderr


def test_a_token_of_few_rights_does_not_get_behind_the_scene(stand_in: Client) -> None:
    assert status(stand_in, "hooker", "GET", "/_control/faults") == 401


def test_a_revoked_token_does_nothing_any_more(stand_in: Client) -> None:
    stand_in.put_token("brief", "repository")
    before = status(stand_in, "brief", "GET", READ)
    stand_in.revoke_token("brief")

    assert (before, status(stand_in, "brief", "GET", READ)) == (200, 401)


@pytest.mark.parametrize("body", [{"token": "", "scopes": []}, {"token": "x", "scopes": ["all"]}])
def test_a_token_that_means_nothing_is_refused(stand_in: Client, body: dict[str, object]) -> None:
    with pytest.raises(AnswerError) as caught:
        stand_in.request("POST", "/_control/tokens", body)

    assert caught.value.status == 400


def test_webhooks_are_for_the_events_that_the_api_describes(stand_in: Client) -> None:
    assert set(SUBSCRIPTION["events"]["items"]["enum"]) == HOOK_EVENTS
    with pytest.raises(AnswerError, match="Not a valid event"):
        stand_in.request("POST", HOOKS, {"url": "https://x.example.com", "events": ["repo:pull"]})


def test_a_webhook_has_the_fields_that_the_api_describes_and_never_its_secret(
    stand_in: Client,
) -> None:
    made = stand_in.add_hook(REPOSITORY, "https://x.example.com/hook", "s3cret")
    path = f"{HOOKS}/{made['uuid']}"
    kept = stand_in.request("PUT", path, {**made, "active": False})
    removed = stand_in.request("PUT", path, {**made, "secret": None})

    assert set(SUBSCRIPTION) - {"secret"} <= set(made)
    assert "secret" not in made
    assert (made["secret_set"], kept["secret_set"], removed["secret_set"]) == (True, True, False)
