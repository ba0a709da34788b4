"""`python -m cli.costs` writes docs/cost.md."""

from pathlib import Path

import click

from cli.costs.page import page

TARGET = Path(__file__).resolve().parents[2] / "docs/cost.md"


def main() -> None:
    """Write the page; the same templates, quantities and prices give the same bytes."""
    TARGET.write_text(page(), encoding="utf-8")
    click.echo(f"wrote {TARGET.parent.name}/{TARGET.name}")


if __name__ == "__main__":
    main()
