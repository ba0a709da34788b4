"""A sweep as a picture: a line through all parameters per point, or a panel per parameter.

Points that have no value of the objective are left out. The pictures are Vega-Lite specifications,
which vl-convert draws without a browser.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import click

from cli.sweep.axes import axis
from cli.sweep.pictures_layers import parallel, scatter
from cli.sweep.results import Results, Row
from cli.sweep.wording import number, point, short

Kind = Literal["parallel", "scatter"]
# More lines than these are one colour all over, more dots take minutes. The best are among what is
# drawn, and of the others every second, third or so.
_MOST = {"parallel": 1500, "scatter": 20_000}
_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
_GREY = "#5f6670"


def draw(results: Results, kind: Kind, path: Path) -> None:
    """Write the picture to a file, PNG or SVG as its name says.

    Raises:
        click.ClickException: there is nothing to draw yet, or the file cannot be written.

    """
    # It is 30 MB of a renderer, which no other command needs.
    import vl_convert  # noqa: PLC0415 - see above

    spec = specification(results, kind)
    if path.suffix.lower() == ".svg":
        content = vl_convert.vegalite_to_svg(spec).encode()
    else:
        content = vl_convert.vegalite_to_png(spec, scale=2)
    try:
        path.write_bytes(content)
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise click.ClickException(message) from error


def specification(results: Results, kind: Kind) -> dict[str, Any]:
    """The picture as Vega-Lite has it.

    Raises:
        click.ClickException: no point has a value to draw.

    """
    best = results.best()
    if not best:
        message = "no point has a value of the objective yet: there is nothing to draw"
        raise click.ClickException(message)
    shown = _thinned(best, _MOST[kind])
    # A point of another target may lack a parameter, and one value for all tells nothing.
    names = [n for n in results.names if len({short(r.parameters.get(n)) for r in shown}) > 1]
    axes = [axis(n, [row.parameters.get(n) for row in shown]) for n in names[:20]]
    drawn = parallel if kind == "parallel" else scatter
    return {
        "$schema": _SCHEMA,
        "background": "white",
        "padding": 16,
        "title": _title(results, shown, best),
        "config": {
            "font": "Helvetica, Arial, sans-serif",
            "view": {"stroke": None},
            "axis": {"labelColor": _GREY, "titleColor": "#222", "gridColor": "#e8eaed"},
        },
        **drawn(results, shown, axes),
    }


def _thinned(best: list[Row], most: int) -> list[Row]:
    if len(best) <= most:
        return best
    half = most // 2
    rest = best[half:]
    return best[:half] + rest[:: -(-len(rest) // half)]


def _title(results: Results, shown: Sequence[Row], best: Sequence[Row]) -> dict[str, Any]:
    first = best[0]
    value = "" if first.objective is None else number(first.objective)
    missing = len(results.rows) - len(best)
    parts = [
        f"{len(best):,} points" + (f", {len(shown):,} drawn" if len(shown) < len(best) else ""),
        f"{missing:,} without a value left out" if missing else "",
    ]
    return {
        "text": f"Best {results.objective} {value}: {point(first.parameters)}",
        "subtitle": f"sweep {results.known.sweep_id}: " + ", ".join(p for p in parts if p),
        "anchor": "start",
        "color": "#222",
        "subtitleColor": _GREY,
        "offset": 14,
    }
