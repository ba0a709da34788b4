"""The job's calls to Bitbucket: how long it waits, and the form in which it sends a file."""

import email
import urllib.error
from email.message import Message
from email.policy import HTTP

import pytest

from container.bitbucket import Bitbucket, BitbucketUnavailable, _multipart
from container.credentials import Credentials
from container.oauth import OAuthUnavailable
from container.rest import NotNow, _retry_after

COMMIT = "c" * 40


class Clock:
    """A time that passes only in pauses."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def no_token() -> str:
    raise OAuthUnavailable("asking for an OAuth token: 503")


def bitbucket(clock: Clock, seconds: float) -> Bitbucket:
    return Bitbucket(
        "https://api.bitbucket.org/2.0",
        Credentials("oauth", "key", "secret"),
        no_token,
        "team",
        "parts",
        seconds=seconds,
        pause=clock.pause,
        clock=clock,
    )


def test_patience_grows_and_ends_after_the_seconds_that_were_given() -> None:
    clock = Clock()

    with pytest.raises(BitbucketUnavailable) as unavailable:
        bitbucket(clock, 45).comment(COMMIT, "marker", "a text with its marker")

    assert clock.pauses == [2, 8, 20, 15]
    assert str(unavailable.value) == "commenting: asking for an OAuth token: 503"


def test_a_text_without_its_marker_is_never_sent() -> None:
    with pytest.raises(ValueError, match="lacks its marker"):
        bitbucket(Clock(), 45).comment(COMMIT, "marker", "a text")


def asking(retry_after: str | None) -> urllib.error.HTTPError:
    headers = Message()
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    return urllib.error.HTTPError("http://localhost", 429, "Too many", headers, None)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("120", 120), (None, 0), ("soon", 0), ("-5", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)
def test_what_a_server_asks_for_is_seconds_or_nothing(
    retry_after: str | None, seconds: float
) -> None:
    assert _retry_after(asking(retry_after)) == seconds


def test_a_time_in_the_future_is_waited_for() -> None:
    a_day_to_come = "Fri, 31 Dec 9999 23:59:59 GMT"

    assert _retry_after(asking(a_day_to_come)) > 86_400


def test_a_server_that_asks_for_more_time_than_there_is_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    patient = bitbucket(clock, 60)

    def call(*_: object) -> bytes:
        raise NotNow("answered 429", 3600)

    monkeypatch.setattr(patient._rest, "call", call)

    with pytest.raises(BitbucketUnavailable, match="uploading a file: answered 429"):
        patient.upload("roc.png", b"", "image/png")
    assert clock.pauses == []


def test_a_file_is_sent_as_a_form_whatever_its_name_holds() -> None:
    body = _multipart("limit", 'é "a"\r\nX: y.png', b"\x89PNG\r\n--", "image/png")

    head = b'Content-Type: multipart/form-data; boundary="limit"\r\n\r\n'
    (part,) = email.message_from_bytes(head + body, policy=HTTP).iter_parts()
    assert part.get_content_type() == "image/png"
    assert part.get_payload(decode=True) == b"\x89PNG\r\n--"
    assert 'filename="é %22a%22%0D%0AX: y.png"\r\n'.encode() in body
