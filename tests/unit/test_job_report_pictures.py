"""Which plots become pictures, and what is said of those that do not."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from container.comparison import Comparison, Differences
from container.pictures import Pictures, draw
from container.processes import Ended
from container.report_drawing import NO_RENDERER, TOO_LONG
from container.report_plots import Plot, Plots

OLD, NEW = "a" * 40, "b" * 40
SPEC: dict[str, Any] = {
    "data": {"values": [{"rev": OLD, "loss": float("nan")}, {"rev": f"{NEW}::f"}]},
    "encoding": {"color": {"scale": {"domain": [OLD, NEW]}}},
}


def comparison(*plots: Plot) -> Comparison:
    return Comparison(OLD, NEW, Differences(), Differences(), Plots(plots))


def renderer(
    end: Callable[[int], int] = lambda number: 0, missing: Sequence[str] = ()
) -> Callable[[Sequence[str], Path], Ended]:
    """Draws as `report_drawing` does; with a code for a number its process ends there."""

    def run(command: Sequence[str], folder: Path) -> Ended:
        if command[0] in missing:
            return Ended(NO_RENDERER)
        for source in sorted(folder.glob("*.json")):
            if source.with_suffix(".txt").exists():
                continue
            source.with_suffix(".txt").touch()
            code = end(int(source.stem))
            if code:
                return Ended(code)
            source.with_suffix(".png").write_bytes(b"png")
        return Ended(0)

    return run


def drawn(found: Pictures) -> list[str]:
    return [picture.title for picture in found.drawn]


def test_only_plots_that_differ_are_drawn(tmp_path: Path) -> None:
    plots = [Plot(change, change, SPEC) for change in ("new", "changed", "gone", "same")]

    found = draw(renderer(), comparison(*plots), tmp_path / "p", pythons=["python3"])

    assert drawn(found) == ["new", "changed"]
    assert found.left == ()


def test_a_legend_calls_the_commits_before_and_after(tmp_path: Path) -> None:
    draw(renderer(), comparison(Plot("Loss", "new", SPEC)), tmp_path, pythons=["python3"])

    spec = json.loads((tmp_path / "00.json").read_text())
    assert spec["encoding"]["color"]["scale"]["domain"] == ["before (aaaaaaa)", "after (bbbbbbb)"]
    assert spec["data"]["values"][1]["rev"] == "after (bbbbbbb)::f"
    assert spec["data"]["values"][0]["loss"] is None


def test_a_bad_plot_does_not_lose_the_others(tmp_path: Path) -> None:
    plots = [Plot(f"plot {n}", "new", SPEC) for n in range(4)]
    ends = {1: TOO_LONG, 2: 139}

    found = draw(
        renderer(lambda number: ends.get(number, 0)), comparison(*plots), tmp_path, pythons=["p"]
    )

    assert drawn(found) == ["plot 0", "plot 3"]
    assert found.left == (
        "plot 1 could not be drawn: it takes longer than 20 s",
        "plot 2 could not be drawn: the renderer ended with code 139",
    )


def test_the_first_python_with_a_renderer_is_taken(tmp_path: Path) -> None:
    plot = Plot("Loss", "new", SPEC)

    found = draw(renderer(missing=["p1"]), comparison(plot), tmp_path, pythons=["p1", "p2"])

    assert drawn(found) == ["Loss"]


def test_an_image_without_a_renderer_is_told_what_to_install(tmp_path: Path) -> None:
    plots = [Plot("Loss", "new", SPEC), Plot("ROC", "changed", SPEC)]

    found = draw(renderer(missing=["p"]), comparison(*plots), tmp_path, pythons=["p"])

    assert found.drawn == ()
    assert len(found.left) == 1
    assert "has no vl-convert, so plots are not drawn: pip install" in found.left[0]
    assert found.left[0].endswith("They differ: Loss, ROC")


def test_images_of_both_commits_are_taken_as_they_are(tmp_path: Path) -> None:
    files = {OLD: tmp_path / "old.png", NEW: tmp_path / "new.png"}
    for file in files.values():
        file.write_bytes(b"png")
    plot = Plot("roc.png", "changed", None, files)

    found = draw(renderer(missing=["p"]), comparison(plot), tmp_path / "p", pythons=["p"])

    assert [(one.path, one.revision) for one in found.drawn] == [
        (files[OLD], "before"),
        (files[NEW], "after"),
    ]
    assert found.left == ()


def test_twelve_pictures_are_drawn_and_the_others_named(tmp_path: Path) -> None:
    plots = [Plot(f"plot {n}", "new", SPEC) for n in range(15)]

    found = draw(renderer(), comparison(*plots), tmp_path, pythons=["p"])

    assert len(found.drawn) == 12
    assert found.left == (
        "12 pictures at most are drawn; 3 more plots differ: plot 12, plot 13, plot 14",
    )
