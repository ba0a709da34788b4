"""Which plots differ between two commits, by the rows that `dvc plots diff --json` answers with.

Runs in the process that asks DVC: see `report_differences`.
"""

from __future__ import annotations

import filecmp
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NEW, CHANGED, GONE, SAME = "new", "changed", "gone", "same"
OTHER_FORM = "DVC's answer has another form than that of version 3.67"
NOT_JSON = "DVC's answer is not JSON"


def reduced(answer: Any, old: str, new: str, folder: Path) -> dict[str, Any]:
    """What a report needs of an answer, which is used up: {"plots", "unread": [[name, why]]}.

    Of each plot "title", "change", one of the constants above, and "spec", a file in the folder, or
    "images", files by commit.

    Raises:
        AttributeError, LookupError, TypeError: the answer has another form.
    """
    unread = {
        str(error["name"]): str(error.get("msg", ""))
        for error in answer.get("errors", [])
        if error.get("rev") == new and "name" in error
    }
    plots: list[dict[str, Any]] = []
    data = answer.get("data", {})
    for name in list(data):
        # A name's rows are given up before the next one's are looked at.
        found = _read(name, data.pop(name), (old, new), folder / f"{len(plots):05}")
        if found is None:
            unread[str(name)] = OTHER_FORM
        plots += found or []
    return {"plots": plots, "unread": list(unread.items())}


def _read(
    name: str, parts: Any, sides: tuple[str, str], place: Path
) -> list[dict[str, Any]] | None:
    """The plots of one name; None if it cannot be understood."""
    try:
        return list(_plots(name, parts, sides, place))
    except (AttributeError, LookupError, TypeError, ValueError):
        return None


def _plots(name: str, parts: Any, sides: tuple[str, str], place: Path) -> Iterator[dict[str, Any]]:
    images: dict[str, Path] = {}
    for number, part in enumerate(parts):
        if part["type"] == "image":
            images[part["revisions"][0]] = place.parent / part["url"]
            continue
        content = part["content"]
        spec = json.loads(content) if isinstance(content, str) else content
        change = _change(*_rows(spec, *sides))
        found = {"title": _title(spec, name), "change": change}
        if change in (NEW, CHANGED):  # the others are not drawn
            found["spec"] = str(_written(spec, place.with_name(f"{place.name}-{number}.json")))
        yield found
    if images:
        files = [images.get(side) for side in sides]
        there = [str(file) if file and file.is_file() else None for file in files]
        same = all(there) and filecmp.cmp(str(there[0]), str(there[1]), shallow=False)
        change = SAME if same else _change(*there)
        yield {"title": name, "change": change, "images": {k: str(v) for k, v in images.items()}}


def _written(spec: Any, file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as written:
        json.dump(spec, written, separators=(",", ":"))
    return file


def _title(spec: Any, name: str) -> str:
    title = spec.get("title", name)
    text = title.get("text", name) if isinstance(title, dict) else title
    return text if isinstance(text, str) and text else name


def _rows(spec: Any, old: str, new: str) -> tuple[Any, Any]:
    """What each commit contributes, as a digest; None if nothing."""
    data = spec.get("data")
    if not isinstance(data, dict) or "values" not in data:
        return "unknown", "also"  # a template of the project's own may keep it anywhere
    sides: dict[str, Any] = {}
    for row in data["values"]:
        # A revision may be followed by a file's name: `rev::file`.
        revision = str(row.get("rev")).partition("::")[0]
        # Compared as text, in which NaN is NaN.
        text = json.dumps({**row, "rev": None})
        sides.setdefault(revision, hashlib.sha256()).update(f"{text}\n".encode())
    before, after = (sides[side].digest() if side in sides else None for side in (old, new))
    return before, after


def _change(old: object, new: object) -> str:
    if old == new:
        return SAME
    if old is None:
        return NEW
    return GONE if new is None else CHANGED
