"""The client of Bitbucket's API against a server that answers as it is told to."""

import base64
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from shared.bitbucket import CredentialsRefused, NotFound, RepositoryHidden, UnexpectedAnswer
from shared.errors import Unavailable
from shared.events import Repository
from tests.integration.bitbucket_answers import (
    OAUTH,
    SECRET,
    STATUS,
    Caller,
    Server,
    answering,
    bearer,
)
from tests.samples import COMMIT

REPOSITORY_PATH = "/2.0/repositories/%7B%7D/%7B5a3c%7D"
PATH = f"{REPOSITORY_PATH}/commit/{COMMIT}/statuses/build"


@pytest.fixture
def server() -> Iterator[Server]:
    with answering() as server:
        yield server


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_a_status_is_posted_with_the_access_token(server: Server) -> None:
    bearer(server).post()

    ((path, headers, body),) = server.requests
    assert path == PATH
    assert headers["authorization"] == "Bearer t0k3n"
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == STATUS


def test_an_api_token_is_sent_with_its_users_mail(server: Server) -> None:
    Caller(server, kind="api_token", user="someone@example.com", token="t").post()

    assert server.authorizations == [basic("someone@example.com", "t")]


def test_the_secret_of_one_repository_wins(server: Server) -> None:
    caller = bearer(server)
    own = json.dumps({"kind": "access_token", "token": "own"})
    caller.store.texts[f"{SECRET}/churn-model"] = own
    caller.post()
    caller.post(Repository(uuid="{o}", full_name="team/other"))

    assert server.authorizations == ["Bearer own", "Bearer t0k3n"]


def test_a_repository_is_addressed_by_the_uuid_that_it_keeps_when_it_is_renamed_or_moved(
    server: Server,
) -> None:
    for uuid in ("{5A3C}", "5A3C"):
        bearer(server).post(Repository(uuid=uuid, full_name="no-team-any-more/old-name"))

    assert [path for path, _, _ in server.requests] == [PATH.replace("5a3c", "5A3C")] * 2


@pytest.mark.parametrize("uuid", ["", "{}"])
def test_a_repository_without_a_uuid_is_addressed_by_its_name(server: Server, uuid: str) -> None:
    bearer(server).post(Repository(uuid=uuid, full_name="team/churn-model"))

    assert server.requests[0][0].startswith("/2.0/repositories/team/churn-model/commit/")


def test_uuids_are_quoted_in_the_path(server: Server) -> None:
    bearer(server).post(Repository(uuid="{a/../b?c}", full_name="team/churn-model"))

    assert server.requests[0][0].startswith("/2.0/repositories/%7B%7D/%7Ba%2F..%2Fb%3Fc%7D/commit/")


def test_names_are_quoted_in_the_path(server: Server) -> None:
    bearer(server).post(Repository(uuid="", full_name="{te}am/sl?ug"), commit="a/../b#c")

    assert server.requests[0][0] == (
        "/2.0/repositories/%7Bte%7Dam/sl%3Fug/commit/a%2F..%2Fb%23c/statuses/build"
    )


def test_a_404_of_a_commit_asks_whether_its_repository_can_be_seen(server: Server) -> None:
    server.answers = [(404, {}, b"{}"), (200, {}, b"{}")]

    with pytest.raises(NotFound, match="posting build status: 404"):
        bearer(server).post()
    assert [path for path, _, _ in server.requests] == [PATH, REPOSITORY_PATH]


def test_a_404_of_the_repository_too_means_that_access_was_lost_or_the_repository(
    server: Server,
) -> None:
    server.answers = [(404, {}, b"{}")] * 2

    with pytest.raises(RepositoryHidden) as hidden:
        bearer(server).post()
    assert str(hidden.value) == (
        "posting build status: Bitbucket shows no repository team/churn-model to these "
        "credentials: they have lost access to it, or it was deleted"
    )


@pytest.mark.parametrize(
    ("code", "error"), [(401, CredentialsRefused), (403, CredentialsRefused), (503, Unavailable)]
)
def test_whether_a_repository_can_be_seen_may_be_unknown_for_now(
    server: Server, code: int, error: type[Exception]
) -> None:
    server.answers = [(404, {}, b"{}"), *[(code, {}, b"")] * 2]

    with pytest.raises(error, match=str(code)):
        bearer(server).post()


@pytest.mark.parametrize(
    ("header", "retry_after"),
    [({"Retry-After": "120"}, 120), ({}, None), ({"Retry-After": "Fri, 20 Nov 2026"}, None)],
)
@pytest.mark.parametrize("code", [429, 500, 503, 529])
def test_429_and_5xx_are_unavailable_for_as_long_as_bitbucket_says(
    server: Server, code: int, header: dict[str, str], retry_after: float | None
) -> None:
    server.answers = [(code, header, b"")]

    with pytest.raises(Unavailable, match=f"posting build status: {code}") as error:
        bearer(server).post()
    assert error.value.retry_after == retry_after
    assert len(server.requests) == 1


@pytest.mark.parametrize("header", [{}, {"Retry-After": "5"}])
@pytest.mark.parametrize("code", [502, 504])
def test_what_a_gateway_may_still_carry_out_is_repeated_after_a_minute(
    server: Server, code: int, header: dict[str, str]
) -> None:
    server.answers = [(code, header, b"")]

    with pytest.raises(Unavailable, match=str(code)) as error:
        bearer(server).post()
    assert error.value.retry_after == 60


def test_a_gateway_that_asks_for_more_patience_gets_it(server: Server) -> None:
    server.answers = [(502, {"Retry-After": "600"}, b"")]

    with pytest.raises(Unavailable) as error:
        bearer(server).post()
    assert error.value.retry_after == 600


@contextmanager
def hanging_up() -> Iterator[str]:
    """The URL of a server that hears one request and answers nothing."""

    def hang_up() -> None:
        connection, _ = silent.accept()
        with connection:
            connection.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as hearing:
        silent.settimeout(60)  # for one that nobody calls
        heard = hearing.submit(hang_up)
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"
        heard.result(timeout=60)


def test_a_status_that_is_not_answered_is_repeated_once_it_can_overtake_no_other(
    server: Server,
) -> None:
    with hanging_up() as server.url, pytest.raises(Unavailable, match="build status") as error:
        bearer(server).post()

    assert error.value.retry_after == 60


def test_a_question_that_is_not_answered_is_asked_again_as_soon_as_any(server: Server) -> None:
    with hanging_up() as server.url, pytest.raises(Unavailable, match="reading") as error:
        bearer(server).bitbucket.read("team/churn-model", "", "reading")

    assert error.value.retry_after is None


@pytest.mark.parametrize("code", [502, 504])
def test_a_question_that_a_gateway_kept_back_can_overtake_nothing(
    server: Server, code: int
) -> None:
    server.answers = [(code, {}, b"")]

    with pytest.raises(Unavailable, match=str(code)) as error:
        bearer(server).bitbucket.read("team/churn-model", "", "reading")
    assert error.value.retry_after is None


@pytest.mark.parametrize("code", [401, 403])
def test_refused_credentials_are_unavailable_and_told_apart(server: Server, code: int) -> None:
    server.answers = [(code, {}, b"{}")] * 2

    with pytest.raises(CredentialsRefused, match=str(code)):
        bearer(server).post()


def test_a_token_rotated_within_the_minute_works_at_once(server: Server) -> None:
    caller = bearer(server)
    caller.post()
    caller.store.texts[SECRET] = json.dumps({"kind": "access_token", "token": "new"})
    server.answers = [(401, {}, b"{}")]
    caller.post()

    assert server.authorizations == ["Bearer t0k3n", "Bearer t0k3n", "Bearer new"]


def test_400_is_a_bug_told_by_the_fields_that_bitbucket_complains_of(server: Server) -> None:
    fields = {"key": ["At most 40 characters: 'sent'"], "refname": "sent", "a sent\nname": []}
    error = {"message": "Bad request: sent", "detail": "sent", "fields": fields}
    server.answers = [(400, {}, json.dumps({"type": "error", "error": error}).encode())]

    with pytest.raises(UnexpectedAnswer) as refused:
        bearer(server).post()
    assert str(refused.value) == "posting build status: 400: it complains of key, refname"


@pytest.mark.parametrize(
    "text",
    [
        b"what was sent",
        b"",
        b"[" * 100_000,
        b'{"error": "sent"}',
        b'{"error": {"message": "sent"}}',
        b'{"error": {"message": "sent", "fields": {"sent twice": "sent"}}}',
        b'{"error": {"message": "sent", "fields": ["sent"]}}',
    ],
)
def test_a_refusal_quotes_nothing_that_may_repeat_what_was_sent(
    server: Server, text: bytes
) -> None:
    server.answers = [(400, {}, text)]

    with pytest.raises(UnexpectedAnswer) as refused:
        bearer(server).post()
    assert str(refused.value) == "posting build status: 400"
    assert refused.value.__cause__ is None


def test_a_redirect_is_not_followed_with_the_token(server: Server) -> None:
    server.answers = [(302, {"Location": f"{server.url}/elsewhere"}, b"")]

    with pytest.raises(ValueError, match="302"):
        bearer(server).post()
    assert len(server.requests) == 1


def test_a_bitbucket_that_is_not_there_is_unavailable(server: Server) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, and not listening
        server.url = f"http://127.0.0.1:{nobody.getsockname()[1]}"

        with pytest.raises(Unavailable, match="posting build status") as error:
            bearer(server).post()
    assert error.value.retry_after is None  # nothing was sent that could still be carried out


def oauth(server: Server) -> Caller:
    return Caller(server, kind="oauth", user="key", token="consumer-secret")


def test_an_oauth_consumer_gets_a_token_and_keeps_it_for_two_hours(server: Server) -> None:
    caller = oauth(server)
    caller.post()
    caller.clock.advance(7000)
    caller.post()
    caller.clock.advance(100)  # two minutes before it ends
    caller.post()

    assert server.authorizations == [f"Bearer granted-{n}" for n in (1, 1, 2)]
    path, headers, body = server.requests[0]
    assert (path, body) == (OAUTH, b"grant_type=client_credentials")
    assert headers["authorization"] == basic("key", "consumer-secret")


def test_an_oauth_token_that_bitbucket_has_revoked_is_asked_for_anew(server: Server) -> None:
    caller = oauth(server)
    caller.post()
    server.answers = [(401, {}, b"{}")]
    caller.post()

    assert server.authorizations[-1] == "Bearer granted-2"


@pytest.mark.parametrize("code", [400, 401, 403, 404])
def test_a_refused_oauth_consumer_is_no_commit_that_is_gone(server: Server, code: int) -> None:
    server.answers = [(code, {}, b"{}")]

    with pytest.raises(CredentialsRefused, match=f"asking for an OAuth token: {code}"):
        oauth(server).post()


def test_an_oauth_endpoint_that_is_away_is_unavailable(server: Server) -> None:
    server.answers = [(503, {"Retry-After": "5"}, b"")]

    with pytest.raises(Unavailable) as error:
        oauth(server).post()
    assert not isinstance(error.value, CredentialsRefused)


def test_a_secret_that_does_not_exist_is_told_by_its_name(server: Server) -> None:
    caller = bearer(server)
    caller.store.texts.clear()

    with pytest.raises(CredentialsRefused, match=f"there is no secret {SECRET}"):
        caller.post()
    assert server.requests == []


@pytest.mark.parametrize("granted", [b"<html>", b"[]", b'{"access_token": "leak\\n"}'])
def test_an_oauth_answer_without_a_token_is_unavailable(server: Server, granted: bytes) -> None:
    server.answers = [(200, {}, granted)]

    with pytest.raises(Unavailable, match="the answer holds no token") as error:
        oauth(server).post()
    assert error.value.__cause__ is None


@pytest.mark.parametrize(
    "written",
    [
        "the-token",
        '{"kind": "password", "token": "the-token"}',
        '{"kind": "access_token", "token": "the-token\\n"}',
        '{"kind": "access_token", "token": "the-token-é"}',
        '{"kind": "access_token", "token": ""}',
        '{"kind": "api_token", "token": "the-token"}',
        '{"kind": "oauth", "user": "", "token": "the-token"}',
    ],
)
def test_a_malformed_secret_is_told_without_its_content(server: Server, written: str) -> None:
    caller = bearer(server)
    caller.store.texts[SECRET] = written

    with pytest.raises(CredentialsRefused, match="is not JSON of the form") as error:
        caller.post()
    assert "the-token" not in str(error.value)
    assert error.value.__cause__ is None
    assert server.requests == []
