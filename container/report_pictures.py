"""What a report shows of plots, and what it says of those that it cannot show."""

from __future__ import annotations

from collections.abc import Iterable

from container.comparison import Comparison
from container.pictures import Picture, Pictures
from container.report_plots import GONE, SAME
from container.report_sections import Section
from container.report_tables import command
from container.report_text import link, shown

_TITLE = 80
_NAMES = 500
_SENTENCE = 700


def plots(comparison: Comparison, pictures: Pictures | None) -> Section:
    """The plots: pictures of those that differ, or their names where nobody has drawn any."""
    found = comparison.plots
    if found.problem:
        return Section("Plots", (f"The plots could not be compared: {shown(found.problem, 600)}.",))
    if not found.plots and not found.unread:
        return Section(
            "Plots",
            ("This project has no plots: name some under `plots:` in `dvc.yaml`.",),
        )
    same = sum(plot.change == SAME for plot in found.plots)
    gone = [plot.title for plot in found.plots if plot.change == GONE]
    sentences = []
    if found.plots and same == len(found.plots):
        sentences.append(
            f"No plot changed: all {same} are as before." if same > 1 else "The plot is as before."
        )
    elif same:
        sentences.append(
            f"{same} of {len(found.plots)} plots {'is' if same == 1 else 'are'} as before."
        )
    if gone:
        sentences.append(f"No longer there: {_names(gone)}.")
    if found.unread:
        unread = (f"{name} ({why})" if why else name for name, why in found.unread)
        sentences.append(f"DVC could not load: {_names(unread)}.")
    rows = []
    if pictures is None:
        rows = [
            f"- {shown(plot.title, _TITLE)}: {plot.change}"
            for plot in found.plots
            if plot.change not in (SAME, GONE)
        ]
    else:
        sentences += [_sentence(left) for left in pictures.left]
        lost = [_title(picture) for picture in pictures.drawn if not picture.address]
        if lost:
            sentences.append(f"Drawn, but there was no place to keep them: {_names(lost)}.")
        rows = [_shown(picture) for picture in pictures.drawn if picture.address]
    return Section(
        "Plots",
        tuple(sentences),
        (),
        tuple(rows),
        "plots" if pictures is None else "pictures",
        command("dvc plots diff", comparison),
    )


def _shown(picture: Picture) -> str:
    """A picture, or the way to it; an image has no name of its own in it.

    >>> from pathlib import Path
    >>> print(_shown(Picture("roc", Path("roc.png"), "after", "https://h.example/roc.png")))
    **roc, after**
    <BLANKLINE>
    ![roc, after](https://h.example/roc.png)
    """
    title = shown(_title(picture), _TITLE)
    there = link(title, picture.address)
    if not picture.shown or not there.startswith("["):
        return there
    return f"**{title}**\n\n!{there}" if picture.revision else f"!{there}"


def _title(picture: Picture) -> str:
    return f"{picture.title}, {picture.revision}" if picture.revision else picture.title


def _names(names: Iterable[str]) -> str:
    return shown(", ".join(names), _NAMES)


def _sentence(text: str) -> str:
    line = shown(text, _SENTENCE)
    return line if line.endswith((".", "…")) else f"{line}."
