"""What people type: repositories, time spans and NAME=VALUE."""

import re
from collections.abc import Iterable
from datetime import timedelta

import click

_FULL_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*/[a-z0-9_][a-z0-9_.-]{0,61}")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Span(click.ParamType):
    """A time span such as 7d: minutes, hours, days or weeks."""

    name = "span"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """The time span, or click's words for what is wrong with it."""
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"([0-9]{1,4})([mhdw])", str(value))
        if match is None:
            self.fail("write a number and m, h, d or w, as in 7d", param, ctx)
        return timedelta(**{_UNITS[match[2]]: int(match[1])})


class FullName(click.ParamType):
    """A repository as workspace/slug, in any case; Bitbucket's own is the lower."""

    name = "WORKSPACE/SLUG"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The repository, or click's words for what is wrong with it."""
        text = str(value)
        # ASCII: a few other letters become ones of it in lower case.
        if not text.isascii() or not _FULL_NAME.fullmatch(text.lower()):
            message = f"{text!r} is not WORKSPACE/SLUG, as in its address on Bitbucket"
            self.fail(message, param, ctx)
        return text.lower()


def pair(word: str) -> tuple[str, str]:
    """NAME=VALUE in two.

    >>> pair("AlarmEmail=ops@example.com")
    ('AlarmEmail', 'ops@example.com')
    """
    name, separator, value = word.partition("=")
    if not separator or not re.fullmatch(r"[A-Za-z0-9]+", name):
        message = f"{word!r}: write NAME=VALUE, as MaxGpus=2"
        raise click.BadParameter(message)
    return name, value


def pairs(words: Iterable[str]) -> dict[str, str]:
    """Several times NAME=VALUE; no name with two values.

    >>> pairs(["MaxGpus=2", "MaxVcpus=4", "MaxGpus=2"])
    {'MaxGpus': '2', 'MaxVcpus': '4'}
    """
    found: dict[str, str] = {}
    for name, value in map(pair, words):
        if found.setdefault(name, value) != value:
            message = f"{name} is given twice, as {found[name]!r} and as {value!r}"
            raise click.BadParameter(message)
    return found
