"""What the options of `remote` take, and what is wrong with anything else: before AWS is asked."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import click

from cli.remote.options import DEFAULT_PREFIX
from shared import machine_tags

_USER: Final = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
_MODULE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*)*")
_IMAGE: Final = re.compile(r"[A-Za-z0-9][^\s]*")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# What is posted to this machine cannot be read on its way.
HERE: Final = ("127.0.0.1", "localhost", "::1")
# EC2's ("Tag your Amazon EC2 resources"); ours take their places among them.
_MAX_KEY: Final = 128
_MAX_VALUE: Final = 256
_MAX_TAGS: Final = 40


def tags(words: Sequence[str]) -> dict[str, str]:
    """Tags, several times K=V,K=V.

    >>> tags(["Project=churn,Stage=try", "Owner=someone@example.com"])
    {'Project': 'churn', 'Stage': 'try', 'Owner': 'someone@example.com'}
    """
    found: dict[str, str] = {}
    for part in (part for word in words for part in word.split(",")):
        key, equals, value = (text.strip() for text in part.partition("="))
        if not equals or not key:
            message = f"{part!r}: write K=V, several with commas between them, none in a value"
            raise click.BadParameter(message)
        if key.startswith(("aws:", machine_tags.STACK)):
            message = f"{key!r}: tags that begin with aws: or {machine_tags.STACK} are not yours"
            raise click.BadParameter(message)
        if len(key) > _MAX_KEY or len(value) > _MAX_VALUE:
            message = f"{key[:20]!r}: a tag has {_MAX_KEY} and {_MAX_VALUE} characters at most"
            raise click.BadParameter(message)
        if found.setdefault(key, value) != value:
            message = f"{key!r} is given twice, as {found[key]!r} and as {value!r}"
            raise click.BadParameter(message)
    if len(found) > _MAX_TAGS:
        message = f"there is room for {_MAX_TAGS} tags beside ours"
        raise click.BadParameter(message)
    return found


def bucket(text: str | None) -> tuple[str | None, str]:
    """A bucket, and what keys in it begin with.

    >>> bucket("s3://my-bucket/studies/"), bucket("my-bucket"), bucket(None)
    (('my-bucket', 'studies'), ('my-bucket', ''), (None, 'remote'))
    """
    if text is None:
        return None, DEFAULT_PREFIX
    name, _, prefix = text.removeprefix("s3://").partition("/")
    if not _BUCKET.fullmatch(name):
        message = f"{text!r}: write BUCKET or BUCKET/PREFIX"
        raise click.BadParameter(message)
    return name, prefix.strip("/")


def notify(url: str | None) -> str | None:
    """An address that notifications are posted to: HTTPS, or this machine."""
    if url is None:
        return None
    try:
        address = urlsplit(url)
        host = address.hostname
    except ValueError as error:
        message = f"that is no address: {error}"
        raise click.BadParameter(message) from error
    if not host or address.scheme not in ("https", "http"):
        message = "write https://… : an address that takes an HTTPS POST"
        raise click.BadParameter(message)
    if address.scheme == "http" and host not in HERE:
        message = "http:// can be read and changed on its way: write https://…"
        raise click.BadParameter(message)
    return url


def results_paths(text: str | None) -> tuple[str, ...]:
    """Paths on the machine, with colons between them.

    >>> results_paths("metrics.json:plots:/data/out")
    ('metrics.json', 'plots', '/data/out')
    """
    return tuple(path for path in (text or "").split(":") if path.strip())


def archive_name(text: str | None) -> str | None:
    """What an archive is called, without `.tar.gz`."""
    if text is None:
        return None
    name = text.removesuffix(".tar.gz")
    if not name.strip() or "/" in name or not name.isprintable() or len(name) > 200:
        message = "a name has 1 to 200 characters, none of them a slash"
        raise click.BadParameter(message)
    return name


def user(text: str | None) -> str | None:
    """Who logs in."""
    return _fits(text, _USER, "write the name of a user, as ubuntu or ec2-user")


def module(text: str | None) -> str | None:
    """What python3 -m takes."""
    return _fits(text, _MODULE, "write a module, as package.train; its arguments stand behind --")


def image(text: str | None) -> str | None:
    """An image of a container; the empty one is the project's."""
    return text if not text else _fits(text, _IMAGE, "write an image, as python:3.12-slim")


def absolute(text: str) -> str:
    """A path on the machine that is not relative to anything."""
    if not text.startswith("/") or text.endswith("/"):
        message = "write the absolute path of a file on the machine"
        raise click.BadParameter(message)
    return text


def _fits(text: str | None, pattern: re.Pattern[str], otherwise: str) -> str | None:
    if text is not None and not pattern.fullmatch(text):
        message = f"{text!r}: {otherwise}"
        raise click.BadParameter(message)
    return text
