"""How DVC's answers about two commits are read, whole, in part or not at all."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from container.comparison import Comparison, Value, compare
from container.processes import Ended
from container.report_differences import MARK
from container.report_plots import CHANGED, GONE, NEW, SAME

OLD, NEWER = "a" * 40, "b" * 40
EMPTY = {"code": 0, "text": "{}", "said": ""}
Started = list[Sequence[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project" / ".dvc").mkdir(parents=True)
    return tmp_path / "project"


def said(answer: object, warning: str = "") -> dict[str, Any]:
    return {"code": 0, "text": json.dumps(answer), "said": warning}


@pytest.fixture
def asked(project: Path) -> Callable[..., Comparison]:
    """Compares with DVC's answers to some of the questions given, and nothing for the others."""

    def ask(**answers: Any) -> Comparison:
        found = {"metrics": EMPTY, "params": EMPTY, "plots": EMPTY, "locked": None, **answers}
        output = f"noise\n{MARK}{json.dumps(found)}\n".encode()
        run = lambda command, directory: Ended(0, output)  # noqa: E731 - no more than this
        return compare(run, project, OLD, NEWER, python="python3", folder=project / "images")

    return ask


def test_all_kinds_of_values_are_kept(asked: Callable[..., Comparison]) -> None:
    answer = {
        "m.json": {
            "nan": {"old": math.nan, "new": math.inf},
            "k|`\n[é": {"old": None, "new": "x" * 10_000},
            "list": {"old": "[1, 2]", "new": True},
        }
    }

    metrics = asked(metrics=said(answer)).metrics

    assert [value.name for value in metrics.values] == ["k|`\n[é", "list", "nan"]
    assert metrics.values[0].new == "x" * 10_000
    assert metrics.values[1] == Value("m.json", "list", "[1, 2]", True)
    assert math.isnan(metrics.values[2].old)


def test_400_metrics_come_in_the_order_of_their_names(asked: Callable[..., Comparison]) -> None:
    answer = {"m.json": {f"m{n % 400:03}": {"old": n, "new": n} for n in range(1, 401)}}

    values = asked(metrics=said(answer)).metrics.values

    assert [value.name for value in values] == [f"m{n:03}" for n in range(400)]


def test_each_question_may_fail_alone(asked: Callable[..., Comparison]) -> None:
    found = asked(
        metrics={"code": 255, "text": "", "said": "ERROR: unknown Git revision 'a'\n"},
        params=said({"params.yaml": {"n": {"old": 1, "new": 2}}}),
        plots={"code": 0, "text": "{", "said": ""},
    )

    assert found.metrics.problem == "DVC says: unknown Git revision 'a'"
    assert found.params.values == (Value("params.yaml", "n", 1, 2),)
    assert found.plots.problem == "DVC's answer is not JSON"


@pytest.mark.parametrize("answer", [[], {"m": 1}, {"m": {"a": 1}}, {"m": {"a": {"old": 1}}}])
def test_an_answer_of_another_form_is_a_problem(
    asked: Callable[..., Comparison], answer: object
) -> None:
    found = asked(metrics=said(answer))

    assert "another form" in found.metrics.problem


def test_the_commit_that_dvc_could_not_read_is_known(asked: Callable[..., Comparison]) -> None:
    warning = f"DVC failed to load some metrics for following revisions: '{OLD}'.\n"

    assert asked(metrics=said({}, warning)).metrics.unread == (OLD,)


def test_parameters_are_those_that_the_stages_had_run_with(
    asked: Callable[..., Comparison],
) -> None:
    files = {"params.yaml": {"f.degree": {"old": 2, "new": 2}, "rate": {"old": 1, "new": 1}}}
    locked = {
        "old": [["params.yaml", {"f": {"degree": 1}}]],
        "new": [["params.yaml", {"f": {"degree": 2}}]],
    }

    params = asked(params=said(files), locked=locked).params

    assert params.values[0] == Value("params.yaml", "f.degree", 1, 2)
    assert not params.values[1].changed
    assert params.locked


def test_a_project_without_dvc_starts_nothing(tmp_path: Path) -> None:
    def run(command: Sequence[str], directory: Path) -> Ended:
        raise AssertionError(command)

    found = compare(run, tmp_path, OLD, NEWER, python="python3", folder=tmp_path)

    assert found.metrics.problem == "this project does not use DVC"
    assert found.plots.problem == "this project does not use DVC"


@pytest.mark.parametrize("python", [None, "python3"])
def test_without_a_python_of_dvcs_its_command_is_asked(project: Path, python: str | None) -> None:
    started: Started = []

    def run(command: Sequence[str], directory: Path) -> Ended:
        started.append(command)
        answer = {"f": {"n": {"old": 1, "new": 2}}}
        return Ended(1 if command[0] == "python3" else 0, json.dumps(answer).encode())

    found = compare(run, project, OLD, NEWER, python=python, folder=project, dvc=("a/dvc",))

    asked = [list(words[:3]) for words in started if words[0] == "a/dvc"]
    assert asked == [["a/dvc", name, "diff"] for name in ("metrics", "params", "plots")]
    assert found.metrics.values == (Value("f", "n", 1, 2),)


def test_dvc_is_asked_from_outside_the_project(project: Path) -> None:
    seen: list[Path] = []

    def run(command: Sequence[str], directory: Path) -> Ended:
        seen.append(directory)
        return Ended(
            0, f"{MARK}{json.dumps(dict.fromkeys(('metrics', 'params', 'plots'), EMPTY))}".encode()
        )

    compare(run, project, OLD, NEWER, python="python3", folder=project)

    assert seen == [project.parent]


def vega(*rows: tuple[str, int], **more: object) -> dict[str, Any]:
    values = [{"rev": revision, "loss": loss} for revision, loss in rows]
    spec = {"title": {"text": "Loss"}, "data": {"values": values}, **more}
    return {"type": "vega", "revisions": [OLD, NEWER], "content": spec}


def plots_of(*parts: Mapping[str, Any], errors: object = ()) -> dict[str, Any]:
    return said({"data": {"loss.csv": parts}, "errors": errors})


@pytest.mark.parametrize(
    ("part", "change"),
    [
        (vega((OLD, 1), (NEWER, 1)), SAME),
        (vega((OLD, 1), (NEWER, 2)), CHANGED),
        (vega((f"{OLD}::a", 1), (f"{NEWER}::a", 2)), CHANGED),
        (vega((NEWER, 2)), NEW),
        (vega((OLD, 2)), GONE),
        (vega(data={"url": "elsewhere"}), CHANGED),
    ],
)
def test_a_plot_that_differs_is_told_from_one_that_does_not(
    asked: Callable[..., Comparison], part: Mapping[str, Any], change: str
) -> None:
    (plot,) = asked(plots=plots_of(part)).plots.plots

    assert (plot.title, plot.change) == ("Loss", change)


def test_a_specification_may_be_text(asked: Callable[..., Comparison]) -> None:
    part = vega((NEWER, 1))

    found = asked(plots=plots_of({**part, "content": json.dumps(part["content"])}))

    assert found.plots.plots[0].spec == part["content"]


def test_an_image_is_one_plot_with_the_file_of_each_commit(
    asked: Callable[..., Comparison], tmp_path: Path
) -> None:
    files = {revision: tmp_path / f"{revision}.png" for revision in (OLD, NEWER)}
    for revision, file in files.items():
        file.write_text(revision)

    found = asked(
        plots=plots_of(
            *(
                {"type": "image", "revisions": [key], "url": str(file)}
                for key, file in files.items()
            )
        )
    )

    assert found.plots.plots[0].images == files
    assert found.plots.plots[0].change == CHANGED


def test_plots_that_cannot_be_read_do_not_hide_the_others(
    asked: Callable[..., Comparison],
) -> None:
    errors = [
        {"name": "roc.csv", "rev": NEWER, "msg": "No such file"},
        {"name": "old.csv", "rev": OLD, "msg": "No such file"},
        {"rev": NEWER, "msg": "no name"},
    ]
    answer = {"data": {"odd": [{"type": "vega", "content": "{"}], "l": [vega((OLD, 1))]}}

    found = asked(plots=said({**answer, "errors": errors})).plots

    assert [plot.title for plot in found.plots] == ["Loss"]
    assert [name for name, _ in found.unread] == ["roc.csv", "odd"]
