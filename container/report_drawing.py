"""Draws Vega-Lite specifications with vl-convert. Runs apart: its Python may be another than ours.

No browser and no network: what a specification names elsewhere is not fetched. One that hangs or
brings the renderer down ends this process, and whoever started it starts it again for the others.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

# How this ends where vl-convert is missing.
NO_RENDERER = 3
# What the process dies of when its time for one picture is over.
TOO_LONG = 128 + signal.SIGALRM


def main(folder: str, seconds: str) -> int:
    """Make N.png of each N.json in the folder that has not been tried, in at most so many seconds.

    N.txt tells that one has been tried, and if it could not be drawn, why.
    """
    try:
        import vl_convert  # noqa: PLC0415 - the image's
    except ImportError:
        return NO_RENDERER
    for source in sorted(Path(folder).glob("*.json")):
        tried = source.with_suffix(".txt")
        if tried.exists():
            continue
        tried.touch()
        # The signal's own effect, death, cannot be put off by a library that computes.
        signal.alarm(int(seconds))
        try:
            spec = json.loads(source.read_text(encoding="utf-8"))
            source.with_suffix(".png").write_bytes(_png(vl_convert, spec))
        except Exception as error:  # noqa: BLE001 - a project's template may be wrong in any way
            tried.write_text(str(error) or type(error).__name__, encoding="utf-8")
        signal.alarm(0)
    return 0


def _png(renderer: Any, spec: dict[str, Any]) -> bytes:
    # https://vega.github.io/schema/vega-lite/v5.json
    major = str(spec.get("$schema", "")).rpartition("/v")[2].split(".")[0]
    known = [one for one in renderer.get_vegalite_versions() if one.split(".")[0] == major]
    version = known[-1] if known else None
    # Sharp on most screens, and not much wider than a comment.
    png = renderer.vegalite_to_png(spec, vl_version=version, scale=1.5, allowed_base_urls=[])
    return bytes(png)


if __name__ == "__main__":
    sys.path = [folder for folder in sys.path if folder]
    sys.exit(main(*sys.argv[1:3]))
