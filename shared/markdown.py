r"""What others have written, as a paragraph or a cell of Bitbucket's Markdown shows it.

A backslash before one of ASCII's punctuation marks makes it that mark (CommonMark, "Backslash
escapes"). Which dialect Bitbucket Cloud has is documented nowhere; in one that knows no escape for
`<`, `~`, `|` or `/` the backslash is seen, and what stands behind it still does nothing.
"""

import re
from typing import Final

# Underscores are marks at the edges of words alone, tildes where two of them are. `{` ends what
# would be a mention, `@{account id}`. An address loses what makes it a link: some renderers find
# them in what is shown, and no escape hides them there.
_SPECIAL: Final = re.compile(
    r"[\\`*\[\]<>|#{}]|~{2,}|(?<![^\W_])_+|_+(?![^\W_])|(?<=\bhttp:)/(?=/)|(?<=\bhttps:)/(?=/)",
    re.IGNORECASE,
)


def escaped(line: str) -> str:
    r"""One line of text, with nothing in it that Markdown would take for its own.

    >>> print(escaped("log_loss | [x](y) `z` __init__ ~~no~~ ~/data #1 <b>"))
    log_loss \| \[x\](y) \`z\` \_\_init\_\_ \~\~no\~\~ ~/data \#1 \<b\>
    >>> print(escaped("@{557058:c0ffee} sees https://h.example and s3://bucket"))
    @\{557058:c0ffee\} sees https:\//h.example and s3://bucket
    """
    return _SPECIAL.sub(lambda found: "".join(f"\\{one}" for one in found[0]), line)
