"""Which values Bitbucket accepts in a build status, a webhook and a comment, and what it answers.

Sources of the limits: https://github.com/buildbot/buildbot/issues/7049 (key),
https://github.com/jenkinsci/bitbucket-branch-source-plugin/pull/928 (name, url), issue 192 there
and https://github.com/hirakiuc/tinybucket/issues/127 (which urls), the published API description
(states, the secret's length). That a description has the name's limit is an assumption.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeGuard
from urllib.parse import urlsplit

from local.bitbucket.answers import Refused

LONGEST_KEY = 40
LONGEST_URL = 450
LONGEST_TEXT = 255
LONGEST_SECRET = 128
STATES = ("SUCCESSFUL", "FAILED", "INPROGRESS", "STOPPED")

SURROGATE = re.compile("[\ud800-\udfff]")

Rule = Callable[[str], str | None]


def at_most(limit: int) -> Rule:
    """The rule of a length, in characters."""

    def rule(value: str) -> str | None:
        if len(value) <= limit:
            return None
        return f"Ensure this value has at most {limit} characters (it has {len(value)})."

    return rule


def one_of(choices: tuple[str, ...]) -> Rule:
    """The rule of a choice."""

    def rule(value: str) -> str | None:
        return None if value in choices else f"{value} is not a valid choice."

    return rule


def absolute_url(value: str) -> str | None:
    """The rule of an address that others can open: http or https, and a host with a dot."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "Enter a valid URL."
    odd = any(character.isspace() or not character.isprintable() for character in value)
    if odd or parts.scheme not in {"http", "https"} or "." not in host.strip("."):
        return "Enter a valid URL."
    return None


def webhook_url(value: str) -> str | None:
    """The rule of a webhook's address; unlike Bitbucket's it allows this machine."""
    parts = urlsplit(value)
    allowed = parts.scheme in {"http", "https"} and parts.hostname
    return None if allowed else "Enter a valid URL."


def read(
    fields: Mapping[str, object],
    rules: Mapping[str, tuple[Rule, ...]],
    *,
    required: tuple[str, ...],
) -> dict[str, str]:
    """The text of every field that has rules; refused with all that is wrong, not just the first.

    A field that is absent or null, and not required, is absent from the answer.
    """
    values: dict[str, str] = {}
    wrong: dict[str, list[str]] = {}
    for name, of_field in rules.items():
        value = fields.get(name)
        if value is None or (value == "" and name in required):
            if name in required:
                wrong[name] = ["This field is required."]
        elif not is_text(value):
            wrong[name] = ["Not a valid string."]
        elif texts := [text for rule in of_field if (text := rule(value))]:
            wrong[name] = texts
        else:
            values[name] = value
    if wrong:
        raise wrong_fields(wrong)
    return values


def is_text(value: object) -> TypeGuard[str]:
    """Whether a JSON value is a string of whole characters: half a surrogate pair is none."""
    return isinstance(value, str) and SURROGATE.search(value) is None


def wrong_fields(wrong: Mapping[str, list[str]]) -> Refused:
    """The 400 that names each wrong field and what is wrong with it."""
    message = "; ".join(f"{name}: {text}" for name, texts in wrong.items() for text in texts)
    return Refused(400, message, wrong)
