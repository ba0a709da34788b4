"""A sweep as a picture: a line through all parameters per point, or a panel per parameter.

Points that have no value of the objective are left out. The pictures are Vega-Lite specifications,
which vl-convert draws without a browser.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import click

from cli.sweep.axes import Axis, axis
from cli.sweep.results import Results, Row
from cli.sweep.wording import number, point, short

Kind = Literal["parallel", "scatter"]
# More lines than these are one colour all over, more dots take minutes. The best are among what is
# drawn, and of the others every second, third or so.
_MOST = {"parallel": 1500, "scatter": 20_000}
_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
_BEST = "#d62728"
_GREY = "#5f6670"
_HEIGHT = 320
_COLUMN = 130
_PANEL = 210


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
    drawn = _parallel if kind == "parallel" else _scatter
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


def _parallel(results: Results, shown: Sequence[Row], axes: Sequence[Axis]) -> dict[str, Any]:
    goal = axis(results.objective or "objective", [row.objective for row in shown])
    columns = [*axes, goal]

    def through(place: int, row: Row) -> list[dict[str, Any]]:
        values = [row.parameters.get(one.name) for one in axes] + [row.objective]
        return [
            {"line": place, "x": column, "y": one.at(value), "value": row.objective}
            for column, (one, value) in enumerate(zip(columns, values, strict=True))
        ]

    # The better are drawn later, above the others.
    others = [one for place, row in list(enumerate(shown))[:0:-1] for one in through(place, row)]
    heads = [{"x": column, "y": 1.0, "text": one.name} for column, one in enumerate(columns)]
    ticks = [
        {"x": column, "y": y, "text": text}
        for column, one in enumerate(columns)
        for y, text in one.ticks()
    ]
    # Room for what is written beside the last axis.
    across = {"domain": [-0.2, len(columns) - 0.4], "nice": False}
    at = {
        "x": {"field": "x", "type": "quantitative", "axis": None, "scale": across},
        "y": {"field": "y", "type": "quantitative", "axis": None, "scale": {"domain": [0, 1]}},
    }
    text = {**at, "text": {"field": "text"}}
    written = {"type": "text", "align": "left", "dx": 6, "fontSize": 11}
    # A stroke of each line's own: for an opacity of the whole mark each would be a picture.
    faint = {"type": "line", "strokeWidth": 1.3, "strokeOpacity": _faintness(len(shown))}
    bold = {"type": "line", "strokeWidth": 3, "color": _BEST, "point": {"color": _BEST, "size": 60}}
    head = {"type": "text", "dy": -16, "fontWeight": "bold", "fontSize": 12, "limit": _COLUMN - 8}
    lines = {**at, "detail": {"field": "line"}, "color": _color(results)}
    return {
        "width": _COLUMN * len(columns),
        "height": _HEIGHT,
        "layer": [
            _layer(others, faint, lines),
            _layer(heads, {"type": "rule", "color": "#9aa0a8"}, {**at, "y2": {"datum": 0}}),
            _layer(through(0, shown[0]), bold, at),
            _layer(ticks, {**written, "stroke": "white", "strokeWidth": 4}, text),
            _layer(ticks, {**written, "color": "#222"}, text),
            _layer(heads, head, text),
        ],
    }


def _faintness(lines: int) -> float:
    return max(0.12, min(0.8, 40 / lines))


def _layer(
    values: Sequence[dict[str, Any]], mark: dict[str, Any], encoding: dict[str, Any]
) -> dict[str, Any]:
    return {"data": {"values": values}, "mark": mark, "encoding": encoding}


def _scatter(results: Results, shown: Sequence[Row], axes: Sequence[Axis]) -> dict[str, Any]:
    return {
        "columns": 3,
        "spacing": 28,
        "concat": [_panel(results, shown, one) for one in axes],
        "resolve": {"scale": {"color": "shared"}},
    }


def _panel(results: Results, shown: Sequence[Row], one: Axis) -> dict[str, Any]:
    names = one.kind == "names"
    dots = [
        {
            "x": short(row.parameters.get(one.name)) if names else row.parameters[one.name],
            "y": row.objective,
            "target": row.target or "",
        }
        for row in shown
    ]
    x: dict[str, Any] = {
        "field": "x",
        "type": "nominal" if names else "quantitative",
        "title": one.name + (" (log)" if one.kind == "log" else ""),
        "axis": {"labelAngle": 0, "labelLimit": 90} if names else {"tickCount": 5, "format": "~g"},
    }
    if names:
        x["sort"] = list(one.values)
    else:
        x["scale"] = {"type": one.kind, "zero": False, "nice": one.kind == "linear", "padding": 8}
    y = {
        "field": "y",
        "type": "quantitative",
        "title": results.objective,
        "scale": {"zero": False, "padding": 8},
        "axis": {"tickCount": 6},
    }
    several = len({row.target for row in shown}) > 1
    color = (
        {"field": "target", "type": "nominal", "title": None} if several else {"value": "#3b6fb6"}
    )
    # A filling of its own, since an opacity of the whole mark takes far longer to draw.
    dot = {"type": "circle", "size": 34, "opacity": 1, "fillOpacity": 0.65}
    ring = {"type": "point", "size": 190, "color": _BEST, "strokeWidth": 2.5, "opacity": 1}
    return {
        "width": _PANEL,
        "height": _PANEL,
        "layer": [
            _layer(dots, dot, {"x": x, "y": y, "color": color}),
            _layer(dots[:1], ring, {"x": x, "y": y}),
        ],
    }


def _color(results: Results) -> dict[str, Any]:
    # Dark and warm is good, whichever direction that is.
    return {
        "field": "value",
        "type": "quantitative",
        "title": results.objective,
        "scale": {"scheme": "viridis", "reverse": results.direction == "minimize", "zero": False},
        "legend": {"gradientLength": _HEIGHT - 60, "format": "~g"},
    }
