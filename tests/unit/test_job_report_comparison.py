"""How DVC's answers about two commits are read, whole, in part or not at all."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from container.comparison import Comparison, Value, compare
from container.processes import Ended
from container.report_differences import MARK
from container.report_plots import CHANGED, Plot

OLD, NEWER = "a" * 40, "b" * 40
EMPTY = {"code": 0, "text": "{}", "said": ""}
NO_PLOTS = {"code": 0, "said": "", "plots": [], "unread": []}
Started = list[Sequence[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project" / ".dvc").mkdir(parents=True)
    return tmp_path / "project"


def told(**answers: object) -> bytes:
    """What the process that asks DVC prints, among noise."""
    lines = [f"noise\n{MARK}{json.dumps({name: answer})}\n" for name, answer in answers.items()]
    return "".join(lines).encode()


def said(answer: object, warning: str = "") -> dict[str, Any]:
    return {"code": 0, "text": json.dumps(answer), "said": warning}


@pytest.fixture
def asked(project: Path) -> Callable[..., Comparison]:
    """Compares with DVC's answers to some of the questions given, and nothing for the others."""

    def ask(**answers: Any) -> Comparison:
        found = {"metrics": EMPTY, "params": EMPTY, "locked": None, "plots": NO_PLOTS, **answers}
        output = told(**found)
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
        plots={"problem": "DVC's answer is not JSON"},
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
        if command[0] == "python3":
            return Ended(1)
        return Ended(0, told(metrics=said({"f": {"n": {"old": 1, "new": 2}}})))

    found = compare(run, project, OLD, NEWER, python=python, folder=project, dvc=("a/dvc",))

    assert [words[-1] for words in started if words[0] != "python3"] == ["a/dvc"]
    assert found.metrics.values == (Value("f", "n", 1, 2),)


def test_dvc_is_asked_from_outside_the_project(project: Path) -> None:
    seen: list[Path] = []

    def run(command: Sequence[str], directory: Path) -> Ended:
        seen.append(directory)
        return Ended(0, told(metrics=EMPTY, params=EMPTY, plots=NO_PLOTS))

    compare(run, project, OLD, NEWER, python="python3", folder=project)

    assert seen == [project.parent]


@pytest.mark.parametrize(
    ("ended", "why"),
    [
        (Ended(137, late=True), "the time for it was over"),
        (Ended(137), "DVC was killed, as where memory runs out"),
        (Ended(1), "DVC ended with exit code 1, see the log"),
    ],
)
def test_what_was_answered_before_dvc_was_ended_is_kept(
    project: Path, ended: Ended, why: str
) -> None:
    output = told(metrics=said({"f": {"n": {"old": 1, "new": 2}}}), params=EMPTY)
    cut = output + f"{MARK}{{".encode()

    found = compare(
        lambda command, directory: replace(ended, output=cut),
        project,
        OLD,
        NEWER,
        python="python3",
        folder=project,
    )

    assert found.metrics.values == (Value("f", "n", 1, 2),)
    assert found.params.problem == ""
    assert found.plots.problem == why


def test_nothing_more_is_asked_when_the_time_is_over(project: Path) -> None:
    started: Started = []

    def run(command: Sequence[str], directory: Path) -> Ended:
        started.append(command)
        return Ended(137, late=True)

    found = compare(run, project, OLD, NEWER, python="python3", folder=project)

    assert len(started) == 1
    assert found.metrics.problem == found.plots.problem == "the time for it was over"


def test_an_answer_that_is_too_large_says_so(asked: Callable[..., Comparison]) -> None:
    large = {"problem": "they are too large"}

    found = asked(params=large, locked=large, plots=large)

    assert (found.params.problem, found.plots.problem) == ("they are too large",) * 2


def test_plots_come_as_they_were_told(asked: Callable[..., Comparison]) -> None:
    plots = [
        {"title": "Loss", "change": CHANGED, "spec": "/s.json"},
        {"title": "ROC", "change": CHANGED, "images": {OLD: "/roc.png"}},
    ]

    found = asked(plots={**NO_PLOTS, "plots": plots, "unread": [["f.csv", "No such file"]]}).plots

    assert found.plots == (
        Plot("Loss", CHANGED, Path("/s.json")),
        Plot("ROC", CHANGED, None, {OLD: Path("/roc.png")}),
    )
    assert found.unread == (("f.csv", "No such file"),)
