"""How figures are shown: aligned columns, a goal, and whether it was met."""

from collections.abc import Sequence

Row = Sequence[str]


def show(title: str, head: Row, rows: Sequence[Row], *notes: str) -> None:
    """Print a table; the first column is text, the others are figures."""
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    print(f"\n{title}")
    for row in (head, ["-" * width for width in widths], *rows):
        first, *others = (
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join((f"  {first}", *others)).rstrip())
    for note in notes:
        print(f"  {note}")


def against(ratio: float, goal: float) -> tuple[str, str]:
    """A ratio, and whether it is within its goal."""
    return f"{ratio:.2f}", "ok" if ratio <= goal else "over"


def milliseconds(seconds: float) -> str:
    """A duration in milliseconds, with three digits or so."""
    value = seconds * 1000
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
