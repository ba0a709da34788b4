"""Any text as Markdown of Bitbucket's that shows it and does nothing else.

Bitbucket escapes HTML, and knows pipe tables, fences, links and pictures (support.atlassian.com,
"Markdown syntax guide"). Sizes here are bytes of UTF-8: no way to count characters gives more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from shared.markdown import escaped

_CONTROL_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# What may stand at the start of a line in a commit's message and ask for a run.
_KEYWORD = re.compile(r"^(?=:\w+:)", re.MULTILINE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_LONGEST_ADDRESS = 2000
_LONGEST_LINE = 500


def size(text: str) -> int:
    """The length in bytes.

    >>> size("ä|")
    3
    """
    return len(text.encode("utf-8", "replace"))


def cut(text: str, limit: int) -> str:
    """A text of at most so many bytes, without its middle if need be.

    >>> cut("a" * 100, 9), cut("short", 9)
    ('aaa…aaa', 'short')
    """
    if size(text) <= limit:
        return text
    half = max(0, limit - 3) // 2
    raw = text.encode("utf-8", "replace")
    return (
        raw[:half].decode("utf-8", "ignore")
        + "…"
        + raw[len(raw) - half :].decode("utf-8", "ignore")
    )


def plain(text: str) -> str:
    r"""One line, in which everything can be seen: a line's end is ↵, what has no shape is �.

    >>> plain("two\r\nlines\x00")
    'two↵lines�'
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "↵").replace("\t", " ")
    return "".join(one if one.isprintable() else "�" for one in lines)


def shown(text: str, limit: int = 0) -> str:
    r"""Text within a paragraph or a cell of a table, cut to so many bytes before it is escaped.

    >>> print(shown("log_loss | [x](y) `z` __init__"))
    log_loss \| \[x\](y) \`z\` \_\_init\_\_
    """
    line = plain(text)
    line = cut(line, limit) if limit else line
    return escaped(line)


def code(text: str, limit: int) -> str:
    """Text as a program takes it, outside of tables.

    >>> print(code("dvc repro", 99), code("a `b`", 99))
    `dvc repro` `` a `b` ``
    """
    line = cut(plain(text), limit)
    ticks = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{space}{line}{space}{ticks}" if line.strip() else ""


def link(text: str, address: str, *, title: str = "") -> str:
    """A link to a web address; other addresses are shown as they are.

    >>> print(link("log", "https://h.example/a (1)"))
    [log](https://h.example/a%20%281%29)
    >>> print(link("report", "s3://bucket/report.md"))
    report (`s3://bucket/report.md`)
    """
    if not fits(address):
        return f"{text} ({code(address, _LONGEST_LINE)})" if address else text
    return f"[{text}]({encoded(address)}{f' {title}' if title else ''})"


def fits(address: str) -> bool:
    """Whether it is a web address that a link may have."""
    return bool(re.match(r"https?://", address)) and size(encoded(address)) <= _LONGEST_ADDRESS


def encoded(address: str) -> str:
    """A web address in which nothing ends a link."""
    return quote(address, errors="replace", safe=":/?#@!$&'*+,;=%~")


def block(lines: Sequence[str], limit: int) -> str:
    """The last of the lines that fit, as a fenced block that none of them can end.

    >>> print(block(["epoch 1", "```"], 99))
    ````
    epoch 1
    ```
    ````
    """
    kept: list[str] = []
    left = limit
    for line in reversed(lines):
        text = cut(plain(_CONTROL_SEQUENCE.sub("", line.rstrip())), _LONGEST_LINE)
        left -= size(text) + 1
        if left < 0:
            break
        kept.insert(0, text)
    longest = max((len(run) for line in kept for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence, *kept, fence])


def head(text: str, limit: int) -> str:
    r"""The first lines of somebody's Markdown that fit, with a fence closed that they leave open.

    >>> print(head("text\n~~~\ncode\nmore", 18))
    text
    ~~~
    code
    ~~~
    """
    kept: list[str] = []
    fence = ""
    left = limit
    for line in text.splitlines():
        found = _FENCE.match(line)
        opens = found[1] if found and not fence else fence
        if found and fence and found[1].startswith(fence):
            opens = ""
        left -= size(line) + 1
        if left < size(opens) + 1:
            break
        kept.append(line)
        fence = opens
    return "\n".join([*kept, fence] if fence else kept)


def harmless(text: str) -> str:
    """The text without a keyword at the start of a line, should somebody paste it into a commit.

    >>> harmless(":ACME_RUN: train")
    ' :ACME_RUN: train'
    """
    return _KEYWORD.sub(" ", text)
