"""The plots of two commits, as the process tells them that has read DVC's answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from container.report_rows import CHANGED, GONE, NEW, SAME

__all__ = ["CHANGED", "GONE", "NEW", "SAME", "Plot", "Plots", "read_plots"]


@dataclass(frozen=True)
class Plot:
    """One plot of DVC's: a Vega-Lite specification that shows both commits, or an image of each.

    `spec` is a file with the rows of both commits, of plots that differ; it may be large. `images`
    are files by commit. `change` is one of the constants of `report_rows`.
    """

    title: str
    change: str
    spec: Optional[Path] = None  # noqa: UP045 - Python 3.9 evaluates a field's type
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


def read_plots(answer: Mapping[str, Any]) -> Plots:
    """The plots in what `report_rows.reduced` has made of DVC's answer."""
    plots = (
        Plot(
            one["title"],
            one["change"],
            Path(one["spec"]) if "spec" in one else None,
            {revision: Path(file) for revision, file in one.get("images", {}).items()},
        )
        for one in answer["plots"]
    )
    return Plots(tuple(plots), unread=tuple((name, why) for name, why in answer["unread"]))
