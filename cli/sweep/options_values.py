"""How the value of each option is written, and what is answered to another.

Each reader takes what the YAML holds and returns the value, or raises `Rejected` with what to write
instead.
"""

import re
from collections.abc import Callable

from cli.sweep.config_yaml import Entry, Plain, Tree
from shared.errors import Rejected
from shared.hydra import shown

# A job definition is a name, with or without a revision, or an ARN (Batch API, SubmitJob).
_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}"
_ARN = r"arn:aws[a-z-]*:batch:[a-z0-9-]+:[0-9]{12}:"
_JOB_QUEUE = re.compile(rf"(?:{_ARN}job-queue/)?{_NAME}")
_JOB_DEFINITION = re.compile(rf"(?:{_ARN}job-definition/)?{_NAME}(?::[1-9][0-9]{{0,9}})?")
# Naming rules of S3 (user guide, general purpose buckets) and DynamoDB (API, TableName).
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_S3 = re.compile(rf"(?:s3://)?({_BUCKET})((?:/[^\x00-\x20?#]*)?)")
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}|arn:aws[a-z-]*:dynamodb:[^\s]{1,1000}")
_SPAN = re.compile(r"(?:([0-9]{1,5})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,8})m)?(?:([0-9]{1,9})s)?")
_SECONDS = (86_400, 3600, 60, 1)
_UNITS_MIB = {"k": 1 / 1024, "m": 1, "g": 1024, "t": 1024**2}


def text(tree: Tree) -> str:
    """A text that is not empty; a number is the text that was written."""
    if not isinstance(tree, str):
        message = f"this is a text, not {_kind(tree)}: put quotes around it"
        raise Rejected(message)
    if not tree.strip() or "\0" in tree:
        message = "this is empty: write a text, or leave the key out"
        raise Rejected(message)
    return str(tree)


def whole(least: int, most: int) -> Callable[[Tree], int]:
    """A reader of whole numbers within limits."""

    def read(tree: Tree) -> int:
        said = str(tree).replace("_", "") if isinstance(tree, Plain) else ""
        if not re.fullmatch("[0-9]{1,18}", said) or not least <= int(said) <= most:
            message = f"write a whole number from {least:,} to {most:,}"
            raise Rejected(message)
        return int(said)

    return read


def memory(tree: Tree) -> int:
    """MiB of memory, as :ACME_MEMORY: has it."""
    said = text(tree)
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?([KMGTkmgt])i?[Bb]?", said)
    if match:
        mib = round(float(match[1]) * _UNITS_MIB[match[2].lower()])
        message = f"memory is a whole number of MiB: write {max(4, mib)}"
        raise Rejected(message)
    return whole(4, 100_000_000)(tree)


def span(least: int) -> Callable[[Tree], int]:
    """A reader of time spans, in seconds; `least` of them at the least.

    >>> span(60)(Plain("1h30m"))
    5400
    """

    def read(tree: Tree) -> int:
        said = text(tree).replace(" ", "").lower()
        match = _SPAN.fullmatch(said)
        if match is None:
            hint = f"{said}m or {said}s" if said.isdecimal() else "90m or 2h"
            message = f"{shown(said)} is no time: write a number and d, h, m or s, as {hint}"
            raise Rejected(message)
        seconds = sum(
            int(count) * unit for count, unit in zip(match.groups("0"), _SECONDS, strict=True)
        )
        if seconds < least:
            message = f"{shown(said)} is too short: write at least {least}s"
            raise Rejected(message)
        return seconds

    return read


def percent(tree: Tree) -> int:
    """A share in whole percent, with or without its sign."""
    match = re.fullmatch(r"([0-9]{1,3}) ?%?", text(tree).strip())
    if match is None or int(match[1]) > 100:
        message = "write a share in whole percent, as 5%"
        raise Rejected(message)
    return int(match[1])


def s3_uri(tree: Tree) -> str:
    """An s3:// address; Lorien writes them without s3://. A slash at its end stays: it is a tree.

    >>> s3_uri(Plain("saved-logs/skylake/"))
    's3://saved-logs/skylake/'
    """
    said = text(tree)
    match = _S3.fullmatch(said)
    if match is None:
        message = f"{shown(said)} is no address in S3: write s3://BUCKET/FOLDER"
        raise Rejected(message)
    return f"s3://{match[1]}{match[2]}"


def s3_prefix(tree: Tree) -> str:
    """An s3:// address below which something is put, without a slash at its end."""
    return s3_uri(tree).rstrip("/")


def job_queue(tree: Tree) -> str:
    """A job queue's name or ARN."""
    return _matching(_JOB_QUEUE, tree, "a job queue: write its name or its ARN")


def job_definition(tree: Tree) -> str:
    """A job definition's name, NAME:REVISION or ARN."""
    return _matching(
        _JOB_DEFINITION, tree, "a job definition: write NAME, NAME:REVISION or its ARN"
    )


def table(tree: Tree) -> str:
    """A table's name or ARN."""
    return _matching(_TABLE, tree, "a table: write its name, 3 to 255 letters, digits, _ . -")


def choice(words: dict[str, str]) -> Callable[[Tree], str]:
    """A reader of one of some words; each stands for a value."""

    def read(tree: Tree) -> str:
        said = text(tree).strip().lower()
        if said not in words:
            message = f"{shown(said)} is none of {', '.join(dict.fromkeys(words.values()))}"
            raise Rejected(message)
        return words[said]

    return read


def full_name(tree: Tree) -> str:
    """A repository as workspace/slug."""
    said = text(tree).lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*/[a-z0-9_][a-z0-9_.-]{0,61}", said):
        message = f"{shown(said)} is not WORKSPACE/SLUG, as in its address on Bitbucket"
        raise Rejected(message)
    return said


def folder(tree: Tree) -> str:
    """A folder of the job: a path that leads nowhere above it."""
    said = text(tree)
    if ".." in said.split("/"):
        message = f"{shown(said)} leads out of the job's folder: write one without .."
        raise Rejected(message)
    return said


def as_it_is(tree: Tree) -> Tree:
    """What others read."""
    return tree


def _matching(pattern: re.Pattern[str], tree: Tree, what: str) -> str:
    said = text(tree)
    if not pattern.fullmatch(said):
        message = f"{shown(said)} is not {what}"
        raise Rejected(message)
    return said


def _kind(tree: list[Tree] | dict[str, Entry]) -> str:
    return "a list" if isinstance(tree, list) else "a mapping"
