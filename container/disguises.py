"""The forms in which a secret may appear in a log, and a fast pattern for many of them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from os.path import commonprefix
from urllib.parse import quote, quote_plus

# Shorter values would shred the log.
SHORTEST = 6
_SHORTEST_LINE = 8


def disguises(secret: str) -> Iterator[str]:
    """What to look for: the secret, its lines, and the forms that other formats give it."""
    for text in {secret, secret.strip()}:
        for form in _written(text):
            if len(form) >= SHORTEST <= len(text):
                yield form
    lines = secret.splitlines()
    for line in lines if len(lines) > 1 else ():
        if len(line.strip()) >= _SHORTEST_LINE:
            yield line.strip()


def _written(text: str) -> Iterator[str]:
    yield text
    raw = text.encode(errors="surrogateescape")  # a variable may hold any bytes
    for quoted in (quote(raw), quote(raw, safe=""), quote_plus(raw)):
        yield quoted
        yield re.sub("%[0-9A-F]{2}", lambda escape: escape[0].lower(), quoted)
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    yield from _base64(raw)


def _base64(secret: bytes) -> Iterator[str]:
    """What the secret becomes in base64, alone and anywhere in a longer text.

    Three bytes make four characters, so there are three ways to stand in a longer text. Characters
    that depend on what stands before or after are left out.
    """
    for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
        whole = alphabet(secret).decode()
        yield whole
        yield whole.rstrip("=")
        for before in range(3):
            encoded = alphabet(bytes(before) + secret).decode()
            yield encoded[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]


def any_of(texts: Iterable[str]) -> str:
    """A pattern for the longest of these texts, in which each beginning stands only once.

    A plain list of alternatives would be tried one by one at every character of the log.
    """
    groups = [list(group) for _, group in groupby(sorted(texts), key=lambda text: text[0])]
    return "|".join(map(_beginning_alike, groups))


def _beginning_alike(texts: list[str]) -> str:
    start = commonprefix(texts)  # noqa: RUF071 - of characters, not of folders, is what is meant
    longer = [text[len(start) :] for text in texts if text != start]
    if not longer:
        return re.escape(start)
    return f"{re.escape(start)}(?:{any_of(longer)})" + ("?" if start in texts else "")
