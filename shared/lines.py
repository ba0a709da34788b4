"""What others have written, as a line that a page can show: a reason, a branch, a parameter."""


def one_line(text: str, limit: int) -> str:
    r"""The text on one line of at most `limit` characters; what cannot be seen is shown as �.

    Such are control characters, which a browser drops, a terminal obeys and an API may refuse, and
    those that turn the direction of writing, by which a text looks like another.

    >>> one_line("two\nlines, \x1b[31mred, \u202egnp.exe", 99)
    'two lines, �[31mred, �gnp.exe'
    >>> one_line("too long", 5)
    'too …'
    """
    line = " ".join(text.split())
    line = line if len(line) <= limit else line[: limit - 1] + "…"
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line)
