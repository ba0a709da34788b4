"""What others have written, as a line that a page can show: a reason, a branch, a parameter."""

_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"


def one_line(text: str, limit: int) -> str:
    r"""The text on one line of at most `limit` characters; what cannot be seen is shown as �.

    Such are control characters, which a browser drops, a terminal obeys and an API may refuse, and
    those that turn the direction of writing, by which a text looks like another. The joiners U+200C
    and U+200D stay where a script or an emoji needs them: between characters that can be seen, one
    of which at least is not ASCII.

    >>> one_line("two\nlines, \x1b[31mred, \u202egnp.exe", 99)
    'two lines, �[31mred, �gnp.exe'
    >>> one_line("too long", 5)
    'too …'
    """
    line = " ".join(text.split())
    line = line if len(line) <= limit else line[: limit - 1] + "…"
    around = zip(f" {line}", line, f"{line[1:]} ", strict=False)
    return "".join(
        one if one.isprintable() or _joins(before, one, after) else "\N{REPLACEMENT CHARACTER}"
        for before, one, after in around
    )


def _joins(before: str, one: str, after: str) -> bool:
    seen = all(side.isprintable() and not side.isspace() for side in (before, after))
    return one in _JOINERS and seen and not (before + after).isascii()
