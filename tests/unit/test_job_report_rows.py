"""Which plots differ, by the rows of DVC's answer; and that the rows stay where they are read."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from container import report_differences
from container.report_rows import CHANGED, GONE, NEW, OTHER_FORM, SAME, reduced

OLD, NEWER = "a" * 40, "b" * 40


def vega(*rows: tuple[str, float], **more: object) -> dict[str, Any]:
    values = [{"rev": revision, "loss": loss} for revision, loss in rows]
    spec = {"title": {"text": "Loss"}, "data": {"values": values}, **more}
    return {"type": "vega", "revisions": [OLD, NEWER], "content": spec}


def plots_of(folder: Path, *parts: Mapping[str, Any]) -> list[dict[str, Any]]:
    plots: list[dict[str, Any]] = reduced({"data": {"loss.csv": parts}}, OLD, NEWER, folder)[
        "plots"
    ]
    return plots


@pytest.mark.parametrize(
    ("part", "change"),
    [
        (vega((OLD, 1), (NEWER, 1)), SAME),
        (vega((OLD, float("nan")), (NEWER, float("nan"))), SAME),
        (vega((OLD, 1), (NEWER, 2)), CHANGED),
        (vega((OLD, 1), (OLD, 2), (NEWER, 2), (NEWER, 1)), CHANGED),
        (vega((f"{OLD}::a", 1), (f"{NEWER}::a", 2)), CHANGED),
        (vega((NEWER, 2)), NEW),
        (vega((OLD, 2)), GONE),
        (vega(data={"url": "elsewhere"}), CHANGED),
    ],
)
def test_a_plot_that_differs_is_told_from_one_that_does_not(
    tmp_path: Path, part: Mapping[str, Any], change: str
) -> None:
    (plot,) = plots_of(tmp_path, part)

    assert (plot["title"], plot["change"]) == ("Loss", change)


@pytest.mark.parametrize("as_text", [True, False])
def test_the_rows_of_a_plot_that_differs_are_in_a_file(tmp_path: Path, as_text: bool) -> None:
    spec = vega((NEWER, 1))["content"]

    part = {**vega(), "content": json.dumps(spec) if as_text else spec}
    (plot,) = plots_of(tmp_path / "plots", part)

    assert json.loads(Path(plot["spec"]).read_text()) == spec


def test_the_rows_of_a_plot_that_does_not_differ_are_nowhere(tmp_path: Path) -> None:
    same, gone = plots_of(tmp_path, vega((OLD, 1), (NEWER, 1)), vega((OLD, 1)))

    assert "spec" not in {*same, *gone}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("content", "change"), [(b"old", SAME), (b"new", CHANGED)])
def test_an_image_is_one_plot_with_the_file_of_each_commit(
    tmp_path: Path, content: bytes, change: str
) -> None:
    files = {OLD: tmp_path / "old.png", NEWER: tmp_path / "new.png"}
    files[OLD].write_bytes(b"old")
    files[NEWER].write_bytes(content)

    parts = [{"type": "image", "revisions": [key], "url": str(files[key])} for key in files]
    (plot,) = plots_of(tmp_path, *parts)

    assert plot["images"] == {key: str(file) for key, file in files.items()}
    assert (plot["title"], plot["change"]) == ("loss.csv", change)


def test_an_image_of_one_commit_is_new_or_gone(tmp_path: Path) -> None:
    (tmp_path / "roc.png").touch()

    changes = [
        plots_of(tmp_path, {"type": "image", "revisions": [one], "url": "roc.png"})[0]["change"]
        for one in (OLD, NEWER)
    ]

    assert changes == [GONE, NEW]


def test_plots_that_cannot_be_read_do_not_hide_the_others(tmp_path: Path) -> None:
    errors = [
        {"name": "roc.csv", "rev": NEWER, "msg": "No such file"},
        {"name": "old.csv", "rev": OLD, "msg": "No such file"},
        {"rev": NEWER, "msg": "no name"},
    ]
    odd = [vega((NEWER, 1)), {"type": "vega", "content": "{"}]
    answer = {"data": {"odd": odd, "l": [vega((OLD, 1))]}, "errors": errors}

    found = reduced(answer, OLD, NEWER, tmp_path)

    assert [plot["title"] for plot in found["plots"]] == ["Loss"]
    assert found["unread"] == [("roc.csv", "No such file"), ("odd", OTHER_FORM)]


def kept(name: str, text: str, folder: Path) -> dict[str, Any]:
    file = io.BytesIO(text.encode())
    return report_differences._kept(name, 0, "", file, (OLD, NEWER, folder))


def test_what_is_told_of_plots_does_not_grow_with_their_rows(tmp_path: Path) -> None:
    rows = [(revision, n) for revision in (OLD, NEWER) for n in range(5_000)]
    rows[-1] = (NEWER, -1)

    answer = json.dumps({"data": {"loss.csv": [vega(*rows)]}})
    found = kept("plots", answer, tmp_path)

    assert len(answer) > 500_000
    assert found["plots"][0]["change"] == CHANGED
    assert len(json.dumps(found)) < 1_000


@pytest.mark.parametrize(("name", "most"), [("metrics", "_LARGEST"), ("plots", "_LARGEST_PLOTS")])
def test_an_answer_that_is_too_large_is_not_read(
    name: str, most: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_differences, most, 1_000_000)

    found = kept(name, '"' + "x" * 1_200_000 + '"', tmp_path)

    assert found == {
        "problem": "they are too large (DVC's answer has 1.2 MB, a report takes 1 MB): "
        f"name smaller files under {name} in dvc.yaml"
    }


@pytest.mark.parametrize(
    ("text", "why"), [("{", "DVC's answer is not JSON"), ("[]", OTHER_FORM), ("[" * 10**5, "")]
)
def test_an_answer_that_is_none_is_a_problem(text: str, why: str, tmp_path: Path) -> None:
    assert why in kept("plots", text, tmp_path)["problem"]


def test_thousands_of_plots_are_too_many_to_be_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report_differences, "_LARGEST", 1_000)

    report_differences._tell("plots", {"plots": ["x" * 100] * 100})

    printed = capsys.readouterr().out
    assert len(printed) < 300
    assert "they are too large" in printed
