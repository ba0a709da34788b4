"""Draws Vega-Lite specifications with vl-convert. Runs apart: its Python may be another than ours.

No browser and no network: what a specification names elsewhere is not fetched. One that hangs or
brings the renderer down ends this process, and whoever started it starts it again for the others.
"""

from __future__ import annotations

import json
import math
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

# How this ends where vl-convert is missing.
NO_RENDERER = 3
# What the process dies of when its time for one picture is over.
TOO_LONG = 128 + signal.SIGALRM


def main(folder: str, seconds: str, labels: str) -> int:
    """Make N.png of each N.json in the folder that has not been tried, in at most so many seconds.

    N.txt tells that one has been tried, and if it could not be drawn, why. `labels` is JSON: how a
    legend calls each commit.
    """
    _go_first()
    try:
        import vl_convert  # noqa: PLC0415 - the image's
    except ImportError:
        return NO_RENDERER
    names = json.loads(labels)
    for source in sorted(Path(folder).glob("*.json")):
        tried = source.with_suffix(".txt")
        if tried.exists():
            continue
        tried.touch()
        # The signal's own effect, death, cannot be put off by a library that computes.
        signal.alarm(int(seconds))
        try:
            spec = json.loads(source.read_text(encoding="utf-8"))
            spec = _mapped(spec, lambda value: _readable(value, names))
            source.with_suffix(".png").write_bytes(_png(vl_convert, spec))
        except Exception as error:  # noqa: BLE001 - a project's template may be wrong in any way
            tried.write_text(str(error) or type(error).__name__, encoding="utf-8")
        signal.alarm(0)
    return 0


def _go_first() -> None:
    """Where memory runs out, the kernel is to end this and not who has started it (proc(5))."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _png(renderer: Any, spec: dict[str, Any]) -> bytes:
    # https://vega.github.io/schema/vega-lite/v5.json
    major = str(spec.get("$schema", "")).rpartition("/v")[2].split(".")[0]
    known = [one for one in renderer.get_vegalite_versions() if one.split(".")[0] == major]
    version = known[-1] if known else None
    # Sharp on most screens, and not much wider than a comment.
    png = renderer.vegalite_to_png(spec, vl_version=version, scale=1.5, allowed_base_urls=[])
    return bytes(png)


def _readable(value: Any, labels: Mapping[str, str]) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no other word for it
    if isinstance(value, str):
        revision, colons, rest = value.partition("::")
        return f"{labels[revision]}{colons}{rest}" if revision in labels else value
    return value


def _mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _mapped(part, function) for key, part in value.items()}
    if isinstance(value, list):
        return [_mapped(part, function) for part in value]
    return function(value)


if __name__ == "__main__":
    sys.path = [folder for folder in sys.path if folder]
    sys.exit(main(*sys.argv[1:4]))
