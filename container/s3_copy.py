"""Copies files from and to S3. Runs apart, in a Python that has boto3.

    python -c SOURCE check                              # exit code 0 where there is boto3
    python -c SOURCE fetch s3://BUCKET/KEY DIRECTORY
    python -c SOURCE store PATH s3://BUCKET/KEY
    python -c SOURCE store-each PATH s3://BUCKET/KEY [PATH s3://BUCKET/KEY …]
    python -c SOURCE read s3://BUCKET/KEY [FIRST-LAST]

What goes in several parts, and how much at once, is the business of boto3's transfer manager. All
of it stands in this one file, since its text is what is handed to that Python.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

MARK = "copied: "
NO_BOTO3 = "this image has no boto3 (pip install boto3)"

_AT_ONCE = 10
_MAX_NAMED = 10
# Amazon S3 user guide, "General purpose bucket naming rules", with those of old buckets.
_URI = re.compile(r"s3://([A-Za-z0-9][A-Za-z0-9._-]{2,254})(?:/(.*))?", re.DOTALL)
# What a browser shows rather than saves. A report in Markdown is for reading too.
_TYPES = {
    ".json": "application/json",
    ".log": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_RIGHTS = {
    "fetch": "s3:ListBucket and s3:GetObject",
    "read": "s3:GetObject",
    "store": "s3:PutObject",
}
_DENIED = ("403", "AccessDenied", "AllAccessDisabled")
_MISSING = ("404", "NoSuchKey", "NotFound")
_PAST_THE_END = "InvalidRange"
_WRONG = ("ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch")


class Failed(Exception):
    """It cannot be done, for a reason that the message tells."""

    missing = False
    """Whether what was asked for is not there."""


def main(action: str, *words: str) -> None:
    """Print `MARK` and JSON: what the action says, or {"error": a sentence, "missing": truth}."""
    if action == "check":
        sys.exit(importlib.util.find_spec("boto3") is None)
    warnings.simplefilter("ignore")  # such as that boto3 will leave this Python behind some day
    signal.signal(signal.SIGTERM, _end)
    try:
        answer = _ACTIONS[action](*words)
    except Failed as failed:
        print(MARK + json.dumps({"error": str(failed), "missing": failed.missing}))
        sys.exit(1)
    print(MARK + json.dumps(answer))


def fetch(uri: str, directory: str) -> dict[str, Any]:
    """Bring an object or a tree: {"files": number, "bytes": number}."""
    with _explained("fetch", uri):
        return _fetch(uri, directory)


def store(source: str, uri: str) -> dict[str, Any]:
    """Put a file or a tree: {"files": number, "bytes": number}."""
    with _explained("store", uri):
        return _store(source, uri)


def store_each(*words: str) -> dict[str, Any]:
    """Put files, in order, whatever becomes of the others: {"each": [why not, or ""]}."""
    return {"each": [_refusal(source, uri) for source, uri in zip(words[::2], words[1::2])]}


def read(uri: str, part: str = "") -> dict[str, Any]:
    """What an object, or a part such as `0-99` of it, holds: {"text": UTF-8}."""
    bucket, key = split(uri)
    with _explained("read", uri):
        wanted = {"Range": f"bytes={part}"} if part else {}
        found = _client().get_object(Bucket=bucket, Key=key, **wanted)["Body"].read()
    return {"text": found.decode(errors="replace")}


def _refusal(source: str, uri: str) -> str:
    try:
        store(source, uri)
    except Failed as failed:
        return str(failed)
    return ""


def _fetch(uri: str, directory: str) -> dict[str, Any]:
    bucket, key = split(uri)
    client = _client()
    found = _wanted(client, bucket, key)
    target = Path(directory)
    target.mkdir(parents=True, exist_ok=True)
    # In there, since a rename does not cross the border of a file system.
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target) as apart:
        signal.signal(signal.SIGTERM, lambda *_: _give_up(apart))
        places = [(_place(Path(apart), below), _place(target, below)) for _, below, _ in found]
        with _transfers(client) as (manager, futures):
            for (name, _, _), (here, _) in zip(found, places):
                here.parent.mkdir(parents=True, exist_ok=True)
                futures.append(manager.download(bucket, name, str(here)))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # all is here: let it be seen as a whole
        for here, there in places:
            there.parent.mkdir(parents=True, exist_ok=True)
            here.replace(there)
    return {"files": len(found), "bytes": sum(size for _, _, size in found)}


def _store(source: str, uri: str) -> dict[str, Any]:
    bucket, key = split(uri)
    path = Path(source)
    if path.is_dir():
        folder = key if not key or key.endswith("/") else f"{key}/"
        files = [(file, folder + below) for below, file in tree(path)]
    elif path.is_file():
        files = [(path, key if key and not key.endswith("/") else key + path.name)]
    else:
        raise Failed(f"there is no file or directory {source}")
    client = _client()
    with _transfers(client) as (manager, futures):
        for file, name in files:
            kind = _TYPES.get(PurePosixPath(name).suffix.lower())
            extra = {"ContentType": kind} if kind else {}
            futures.append(manager.upload(str(file), bucket, name, extra_args=extra))
    return {"files": len(files), "bytes": sum(file.stat().st_size for file, _ in files)}


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an address.

    >>> split("s3://bucket/folder/"), split("s3://bucket")
    (('bucket', 'folder/'), ('bucket', ''))
    """
    found = _URI.fullmatch(uri)
    if found is None:
        raise Failed(f"{uri!r} is no address in S3: write s3://bucket/folder")
    return found[1], found[2] or ""


def tree(top: Path) -> Iterator[tuple[str, Path]]:
    """The files in a directory: the path below it, with slashes, and where the content is."""
    left: list[str] = []
    yield from _walk((_real(top),), "", left)
    if left:
        more = f" and {len(left) - _MAX_NAMED} more" if len(left) > _MAX_NAMED else ""
        named = ", ".join(map(ascii, left[:_MAX_NAMED]))
        print(f"not stored, since it is no file or lies elsewhere: {named}{more}", file=sys.stderr)


def _walk(way: tuple[Path, ...], below: str, left: list[str]) -> Iterator[tuple[str, Path]]:
    """As `tree`, for the last folder of the way from the top; `left` gets what has no place."""
    for entry in sorted(way[-1].iterdir()):
        name, real = below + entry.name, _real(entry)
        if way[0] not in real.parents or not _is_text(name):
            left.append(name)
        elif real.is_dir() and real not in way:
            yield from _walk((*way, real), f"{name}/", left)
        elif real.is_file():
            yield name, real
        else:  # a socket, a pipe, a link to nothing or back to where it came from
            left.append(name)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve fails on links that go round


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _wanted(client: Any, bucket: str, key: str) -> list[tuple[str, str, int]]:
    """The objects that an address means: key, path below the directory, bytes."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - the image's

    if key and not key.endswith("/"):
        try:
            size = client.head_object(Bucket=bucket, Key=key)["ContentLength"]
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MISSING:
                raise
            key += "/"
        else:
            return [(key, key.rpartition("/")[2], size)]
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    found = [one for page in pages for one in page.get("Contents", ())]
    if not found:
        raise Failed(f"there is nothing at s3://{bucket}/{key}")
    # A key that ends in a slash is how consoles remember a folder.
    files = [one for one in found if not one["Key"].endswith("/")]
    return [(one["Key"], one["Key"][len(key) :], one["Size"]) for one in files]


def _place(directory: Path, below: str) -> Path:
    """Where a key's content goes: somewhere below the directory, whatever the key says."""
    parts = below.split("/")
    place = directory.joinpath(*parts)
    if {"", ".", ".."} & set(parts) or _real(directory) not in (_real(place.parent) / "x").parents:
        raise Failed(f"the key {below!r} leads out of the directory")
    return place


def _client() -> Any:
    import boto3  # noqa: PLC0415 - the image's
    from botocore.config import Config  # noqa: PLC0415 - the image's

    config = Config(connect_timeout=10, read_timeout=60, max_pool_connections=_AT_ONCE)
    return boto3.client("s3", config=config)


@contextmanager
def _transfers(client: Any) -> Iterator[tuple[Any, list[Any]]]:
    """A transfer manager, and the list of what it is asked for; waits for all of it."""
    from s3transfer.manager import (  # noqa: PLC0415 - the image's
        TransferConfig,
        TransferManager,
    )

    futures: list[Any] = []
    with TransferManager(client, TransferConfig(max_request_concurrency=_AT_ONCE)) as manager:
        yield manager, futures
        for future in futures:
            future.result()


@contextmanager
def _explained(action: str, uri: str) -> Iterator[None]:
    """Say in a sentence what boto3 says with exceptions."""
    try:
        from botocore import exceptions as aws  # noqa: PLC0415 - the image's
        from s3transfer.exceptions import (  # noqa: PLC0415 - the image's
            RetriesExceededError,
        )
    except ImportError:
        raise Failed(NO_BOTO3) from None
    try:
        yield
    except aws.ClientError as error:
        code = str(error.response["Error"]["Code"])
        failed = Failed(_answer(code, action, uri))
        failed.missing = code in (*_MISSING, _PAST_THE_END)
        raise failed from error
    except (
        aws.NoCredentialsError,
        aws.PartialCredentialsError,
        aws.CredentialRetrievalError,
    ) as error:
        raise Failed("there are no AWS credentials: give the job definition a job role") from error
    except (aws.BotoCoreError, RetriesExceededError) as error:
        raise Failed(f"S3 cannot be reached ({type(error).__name__})") from error
    except OSError as error:
        raise Failed(f"{error.strerror}: {error.filename}") from error


def _answer(code: str, action: str, uri: str) -> str:
    bucket, _ = split(uri)
    if code == "NoSuchBucket":
        return f"there is no bucket {bucket}"
    if code in _DENIED:
        return f"access to {uri} is denied: the job's role needs {_RIGHTS[action]}"
    if code in _MISSING:
        return f"there is nothing at {uri}"
    if code == _PAST_THE_END:
        return f"{uri} ends before that part"
    if code in _WRONG:
        return f"AWS does not take the credentials ({code})"
    return f"S3 answered {code}"


def _give_up(apart: str) -> NoReturn:
    """End at once: a connection that is silent would be waited for, longer than there is time."""
    shutil.rmtree(apart, ignore_errors=True)
    os._exit(128 + signal.SIGTERM)


def _end(_signal: int, _frame: object) -> NoReturn:
    """End as soon as S3 has been told to forget the parts that it was sent."""
    sys.exit(128 + signal.SIGTERM)


_ACTIONS = {"fetch": fetch, "store": store, "store-each": store_each, "read": read}

if __name__ == "__main__":
    main(*sys.argv[1:])
