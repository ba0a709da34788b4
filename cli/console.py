"""What the command shows: steps with their time, colours and motion only on a terminal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def step(doing: str) -> Iterator[None]:
    """Show what is being done while it is done, and how long it took."""
    start = time.monotonic()
    if console.is_terminal:
        with console.status(f"{doing} …"):
            yield
    else:
        yield
    console.print(f"  [green]✓[/green] {doing} [dim]{time.monotonic() - start:.1f} s[/dim]")
