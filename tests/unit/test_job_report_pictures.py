"""Which plots become pictures, and what is said of those that do not."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from container import report_drawing
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


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    file = tmp_path / "specification"
    file.write_text(json.dumps(SPEC))
    return file


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


def test_only_plots_that_differ_are_drawn(tmp_path: Path, spec: Path) -> None:
    plots = [Plot(change, change, spec) for change in ("new", "changed", "gone", "same")]

    found = draw(renderer(), comparison(*plots), tmp_path / "p", pythons=["python3"])

    assert drawn(found) == ["new", "changed"]
    assert found.left == ()


def test_a_legend_calls_the_commits_before_and_after(
    tmp_path: Path, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[dict[str, Any]] = []

    class Renderer(ModuleType):
        def get_vegalite_versions(self) -> list[str]:
            return []

        def vegalite_to_png(self, spec: dict[str, Any], **_: object) -> bytes:
            drawn.append(spec)
            return b"png"

    monkeypatch.setitem(sys.modules, "vl_convert", Renderer("vl_convert"))
    monkeypatch.setattr(report_drawing, "_go_first", lambda: None)

    def run(command: Sequence[str], folder: Path) -> Ended:
        return Ended(report_drawing.main(*command[-3:]))

    draw(run, comparison(Plot("Loss", "new", spec)), tmp_path / "p", pythons=["python3"])

    assert drawn[0]["encoding"]["color"]["scale"]["domain"] == [
        "before (aaaaaaa)",
        "after (bbbbbbb)",
    ]
    assert drawn[0]["data"]["values"][1]["rev"] == "after (bbbbbbb)::f"
    assert drawn[0]["data"]["values"][0]["loss"] is None


def test_a_bad_plot_does_not_lose_the_others(tmp_path: Path, spec: Path) -> None:
    plots = [Plot(f"plot {n}", "new", spec) for n in range(4)]
    ends = {1: TOO_LONG, 2: 139}

    found = draw(
        renderer(lambda number: ends.get(number, 0)),
        comparison(*plots),
        tmp_path / "p",
        pythons=["p"],
    )

    assert drawn(found) == ["plot 0", "plot 3"]
    assert found.left == (
        "plot 1 could not be drawn: it takes longer than 20 s",
        "plot 2 could not be drawn: the renderer ended with code 139",
    )


def test_the_first_python_with_a_renderer_is_taken(tmp_path: Path, spec: Path) -> None:
    plot = Plot("Loss", "new", spec)

    found = draw(renderer(missing=["p1"]), comparison(plot), tmp_path / "p", pythons=["p1", "p2"])

    assert drawn(found) == ["Loss"]


def test_an_image_without_a_renderer_is_told_what_to_install(tmp_path: Path, spec: Path) -> None:
    plots = [Plot("Loss", "new", spec), Plot("ROC", "changed", spec)]

    found = draw(renderer(missing=["p"]), comparison(*plots), tmp_path / "p", pythons=["p"])

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


def test_twelve_pictures_are_drawn_and_the_others_named(tmp_path: Path, spec: Path) -> None:
    plots = [Plot(f"plot {n}", "new", spec) for n in range(15)]

    found = draw(renderer(), comparison(*plots), tmp_path / "p", pythons=["p"])

    assert len(found.drawn) == 12
    assert found.left == (
        "12 pictures at most are drawn; 3 more plots differ: plot 12, plot 13, plot 14",
    )


def test_a_plot_that_is_too_large_is_not_drawn_and_the_others_are(
    tmp_path: Path, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("container.pictures._LARGEST_BYTES", 1_000_000)
    large = tmp_path / "large"
    large.write_bytes(b"x" * 1_200_000)
    plots = [Plot("Rows", "new", large), Plot("Loss", "new", spec)]

    found = draw(renderer(), comparison(*plots), tmp_path / "p", pythons=["p"])

    assert drawn(found) == ["Loss"]
    assert found.left == ("Rows is too large to be drawn: it has 1.2 MB, and a picture takes 1 MB",)


def test_when_the_time_is_over_nothing_more_is_drawn_and_the_report_says_so(
    tmp_path: Path, spec: Path
) -> None:
    def run(command: Sequence[str], folder: Path) -> Ended:
        (folder / "00.png").write_bytes(b"png")
        (folder / "00.txt").touch()
        (folder / "01.txt").touch()
        return Ended(137, late=True)

    plots = [Plot(f"plot {n}", "new", spec) for n in range(3)]

    found = draw(run, comparison(*plots), tmp_path / "p", pythons=["p1", "p2"])

    assert drawn(found) == ["plot 0"]
    assert found.left == (
        "plot 1 could not be drawn: the time for it was over",
        "plot 2 could not be drawn: the time for it was over",
    )
