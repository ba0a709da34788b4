"""Which texts are secret, in which forms they may appear, and how they are hidden.

A secret shows up in more forms than its own: quoted in a URL, escaped in JSON, encoded in an HTTP
header. All of them become `***`. Not hidden are values shorter than 6 characters, which would shred
the log, and what a program makes of a secret by its own means: in hexadecimal, in pieces, reversed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit

from container.disguises import SHORTEST, any_of, disguises

HIDDEN = "***"
# So many characters that may begin a secret are shown rather than held back.
FEW = 3
# Names of further variables to hide, with commas between; set by the project's job definition.
_NAMED = "CLOUD_RUNNER_MASK"
# Whole words between underscores.
_SAYS_SECRET = re.compile(
    r"(?:\A|_)(?:TOKEN|SECRETS?|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|ACCESS_KEY|PRIVATE_KEY"
    r"|CREDENTIALS?|AUTH)(?:_|\Z)"
)
# What such a name ends with if its value is about a secret, not one.
_SAYS_OTHERWISE = re.compile(
    r"_(?:FILE|PATH|DIR|URI|URL|HOST|PORT|NAME|USER|TYPE|METHOD|MODE|SCHEME|PROVIDER|SOCK|ARN"
    r"|LIMIT|TTL|TIMEOUT)\Z"
)
_NO_SECRET = re.compile(r"true|false|yes|no|none|null|enabled|disabled|[0-9]{1,5}", re.IGNORECASE)


@dataclass(frozen=True)
class _Forms:
    """Everything to hide, longest first, so that a part of a form never wins over the whole."""

    texts: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None

    @classmethod
    def of(cls, texts: set[str]) -> _Forms:
        ordered = sorted(texts, key=lambda text: (-len(text), text))
        return cls(tuple(ordered), re.compile(any_of(ordered))) if ordered else cls()

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where something is to be hidden; occurrences that overlap are one."""
        found = self.pattern.search(text) if self.pattern else None
        while found and self.pattern:
            start, end = found.span()
            found = self.pattern.search(text, start + 1)
            while found and found.start() < end:
                end = max(end, found.end())
                found = self.pattern.search(text, found.start() + 1)
            yield start, end

    def open_at(self, text: str) -> int:
        """Where at the end of a text one may have begun; the text's length if none has."""
        longest = len(self.texts[0]) if self.texts else 1
        firsts = {form[0] for form in self.texts}
        for at in range(max(0, len(text) - longest + 1), len(text)):
            if text[at] in firsts and any(form.startswith(text[at:]) for form in self.texts):
                return at
        return len(text)


class Masks:
    """The secrets to hide, which may become more while another thread hides them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._texts: set[str] = set()
        self._forms = _Forms()

    def add(self, *secrets: str) -> None:
        """Hide these from now on, in all their forms. Shorter than 6 characters: not hidden.

        Whoever sends `user:secret` in base64 adds that text as well.
        """
        with self._lock:
            self._texts.update(form for secret in secrets for form in disguises(secret))
            self._forms = _Forms.of(self._texts)

    def hide(self, text: str, before: str = "") -> str:
        """The text with `***` for each occurrence, those too that begin in what stood before it.

        >>> masks = Masks()
        >>> masks.add("s3cr3t/x")
        >>> masks.hide("s3cr3t/x, https://u:s3cr3t%2Fx@host, Basic dTpzM2NyM3QveA==, secret")
        '***, https://u:***@host, Basic dTp***A==, secret'
        """
        whole = before + text
        shown: list[str] = []
        after = len(before)
        for start, end in self._forms.spans(whole):
            if end > after:
                shown += whole[after:start], HIDDEN
                after = end
        return "".join([*shown, whole[after:]]) if shown else text

    def settled(self, text: str, before: str = "") -> int:
        """How much of a text's beginning can be shown, whatever follows the text.

        Up to `FEW` characters that may begin a secret can: many words end like one begins. Who
        shows them says so to `hide`, in `before`, when the rest comes.

        >>> masks = Masks()
        >>> masks.add("s3cr3t/x")
        >>> masks.settled("it is s3cr"), masks.settled("it is s3c")
        (6, 9)
        >>> masks.hide("r3t/x!", before="s3c")
        '***!'
        """
        forms, whole = self._forms, before + text
        at = forms.open_at(whole)
        if len(whole) - at <= FEW:
            return len(text)
        at = next((start for start, end in forms.spans(whole) if start < at < end), at)
        return max(0, at - len(before))


def secrets_in(environment: Mapping[str, str]) -> list[str]:
    """The values that variables' names call secret, or `CLOUD_RUNNER_MASK` does; each once.

    From a value that is JSON the secrets in it, and from any URL its password.

    >>> secrets_in({"WANDB_API_KEY": "0123abcd", "TOKEN_FILE": "/run/token", "LANG": "C.UTF-8"})
    ['0123abcd']
    >>> secrets_in({"CLOUD_RUNNER_MASK": "SEED_PHRASE", "SEED_PHRASE": "correct horse"})
    ['correct horse']
    >>> secrets_in({"PIP_INDEX_URL": "https://someone:t0psecret@pypi.example/simple"})
    ['t0psecret']
    """
    named = {name.strip() for name in environment.get(_NAMED, "").split(",")}
    found: dict[str, None] = {}
    for name, value in environment.items():
        secret = name in named or (_is_secret(name) and not _is_harmless(value))
        found.update(dict.fromkeys(_within(value) if secret else ()))
        found.update(dict.fromkeys(_passwords(value)))
    return [value for value in found if len(value) >= SHORTEST]


def _is_secret(name: str) -> bool:
    upper = name.upper().replace("-", "_")
    return bool(_SAYS_SECRET.search(upper)) and not _SAYS_OTHERWISE.search(upper)


def _is_harmless(value: str) -> bool:
    if _NO_SECRET.fullmatch(value.strip()):
        return True
    try:
        return Path(value).exists()
    except (OSError, ValueError):  # too long for a name, or a zero byte in it
        return False


def _within(value: str) -> Iterator[str]:
    """A secret variable's value, and if it is JSON what its names call secret."""
    yield value
    if value.lstrip()[:1] == "{":
        try:
            yield from _leaves(json.loads(value))
        except (ValueError, RecursionError):
            return


def _leaves(value: object) -> Iterator[str]:
    for name, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(inner, str) and _is_secret(name):
            yield inner
        yield from _leaves(inner)


def _passwords(value: str) -> Iterator[str]:
    if "://" in value and "@" in value:
        try:
            password = urlsplit(value).password
        except ValueError:
            return
        if password:
            yield password
