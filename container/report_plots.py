"""The plots of two commits, as `dvc plots diff --json` tells them, and which of them differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

NEW, CHANGED, GONE, SAME = "new", "changed", "gone", "same"
OTHER_FORM = "DVC's answer has another form than that of version 3.67"


@dataclass(frozen=True)
class Plot:
    """One plot of DVC's: a Vega-Lite specification that shows both commits, or an image of each.

    `images` are files by commit. `change` is one of the constants above.
    """

    title: str
    change: str
    spec: Optional[Mapping[str, Any]] = None  # noqa: UP045 - Python 3.9 evaluates a field's type
    images: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Plots:
    """All plots of two commits, in DVC's order.

    `problem` says why they are not known, "" if they are. `unread`: those that DVC could not load
    from the newer commit, with its reasons.
    """

    plots: tuple[Plot, ...] = ()
    problem: str = ""
    unread: tuple[tuple[str, str], ...] = ()


def read_plots(answer: Any, old: str, new: str, folder: Path) -> Plots:
    """The plots in DVC's answer; relative addresses of images are those of `folder`."""
    plots: list[Plot] = []
    unread: dict[str, str] = {}
    try:
        for error in answer.get("errors", []):
            if error.get("rev") == new and "name" in error:
                unread[str(error["name"])] = str(error.get("msg", ""))
        named = list(answer.get("data", {}).items())
    except (AttributeError, LookupError, TypeError):
        return Plots(problem=OTHER_FORM)
    for name, parts in named:
        found = _read(name, parts, old, new, folder)
        if found is None:
            unread[str(name)] = OTHER_FORM
        plots += found or []
    return Plots(tuple(plots), unread=tuple(unread.items()))


def _read(name: str, parts: Any, old: str, new: str, folder: Path) -> list[Plot] | None:
    """The plots of one name; None if it cannot be understood."""
    try:
        return list(_plots(name, parts, old, new, folder))
    except (AttributeError, LookupError, TypeError, ValueError):
        return None


def _plots(
    name: str, parts: list[Mapping[str, Any]], old: str, new: str, folder: Path
) -> Iterator[Plot]:
    images = {}
    for part in parts:
        if part["type"] == "image":
            images[part["revisions"][0]] = folder / part["url"]
        else:
            content = part["content"]
            spec = json.loads(content) if isinstance(content, str) else content
            yield Plot(_title(spec, name), _change(*_rows(spec, old, new)), spec)
    if images:
        sides = (_content(images.get(revision)) for revision in (old, new))
        yield Plot(name, _change(*sides), images=images)


def _title(spec: Mapping[str, Any], name: str) -> str:
    title = spec.get("title", name)
    text = title.get("text", name) if isinstance(title, dict) else title
    return text if isinstance(text, str) and text else name


def _rows(spec: Mapping[str, Any], old: str, new: str) -> tuple[Any, Any]:
    """What each commit contributes; None if nothing."""
    data = spec.get("data")
    if not isinstance(data, dict) or "values" not in data:
        return "unknown", spec  # a template of the project's own may keep it anywhere
    sides: dict[str, list[Any]] = {old: [], new: []}
    for row in data["values"]:
        # A revision may be followed by a file's name: `rev::file`.
        revision = str(row.get("rev")).partition("::")[0]
        sides.setdefault(revision, []).append({**row, "rev": None})
    # Compared as text, in which NaN is NaN.
    texts = {side: json.dumps(rows) if rows else None for side, rows in sides.items()}
    return texts[old], texts[new]


def _content(image: Path | None) -> bytes | None:
    return image.read_bytes() if image and image.is_file() else None


def _change(old: object, new: object) -> str:
    if old == new:
        return SAME
    if old is None:
        return NEW
    return GONE if new is None else CHANGED
