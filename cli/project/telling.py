"""What `project add` and `project remove` say of what they would do, and of what they do."""

from rich.markup import escape

from cli.console import console


def todo(steps: tuple[str, ...], otherwise: str) -> None:
    """The steps that are to be done; where there are none, something else."""
    console.print(f"\n{'what is to be done:' if steps else otherwise}")
    for one in steps:
        console.print(f"  {escape(one)}")
    console.print()


def tell(text: str) -> None:
    """Something that was just done."""
    console.print(f"    [dim]{escape(text)}[/dim]")


def note(text: str) -> None:
    """What a person should know before."""
    console.print(f"[yellow]note:[/yellow] {escape(text)}")
