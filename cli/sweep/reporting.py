"""The commands `sweep results` and `fetch`."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import click

from cli.account import Account, account_options
from cli.asking import reaching
from cli.examples import example
from cli.shown import table
from cli.sweep import fetching
from cli.sweep.loading import load
from cli.sweep.looking import json_option, reference_argument, tell_notes
from cli.sweep.pictures import Kind, draw
from cli.sweep.results import as_csv, as_json, cells, head, read
from cli.sweep.wording import number

_PICTURES = (".png", ".svg")


class _Picture(click.ParamType):
    """A file of a kind that can be drawn."""

    name = "FILE.png|svg"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """The path, or click's words for what is wrong with it."""
        path = Path(str(value))
        if path.suffix.lower() not in _PICTURES:
            self.fail(f"{str(value)!r}: a picture is a .png or an .svg", param, ctx)
        return path


class _Point(click.ParamType):
    """A point by its wave and index, as 1/17."""

    name = "WAVE/INDEX"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Both numbers, or click's words for what is wrong with them."""
        match = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,5})", str(value))
        if match is None:
            self.fail(f"{str(value)!r}: write WAVE/INDEX, as the results have it: 1/17", param, ctx)
        return int(match[1]), int(match[2])


@click.command(
    epilog=example(
        "cloud-runner sweep results 4f2a77c1",
        "cloud-runner sweep results 4f2a77c1 --csv points.csv",
        "cloud-runner sweep results 4f2a77c1 --picture sweep.svg --kind scatter",
    )
)
@reference_argument
@account_options
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many points the table shows.",
)
@click.option(
    "--csv", "csv_file", metavar="FILE|-", help="Write all points as CSV; - is the terminal."
)
@click.option("--picture", type=_Picture(), help="Draw the points.")
@click.option(
    "--kind",
    type=click.Choice(["parallel", "scatter"]),
    default="parallel",
    show_default=True,
    help="A line through all parameters per point, or a panel per parameter.",
)
@json_option
def results(
    account: Account,
    reference: str,
    *,
    limit: int,
    csv_file: str | None,
    picture: Path | None,
    kind: Kind,
    json_wanted: bool,
) -> None:
    """Show the points of a sweep, the best first, also while it goes on."""
    known, stored = load(account, reference)
    with reaching("reading the results"):
        found = read(known, stored)
    tell_notes([found])
    if picture is not None:
        draw(found, kind, picture)
        click.echo(f"drawn: {picture}", err=True)
    if csv_file is not None:
        with click.open_file(csv_file, "w", encoding="utf-8") as file:
            file.write(as_csv(found))
        if csv_file != "-":
            click.echo(f"written: {csv_file}, {len(found.rows):,} points", err=True)
    if json_wanted:
        click.echo(json.dumps([as_json(row) for row in found.rows], indent=2))
    if picture is not None or csv_file is not None or json_wanted:
        return
    rows = found.best_first()[:limit]
    for line in table(head(found), list(cells(found, rows))):
        click.echo(line)
    if len(found.rows) > len(rows):
        click.echo(f"{len(rows)} of {len(found.rows):,} points; --limit shows more, --csv all")


@click.command(
    epilog=example(
        "cloud-runner sweep fetch 4f2a77c1 --best 3",
        "cloud-runner sweep fetch 4f2a77c1 --point 1/17",
        "dvc exp show",
    )
)
@reference_argument
@account_options
@click.option(
    "--best",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="How many of the best points.",
)
@click.option(
    "--point", "points", type=_Point(), multiple=True, help="This point. May be given again."
)
def fetch(
    account: Account, reference: str, *, best: int, points: Sequence[tuple[int, int]]
) -> None:
    """Bring points into this clone, as DVC experiments of the commit that they were made of.

    `dvc exp show` lists them then, `dvc exp apply NAME` takes one over, and `dvc pull` its data.
    """
    known, stored = load(account, reference)
    git = fetching.working_copy(known)
    with reaching("reading the results"):
        found = read(known, stored)
        rows = fetching.chosen(found, best, points)
        bucket = account.deployed().output("DataBucket")
        tell_notes([found])
        fetched = fetching.fetch(account.client("s3"), bucket, found, rows, git)
    for one in fetched:
        value = one.row.objective
        judged = "" if value is None else f", {found.objective} {number(value)}"
        here = "" if one.new else ", here already"
        click.echo(f"{one.name}: point {one.row.wave}/{one.row.index}{judged}{here}")
    click.echo(f"dvc exp show --rev {(known.first.commit or 'HEAD')[:12]} lists them")
    if len(fetched) == 1:
        click.echo(f"dvc exp apply {fetched[0].name} takes it over, dvc pull brings its data")
