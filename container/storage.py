"""Where a reader finds what a report refers to: among Bitbucket's downloads, or in S3."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from urllib.parse import quote

from container.bitbucket import Bitbucket, BitbucketRefused, BitbucketUnavailable
from container.log import say
from container.pictures import Picture
from container.s3 import S3Failed
from container.work import Work

_CONTENT_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".svg": "image/svg+xml"}
_URI = re.compile(r"s3://([^/]+)/(.+)")


def page(uri: str, region: str | None = None) -> str:
    """The page of the AWS console that shows an object, to whoever may see it; "" for none.

    >>> page("s3://acme/runs/4f/1/a b.md", "eu-west-1")
    'https://eu-west-1.console.aws.amazon.com/s3/object/acme?region=eu-west-1&prefix=runs/4f/1/a%20b.md'
    """
    region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    found = _URI.fullmatch(uri)
    if not found or not region:
        return ""
    bucket, key = found.groups()
    console = f"https://{region}.console.aws.amazon.com/s3/object/{quote(bucket)}"
    return f"{console}?region={region}&prefix={quote(key)}"


def place(
    work: Work,
    reach: Callable[[], Bitbucket | None],
    drawn: Iterable[Picture],
    until: float,
) -> Iterator[Picture]:
    """The pictures with their addresses: where Bitbucket shows them, else where S3 keeps them.

    A later attempt replaces the pictures of an earlier one. `reach` is asked for Bitbucket before
    each. After the time `until`, a `time.monotonic()`, no more get an address.
    """
    refused = False
    for number, picture in enumerate(drawn, 1):
        if time.monotonic() >= until:
            yield picture
            continue
        name = f"cloud-run-{work.job.run_id}-{number}{picture.path.suffix}"
        bitbucket = None if refused else reach()
        if bitbucket is not None:
            kind = _CONTENT_TYPES.get(picture.path.suffix, "application/octet-stream")
            try:
                address = bitbucket.upload(name, picture.path.read_bytes(), kind)
            except (BitbucketRefused, BitbucketUnavailable) as failure:
                say(f"{failure}; plots go to S3")
                refused = True
            else:
                yield replace(picture, address=address)
                continue
        yield _in_s3(work, picture, name, until)


def _in_s3(work: Work, picture: Picture, name: str, until: float) -> Picture:
    uri = work.settings.results(work.job, f"plots/{name}")
    if not uri:
        return picture
    try:
        work.s3_until(until).store(picture.path, uri)
    except S3Failed as failure:
        say(str(failure))
        return picture
    return replace(picture, address=page(uri), shown=False)
