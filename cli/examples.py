r"""The example that ends a command's help: commands as they are typed, one a line.

A test parses each of them with the command's own options.
"""


def example(*lines: str) -> str:
    r"""The epilog of a command: `lines` under a heading, not wrapped. `# …` is a remark.

    >>> example("cloud-runner dlq list")
    '\x08\nExample:\n  cloud-runner dlq list'
    """
    # Click leaves a paragraph as it is that begins with a line of this one character.
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)
