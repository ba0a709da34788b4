"""What is said when credentials are not enough names the scopes to add."""

import json
from collections.abc import Mapping

import pytest

from cli.project.bitbucket import Bitbucket, Refused
from cli.project.http import Answer
from cli.project.permissions import check
from shared.bitbucket import Credentials

API, GIT = "https://api.example.com/2.0", "https://git.example.com"
LACKS = "Your credentials lack one or more required privilege scopes."


def error(status: int, *required: str) -> Answer:
    told = {"message": LACKS, **({"detail": {"required": required}} if required else {})}
    return Answer(status, json.dumps({"type": "error", "error": told}).encode())


REPOSITORY = Answer(200, json.dumps({"full_name": "acme/churn", "uuid": "{1}"}).encode())


class Bitbucketish:
    """Answers by method and the end of the path; what is not told is fine."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = {"read": REPOSITORY, "absent": error(404), **answers}
        self.calls: list[tuple[str, str, str]] = []

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        self.calls.append((method, url, headers["Authorization"]))
        if url.startswith(GIT):
            kind = "push" if "receive-pack" in url else "oauth"
        elif method == "PUT":
            kind = "absent"
        else:
            kind = "hooks" if "/hooks" in url else "read"
        return self.answers.get(kind, Answer(200, b'{"values": [], "access_token": "given"}'))


def checked(answers: Bitbucketish, kind: str = "access_token") -> tuple[str, ...]:
    credentials = Credentials.model_validate({"kind": kind, "user": "someone", "token": "t0ken"})
    bitbucket = Bitbucket(answers, API, GIT, credentials)
    return check(bitbucket, bitbucket, "acme/churn").missing


@pytest.mark.parametrize("kind", ["access_token", "api_token", "oauth"])
def test_enough_is_enough_and_nothing_is_changed(kind: str) -> None:
    answers = Bitbucketish()

    assert checked(answers, kind) == ()
    changing = {(method, url) for method, url, _ in answers.calls if method in ("PUT", "DELETE")}
    nobody = f"{API}/repositories/acme/churn/hooks/{{00000000-0000-0000-0000-000000000000}}"
    assert changing == {("PUT", nobody)}


def test_each_kind_shows_itself_as_bitbucket_wants_it() -> None:
    shown = {}
    for kind in ("access_token", "api_token", "oauth"):
        answers = Bitbucketish()
        checked(answers, kind)
        shown[kind] = [authorization.split()[0] for _, _, authorization in answers.calls]

    assert shown["access_token"] == ["Bearer", "Basic", "Bearer", "Bearer"]
    assert shown["api_token"] == ["Basic"] * 4
    assert shown["oauth"] == ["Basic", "Bearer", "Basic", "Bearer", "Bearer"]


@pytest.mark.parametrize(
    ("refusals", "kind", "said"),
    [
        ({"read": error(404)}, "access_token", "there is no acme/churn, or"),
        ({"read": error(401)}, "access_token", "does not know the credentials"),
        ({"read": error(403)}, "access_token", "add the scope repository to"),
        ({"read": error(500)}, "access_token", "try again"),
        ({"push": error(403)}, "access_token", "write: add the scope repository:write"),
        ({"push": error(403)}, "api_token", "write: add the scope write:repository:bitbucket"),
        ({"hooks": error(403)}, "oauth", "webhooks: add the scope webhook to"),
        ({"absent": error(403, "webhook")}, "access_token", "webhooks: add the scope webhook"),
        (
            {"hooks": error(403)},
            "api_token",
            "add the scopes read:webhook:bitbucket, write:webhook:bitbucket, delete:webhook:bitb",
        ),
        ({"hooks": error(403, "x:y")}, "access_token", "add the scope x:y to the token, and its"),
        ({"oauth": error(400)}, "oauth", "does not know the credentials"),
        ({"hooks": Answer(403, b"<html>no</html>")}, "access_token", "add the scope webhook"),
    ],
)
def test_a_refusal_says_what_to_do(refusals: dict[str, Answer], kind: str, said: str) -> None:
    (missing,) = checked(Bitbucketish(**refusals), kind)

    assert said in missing
    assert "t0ken" not in missing


def test_everything_that_is_missing_is_said_at_once() -> None:
    missing = checked(Bitbucketish(push=error(403), hooks=error(403)))

    assert [one.partition(":")[0] for one in missing] == ["write", "webhooks"]


def test_a_next_page_elsewhere_is_no_end_and_is_not_asked_with_our_credentials() -> None:
    credentials = Credentials(kind="access_token", token="t0ken")
    page = json.dumps({"values": [], "next": "https://evil.example.com/2.0/x"}).encode()
    answers = Bitbucketish(hooks=Answer(200, page))

    with pytest.raises(Refused, match="a next page that is not below"):
        Bitbucket(answers, API, GIT, credentials).hooks("acme/churn")
    assert len(answers.calls) == 1


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b"[]", b""])
def test_an_answer_that_is_no_json_is_an_error(body: bytes) -> None:
    (missing,) = checked(Bitbucketish(read=Answer(200, body)))

    assert "Bitbucket answered 200, something that is no JSON" in missing


@pytest.mark.parametrize("token", ["", "leak\n", "leak\u00e9"])
def test_an_oauth_token_that_cannot_be_one_is_not_used_or_shown(token: str) -> None:
    granted = Answer(200, json.dumps({"access_token": token}).encode())
    (missing,) = checked(Bitbucketish(oauth=granted), "oauth")

    assert "holds no token" in missing
    assert "leak" not in missing
