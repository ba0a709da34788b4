"""What people type: repositories and time spans."""

import re
from datetime import timedelta

import click

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
    """A repository as workspace/slug."""

    name = "WORKSPACE/SLUG"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The repository, or click's words for what is wrong with it."""
        text = str(value)
        if not re.fullmatch(r"[^/\s]+/[^/\s]+", text):
            self.fail(f"{text} is not WORKSPACE/SLUG", param, ctx)
        return text
