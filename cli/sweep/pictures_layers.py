"""The layers of a sweep's pictures, as Vega-Lite has them; `shown` has the best point first."""

from collections.abc import Sequence
from typing import Any

from cli.sweep.axes import Axis, axis
from cli.sweep.results import Results, Row
from cli.sweep.wording import short

_BEST = "#d62728"
_HEIGHT = 320
_COLUMN = 130
_PANEL = 210


def parallel(results: Results, shown: Sequence[Row], axes: Sequence[Axis]) -> dict[str, Any]:
    """A line per point through an axis per parameter, the last of which is the objective's."""
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


def scatter(results: Results, shown: Sequence[Row], axes: Sequence[Axis]) -> dict[str, Any]:
    """A panel per parameter, in which each point is a dot as high as its value."""
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
