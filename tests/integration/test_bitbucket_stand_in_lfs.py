"""Git LFS on the Bitbucket stand-in: the batch API, the objects, and a real `git lfs`."""

import hashlib
import json
import re
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import urllib3

from local.bitbucket.client import Client
from tests.integration.bitbucket_stand_in import (
    REPOSITORY,
    TOKEN,
    clone,
    commit,
    eventually,
    git,
    push,
    running,
)

LFS = f"/{REPOSITORY}.git/info/lfs"
CONTENT = b"weights of a model"
OID = hashlib.sha256(CONTENT).hexdigest()
POINTER = {"oid": OID, "size": len(CONTENT)}
TYPE = "application/vnd.git-lfs+json"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[Client]:
    with running(tmp_path / "state") as client:
        yield client


def ask(
    method: str, url: str, body: bytes = b"", headers: Mapping[str, str] = BEARER
) -> urllib3.BaseHTTPResponse:
    return urllib3.request(
        method,
        url,
        body=body,
        headers={"Accept": TYPE, "Content-Type": TYPE, **headers},
        timeout=60,
        retries=False,
    )


def batch(client: Client, operation: object, *objects: object, base: str = LFS) -> dict[str, Any]:
    """The answer to a batch request, which is 200 whatever is said of its objects."""
    sent = {"operation": operation, "transfers": ["lfs-standalone-file", "basic"]}
    body = json.dumps({**sent, "objects": list(objects)}).encode()
    answer = ask("POST", f"{client.url}{base}/objects/batch", body)
    assert (answer.status, answer.headers["Content-Type"]) == (200, TYPE), answer.data
    told: dict[str, Any] = json.loads(answer.data)
    return told


def put(client: Client, content: bytes = CONTENT) -> None:
    """Send an object as an LFS client does."""
    oid = hashlib.sha256(content).hexdigest()
    (told,) = batch(client, "upload", {"oid": oid, "size": len(content)})["objects"]
    assert ask("PUT", told["actions"]["upload"]["href"], content, headers={}).status == 200


def test_an_object_is_sent_verified_and_fetched_without_further_credentials(
    stand_in: Client,
) -> None:
    offered = batch(stand_in, "upload", POINTER)
    actions = offered["objects"][0]["actions"]
    stored = ask("PUT", actions["upload"]["href"], CONTENT, headers={})
    verified = ask("POST", actions["verify"]["href"], json.dumps(POINTER).encode(), headers={})
    found = batch(stand_in, "download", POINTER)
    fetched = ask("GET", found["objects"][0]["actions"]["download"]["href"], headers={})

    assert offered["transfer"] == found["transfer"] == "basic"
    assert (stored.status, verified.status) == (200, 200)
    assert (fetched.status, fetched.data) == (200, CONTENT)
    assert fetched.headers["Content-Type"] == "application/octet-stream"
    assert fetched.headers["Content-Length"] == str(len(CONTENT))


@pytest.mark.parametrize("base", [LFS, LFS.replace(".git/", "/")])
@pytest.mark.parametrize("kind", ["basic", "bearer"])
def test_batch_answers_with_and_without_git_in_its_address_to_both_kinds_of_credentials(
    stand_in: Client, base: str, kind: str
) -> None:
    basic = urllib3.make_headers(basic_auth=f"x-token-auth:{TOKEN}")
    body = json.dumps({"operation": "upload", "objects": [POINTER]}).encode()

    answer = ask(
        "POST",
        f"{stand_in.url}{base}/objects/batch",
        body,
        headers=basic if kind == "basic" else BEARER,
    )

    assert answer.status == 200
    assert "upload" in json.loads(answer.data)["objects"][0]["actions"]


def test_without_credentials_the_client_is_asked_for_them(stand_in: Client) -> None:
    answer = ask("POST", f"{stand_in.url}{LFS}/objects/batch", b"{}", headers={})

    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert answer.headers["Content-Type"] == TYPE
    assert json.loads(answer.data)["message"]


def test_an_object_that_is_here_needs_no_upload(stand_in: Client) -> None:
    put(stand_in)

    (told,) = batch(stand_in, "upload", POINTER)["objects"]

    assert told == POINTER


def test_each_object_has_an_answer_of_its_own(stand_in: Client) -> None:
    put(stand_in)

    here, unknown, wrong, odd = batch(
        stand_in, "download", POINTER, {"oid": "0" * 64, "size": 1}, {"oid": "../x", "size": 1}, 7
    )["objects"]

    assert "download" in here["actions"]
    assert (unknown["oid"], unknown["error"]["code"]) == ("0" * 64, 404)
    assert "actions" not in unknown
    assert wrong["error"]["code"] == odd["error"]["code"] == 422


@pytest.mark.parametrize(
    "sent",
    [
        {"operation": "steal", "objects": [POINTER]},
        {"operation": "upload", "objects": []},
        {"operation": "upload"},
        {"operation": "upload", "objects": [POINTER], "transfers": ["tus"]},
    ],
)
def test_a_batch_that_makes_no_sense_is_refused(stand_in: Client, sent: dict[str, object]) -> None:
    answer = ask("POST", f"{stand_in.url}{LFS}/objects/batch", json.dumps(sent).encode())

    assert answer.status == 422
    assert set(json.loads(answer.data)) == {"message"}


def test_bytes_of_another_oid_are_refused_and_not_kept(stand_in: Client, tmp_path: Path) -> None:
    (offered,) = batch(stand_in, "upload", POINTER)["objects"]

    refused = ask("PUT", offered["actions"]["upload"]["href"], b"other bytes", headers={})

    assert refused.status == 422
    assert batch(stand_in, "download", POINTER)["objects"][0]["error"]["code"] == 404
    assert [one for one in (tmp_path / "state/lfs").rglob("*") if one.is_file()] == []


def test_an_upload_that_breaks_off_leaves_nothing(stand_in: Client, tmp_path: Path) -> None:
    folder = tmp_path / "state/lfs"
    host, _, port = stand_in.url.removeprefix("http://").partition(":")
    request = (
        f"PUT {LFS}/objects/{OID} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Length: 100000\r\n\r\nthe beginning of something"
    )
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(request.encode())
        eventually(lambda: any(one.is_file() for one in folder.rglob("*")))

    eventually(lambda: not any(one.is_file() for one in folder.rglob("*")))
    assert batch(stand_in, "download", POINTER)["objects"][0]["error"]["code"] == 404


def test_a_verification_tells_what_is_not_here(stand_in: Client) -> None:
    (offered,) = batch(stand_in, "upload", POINTER)["objects"]
    actions = offered["actions"]
    body = json.dumps(POINTER).encode()
    missing = ask("POST", actions["verify"]["href"], body, headers={})
    ask("PUT", actions["upload"]["href"], CONTENT, headers={})
    wrong = json.dumps({**POINTER, "size": 1}).encode()

    assert missing.status == 404
    assert ask("POST", actions["verify"]["href"], wrong, headers={}).status == 422


def test_a_signed_address_is_good_for_its_method_its_object_and_its_time(stand_in: Client) -> None:
    put(stand_in)
    (found,) = batch(stand_in, "download", POINTER)["objects"]
    href = found["actions"]["download"]["href"]
    soon = str(int(time.time()) + 10_000)

    assert ask("GET", href, headers={}).status == 200
    assert ask("PUT", href, CONTENT, headers={}).status == 401
    assert ask("GET", href.replace(OID, "0" * 64), headers={}).status == 401
    assert ask("GET", re.sub(r"until=\d+", f"until={soon}", href), headers={}).status == 401
    assert ask("GET", href.partition("?")[0], headers={}).status == 401
    assert ask("GET", href.partition("?")[0]).status == 200  # with the token instead


def test_objects_outlive_a_restart_and_belong_to_their_repository(tmp_path: Path) -> None:
    with running(tmp_path / "state") as client:
        client.create_repository("acme/other")
        put(client)

    with running(tmp_path / "state") as client:
        (own,) = batch(client, "download", POINTER)["objects"]
        (other,) = batch(client, "download", POINTER, base="/acme/other.git/info/lfs")["objects"]

    assert "download" in own["actions"]
    assert other["error"]["code"] == 404


def test_an_unknown_repository_has_no_objects(stand_in: Client) -> None:
    answer = ask("POST", f"{stand_in.url}/acme/unknown.git/info/lfs/objects/batch", b"{}")

    assert answer.status == 404
    assert answer.headers["Content-Type"] == TYPE


@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git lfs is not installed")
@pytest.mark.parametrize("credentials", ["in the address", "in a header"])
def test_a_real_git_lfs_pushes_an_object_and_a_clone_has_it(
    stand_in: Client, tmp_path: Path, credentials: str
) -> None:
    # As `git lfs install` would configure them, but for these commands only.
    lfs = {
        "filter.lfs.clean": "git-lfs clean -- %f",
        "filter.lfs.smudge": "git-lfs smudge -- %f",
        "filter.lfs.process": "git-lfs filter-process",
        "filter.lfs.required": "true",
    }
    if credentials == "in a header":
        lfs["http.extraHeader"] = f"Authorization: Bearer {TOKEN}"
    environment = {"HOME": str(tmp_path), "GIT_CONFIG_COUNT": str(len(lfs))}
    for number, (name, value) in enumerate(lfs.items()):
        environment[f"GIT_CONFIG_KEY_{number}"] = name
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    address = (
        stand_in.plain_git_url(REPOSITORY)
        if credentials == "in a header"
        else stand_in.git_url(REPOSITORY)
    )
    content = bytes(range(256)) * 4_000
    work = tmp_path / "work"
    git(tmp_path, "clone", "--quiet", address, str(work), check=True, **environment)
    (work / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (work / "model.bin").write_bytes(content)
    git(work, "add", "--all", check=True, **environment)
    git(work, "commit", "--quiet", "-m", "a model", check=True, **environment)
    pushed = git(work, "lfs", "push", "origin", "HEAD", check=True, **environment)
    git(work, "push", "--quiet", "origin", "HEAD", check=True, **environment)
    again = tmp_path / "again"
    git(tmp_path, "clone", "--quiet", address, str(again), check=True, **environment)
    plain = clone(stand_in, tmp_path / "plain")

    assert "does not support" not in pushed.stderr
    assert (again / "model.bin").read_bytes() == content
    assert (plain / "model.bin").read_text().startswith("version https://git-lfs.github.com/spec/")


def test_a_repository_without_objects_pushes_as_before(stand_in: Client, tmp_path: Path) -> None:
    work = clone(stand_in, tmp_path / "work")
    commit(work, files={"a.txt": "text"})
    push(work, "origin", "HEAD")

    assert (clone(stand_in, tmp_path / "again") / "a.txt").exists()
