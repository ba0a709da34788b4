"""A script and its input as one command, for a way to a machine that takes no more than a text."""

import base64
import textwrap

# A script says last what went wrong, and of stderr Systems Manager keeps the beginning: 8,000
# characters (API reference, GetCommandInvocation).
_STDERR_BYTES = 6000
_WIDTH = 1000


def wrapped(script: str, given: bytes) -> str:
    """The command, of ASCII letters alone, for a shell that knows base64.

    Systems Manager would replace what stands in double braces, as JSON does, by a parameter's
    value. Of stderr the end is kept, with the message that a script ends with.
    """
    text = "\n".join(textwrap.wrap(base64.b64encode(given).decode(), _WIDTH))
    return f"""\
script=$(echo {base64.b64encode(script.encode()).decode()} | base64 -d) || exit 127
errors=$(mktemp) || exit 127
base64 -d <<'END' | sh -c "$script" 2>"$errors"
{text}
END
code=$?
tail -c {_STDERR_BYTES} "$errors" >&2
rm -f "$errors"
exit $code
"""
