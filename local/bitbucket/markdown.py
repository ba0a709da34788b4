"""The little Markdown that a report uses, as HTML in which every character of the text is escaped.

Headings, tables, lists, fenced code, bold, code, http links and pictures. Everything else stays
text. Whoever asks for the HTML says which pictures it may show; the others become links.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial

from markupsafe import Markup, escape

LONGEST = 65_536  # characters; a longer text is shown as it is written
HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)")
DELIMITER = re.compile(r"\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?")
BULLET = re.compile(r"\s{0,3}[-*+]\s+(.*)")
FENCE = re.compile(r"\s{0,3}(```+|~~~+).*")
# CommonMark, "Backslash escapes": ASCII punctuation alone.
ESCAPE = r"\\(?P<escaped>[!-/:-@\[-`{-~])"
INLINE = re.compile(
    rf"{ESCAPE}"
    r"|`(?P<code>[^`\n]+)`"
    r"|\*\*(?P<bold>[^*\n]+)\*\*"
    r"|(?P<shown>!?)\[(?P<text>[^\[\]\n]*)\]"
    r"\((?P<url>https?://[^\s()<>\"]+)(?:[ \t]+\"(?P<title>[^\"\n]*)\")?[ \t]*\)"
)
# Where a browser finds a picture's bytes; None for one that is not shown.
Pictures = Callable[[str], str | None]
Inline = Callable[[str], Markup]


def no_pictures(_url: str) -> str | None:
    """Every picture is shown as a link."""
    return None


def rendered(text: str, pictures: Pictures = no_pictures) -> Markup:
    """The text as HTML."""
    if len(text) > LONGEST:
        return Markup("<pre>{}</pre>").format(text)
    lines = text.replace("\r\n", "\n").split("\n")
    inline = partial(_inline, pictures)
    blocks, position = [], 0
    while position < len(lines):
        block, position = _block(lines, position, inline)
        blocks.append(block)
    return Markup("").join(blocks)


def _block(lines: Sequence[str], start: int, inline: Inline) -> tuple[Markup, int]:
    """The block that begins at a line, and the number of the line behind it."""
    line = lines[start]
    if not line.strip():
        return Markup(""), start + 1
    if fence := FENCE.fullmatch(line):
        end = start + 1
        while end < len(lines) and not lines[end].strip().startswith(fence[1]):
            end += 1
        return Markup("<pre>{}</pre>").format("\n".join(lines[start + 1 : end])), end + 1
    if heading := HEADING.fullmatch(line):
        return Markup("<h{0}>{1}</h{0}>").format(
            len(heading[1]), inline(heading[2].rstrip("# "))
        ), start + 1
    if _is_table(lines, start):
        return _table(lines, start, inline)
    if BULLET.fullmatch(line):
        return _list(lines, start, inline)
    end = start + 1
    while end < len(lines) and not _starts_a_block(lines, end):
        end += 1
    paragraph = Markup("<br>\n").join(inline(part) for part in lines[start:end])
    return Markup("<p>{}</p>").format(paragraph), end


def _starts_a_block(lines: Sequence[str], at: int) -> bool:
    line = lines[at]
    return (
        not line.strip()
        or any(start.fullmatch(line) for start in (FENCE, HEADING, BULLET))
        or _is_table(lines, at)
    )


def _is_table(lines: Sequence[str], at: int) -> bool:
    """A row with bars, and below it the delimiter row."""
    return (
        "|" in lines[at]
        and at + 1 < len(lines)
        and "-" in lines[at + 1]
        and DELIMITER.fullmatch(lines[at + 1].strip()) is not None
    )


def _table(lines: Sequence[str], start: int, inline: Inline) -> tuple[Markup, int]:
    end = start + 2
    while end < len(lines) and "|" in lines[end]:
        end += 1
    head = _row(lines[start], "th", inline)
    body = Markup("").join(_row(line, "td", inline) for line in lines[start + 2 : end])
    table = Markup("<table><thead>{}</thead><tbody>{}</tbody></table>")
    return table.format(head, body), end


def _row(line: str, cell: str, inline: Inline) -> Markup:
    texts = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
    cells = Markup("").join(
        Markup("<{0}>{1}</{0}>").format(cell, inline(text.strip().replace("\\|", "|")))
        for text in texts
    )
    return Markup("<tr>{}</tr>").format(cells)


def _list(lines: Sequence[str], start: int, inline: Inline) -> tuple[Markup, int]:
    items, end = [], start
    while end < len(lines) and (bullet := BULLET.fullmatch(lines[end])):
        items.append(Markup("<li>{}</li>").format(inline(bullet[1])))
        end += 1
    return Markup("<ul>{}</ul>").format(Markup("").join(items)), end


def _inline(pictures: Pictures, text: str) -> Markup:
    parts, position = [], 0
    for found in INLINE.finditer(text):
        parts.append(escape(text[position : found.start()]))
        if found["escaped"] is not None:
            parts.append(escape(found["escaped"]))
        elif found["code"] is not None:
            parts.append(Markup("<code>{}</code>").format(found["code"]))
        elif found["bold"] is not None:
            parts.append(Markup("<strong>{}</strong>").format(found["bold"]))
        else:
            source = pictures(found["url"]) if found["shown"] else None
            parts.append(_link(found) if source is None else _picture(source, found))
        position = found.end()
    parts.append(escape(text[position:]))
    return Markup("").join(parts)


def _link(found: re.Match[str]) -> Markup:
    """A link, or a picture that is not shown: then its address stands for a missing text."""
    text = found["text"] or (found["url"] if found["shown"] else "")
    anchor = Markup('<a href="{}" rel="noreferrer"{}>{}</a>')
    return anchor.format(found["url"], _title(found), text)


def _picture(source: str, found: re.Match[str]) -> Markup:
    return Markup('<img src="{}" alt="{}"{}>').format(source, found["text"], _title(found))


def _title(found: re.Match[str]) -> Markup:
    return Markup(' title="{}"').format(found["title"]) if found["title"] else Markup("")
