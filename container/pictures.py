"""The plots that differ as files to look at, drawn without a browser."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from container import report_drawing
from container.comparison import Comparison, Runs
from container.report_plots import GONE, SAME, Plot

MOST = 12
SECONDS = 20
# Neither a screen nor a renderer gains from more.
_LARGEST_BYTES = 20_000_000
_REASON = 200
BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class Picture:
    """One picture: a file, and once somebody has put it there, its address.

    `revision` is the commit of an image of DVC's, `BEFORE` or `AFTER`, and "" where one picture
    shows both. `shown` says whether Bitbucket shows what is at the address, or readers follow it.
    """

    title: str
    path: Path
    revision: str = ""
    address: str = ""
    shown: bool = True


@dataclass(frozen=True)
class Pictures:
    """The pictures, and in sentences of plain text what has none and why."""

    drawn: tuple[Picture, ...] = ()
    left: tuple[str, ...] = ()


def draw(run: Runs, comparison: Comparison, folder: Path, *, pythons: Sequence[str]) -> Pictures:
    """Make pictures of the plots that are new or have changed, in a folder, twelve at most.

    `pythons` are those that may be able to import vl-convert, the first of them that can is taken.
    """
    differ = [plot for plot in comparison.plots.plots if plot.change not in (SAME, GONE)]
    wanted, left = _first(differ)
    folder.mkdir(parents=True, exist_ok=True)
    specs: dict[int, Plot] = {}
    problems = []
    for number, plot in enumerate(wanted):
        if plot.spec is None:
            continue
        if plot.spec.stat().st_size > _LARGEST_BYTES:
            problems.append(f"{plot.title} is too large to be drawn{_megabytes(plot.spec)}")
        else:
            _file(folder, number, "json").symlink_to(plot.spec.absolute())
            specs[number] = plot
    if specs:
        problems += _drawn(run, specs, folder, pythons, _labels(comparison))
    pictures = []
    for number, plot in enumerate(wanted):
        found, too_large = _images(plot, comparison)
        pictures += found
        problems += too_large
        if _file(folder, number, "png").exists():
            pictures.append(Picture(plot.title, _file(folder, number, "png")))
    if left:
        names = ", ".join(plot.title for plot in left)
        problems.append(
            f"{MOST} pictures at most are drawn; {len(left)} more plots differ: {names}"
        )
    return Pictures(tuple(pictures), tuple(problems))


def _first(plots: Sequence[Plot]) -> tuple[list[Plot], list[Plot]]:
    """Those that are drawn, and those that are not; an image is one picture for each commit."""
    count, wanted = 0, []
    for plot in plots:
        count += len(plot.images) or 1
        if count > MOST:
            break
        wanted.append(plot)
    return wanted, list(plots[len(wanted) :])


def _drawn(
    run: Runs,
    plots: Mapping[int, Plot],
    folder: Path,
    pythons: Sequence[str],
    labels: dict[str, str],
) -> list[str]:
    """Draw the numbered plots; what hindered those that have no picture now."""
    ends = _render(run, folder, len(plots), pythons, labels)
    if ends is None:
        names = ", ".join(plot.title for plot in plots.values())
        missing = "This image has no vl-convert, so plots are not drawn: pip install"
        return [f"{missing} vl-convert-python. They differ: {names}"]
    problems = []
    for (number, plot), end in zip(plots.items(), ends):
        if not _file(folder, number, "png").exists():
            tried = _file(folder, number, "txt")
            said = tried.read_text(encoding="utf-8") if tried.exists() else ""
            reason = " ".join(said.split())[:_REASON] or end
            problems.append(f"{plot.title} could not be drawn: {reason}")
    return problems


def _render(
    run: Runs, folder: Path, count: int, pythons: Sequence[str], labels: dict[str, str]
) -> list[str] | None:
    """Let the renderer try all; how it ended at each, if it did. None if there is no renderer."""
    source = (pkgutil.get_data("container", "report_drawing.py") or b"").decode()
    ends = ["the renderer did not get to it"] * count
    for python in pythons:
        before = -1
        while before < (tried := _tried(folder)) < count:
            before = tried
            words = [python, "-c", source, str(folder), str(SECONDS), json.dumps(labels)]
            ended = run(words, folder)
            if ended.late:
                return _late(ends, _tried(folder))
            if ended.code == report_drawing.NO_RENDERER:
                break
            ends[max(0, _tried(folder) - 1)] = _why(ended.code)
        else:
            return ends
    return None


def _late(ends: Sequence[str], tried: int) -> list[str]:
    """How the renderer ended at each plot when the time for all was over."""
    before = max(0, tried - 1)
    return [*ends[:before], *["the time for it was over"] * (len(ends) - before)]


def _why(code: int) -> str:
    if code == report_drawing.TOO_LONG:
        return f"it takes longer than {SECONDS} s"
    return f"the renderer ended with code {code}"


def _tried(folder: Path) -> int:
    return len(list(folder.glob("*.txt")))


def _images(plot: Plot, comparison: Comparison) -> tuple[list[Picture], list[str]]:
    found, problems = [], []
    for revision, name in ((comparison.old, BEFORE), (comparison.new, AFTER)):
        path = plot.images.get(revision)
        if path is None or not path.is_file():
            continue
        if path.stat().st_size > _LARGEST_BYTES:
            problems.append(f"{plot.title} ({name}) is too large to be shown{_megabytes(path)}")
        else:
            found.append(Picture(plot.title, path, name))
    return found, problems


def _file(folder: Path, number: int, kind: str) -> Path:
    return folder / f"{number:02}.{kind}"


def _labels(comparison: Comparison) -> dict[str, str]:
    """How a legend calls the commits."""
    return {
        comparison.old: f"{BEFORE} ({comparison.old[:7]})",
        comparison.new: f"{AFTER} ({comparison.new[:7]})",
    }


def _megabytes(file: Path) -> str:
    """A size, and the largest that there may be."""
    size = file.stat().st_size / 1e6
    return f": it has {size:.1f} MB, and a picture takes {_LARGEST_BYTES / 1e6:.0f} MB"
