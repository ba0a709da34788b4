"""The comment that a sweep leaves on its commit, and the results that it ranks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sweeper.ranking import best_value, ranked
from services.sweeper.report import Point, marker, report
from shared.events import Asked, Progress, Sweep
from shared.points import Result
from shared.runs import Run
from tests.samples import NOW, RUN_ID, a_job, a_run, minutes

SWEEP = Sweep(sweep_id=RUN_ID, size=60, space="lr=0.1,0.01", objective="accuracy")
MOST = 30_000


def over(state: str = "succeeded", sweep: Sweep = SWEEP, **changes: Any) -> Run:
    progress = Progress(size=60, succeeded=58, failed=2, best="0.94", looked_at=NOW)
    ended = {"started_at": NOW, "stopped_at": NOW + minutes(12)}
    job = a_job(job_id="job-1")
    given = {"state": state, "asked": Asked(sweep=sweep), "job": job, "progress": progress}
    return a_run(**{**given, **ended, **changes})


def a_point(index: int = 7, objective: float | None = 0.94, **fields: Any) -> Point:
    told = {"parameters": {"lr": 0.1, "act": "relu"}, "reason": "", "commit": None, "at": NOW}
    return Point(index=index, objective=objective, **{**told, **fields})


def a_result(index: int, objective: float | None = None, **fields: Any) -> tuple[str, Result]:
    told = {"at_ms": 1_700_000_000_000 + index, "wave": 1, "attempt": 1, "ok": True, "seconds": 1}
    result = Result(index=index, objective=objective, **{**told, **fields})
    return f"results/{result.name}", result


def test_the_report_tells_the_outcome_the_best_points_and_why_others_failed() -> None:
    failed = a_point(3, None, reason="stage train failed", parameters={"lr": 10, "deep": True})
    text = report(over(), SWEEP, [a_point(), a_point(8, 0.5)], [failed], None)

    assert text.split("\n\n") == [
        "**Sweep done** after 12 min: 60 of 60 done, 2 failed, best accuracy 0.94.",
        "lr=0.1,0.01 on branch main at 0123456",
        (
            "| point | accuracy | lr | act |\n| --: | --: | --- | --- |\n"
            "| 7 | 0.94 | 0.1 | relu |\n| 8 | 0.5 | 0.1 | relu |"
        ),
        "2 points failed, the first of them:",
        "- point 3 (lr=10, deep=true): stage train failed",
        f"All points: `cloud-runner sweep results {RUN_ID}`",
        (
            f"attempt 1 · [run](https://bitbucket.org/team/churn-model/commits/{over().commit} "
            f"{marker(RUN_ID)}) {RUN_ID}"
        ),
    ]


@pytest.mark.parametrize(
    ("run", "first_line"),
    [
        (
            over("failed", reason="4 of 60 points failed"),
            "**Sweep failed** after 12 min: 4 of 60 points failed. 60 of 60 done, 2 failed, ",
        ),
        (
            over("stopped", reason="stopped by Someone: too slow"),
            "**Sweep stopped** after 12 min: stopped by Someone: too slow. ",
        ),
    ],
)
def test_a_sweep_that_did_not_succeed_says_why(run: Run, first_line: str) -> None:
    assert report(run, SWEEP, [], [], None).startswith(first_line)


def test_points_that_are_judged_by_nothing_are_not_ranked() -> None:
    text = report(over(), SWEEP.model_copy(update={"objective": None}), [], [], None)

    assert "No metric was named, so the points are not ranked" in text


def test_a_metric_that_no_point_has_is_named() -> None:
    assert "No point has the metric accuracy" in report(over(), SWEEP, [], [], None)


def test_points_that_left_nothing_are_counted_all_the_same() -> None:
    assert "2 points failed, and left no result" in report(over(), SWEEP, [a_point()], [], None)


def test_what_was_written_by_others_is_no_markdown() -> None:
    wild = a_point(parameters={"a|b": "[x](y) `z`\n\n# big"})
    text = report(over(branch="*b*"), SWEEP, [wild], [], None)

    assert r"a\|b" in text
    assert r"\[x\](y) \`z\` \# big" in text
    assert r"branch \*b\*" in text


def test_what_was_written_by_others_calls_nobody_and_leads_nowhere() -> None:
    wild = a_point(parameters={"@{557058:c0ffee}": "http://evil.example"}, reason="@{1:2} ~~x~~")
    text = report(over(branch="@{557058:c0ffee}"), SWEEP, [wild], [wild], None)

    assert "@{" not in text
    assert "~~" not in text
    assert "http://evil" not in text
    assert r"branch @\{557058:c0ffee\}" in text


@given(
    st.lists(st.dictionaries(st.text(max_size=2000), st.text(max_size=2000)), max_size=10),
    st.text(max_size=5000),
)
def test_a_report_always_fits_into_a_comment(points: list[dict[str, str]], text: str) -> None:
    many = [
        a_point(parameters={**one, **{f"p{n}" * 30: text for n in range(20)}}) for one in points
    ]
    failed = [a_point(reason=text, parameters=one.parameters) for one in many][:3]
    sweep = SWEEP.model_copy(update={"space": text[:4096], "objective": "m" * 200})

    said = report(over(reason=text), sweep, many, failed, text)

    assert len(said) < MOST
    assert marker(RUN_ID) in said


@pytest.mark.parametrize(("direction", "best"), [("maximize", 2), ("minimize", 1)])
def test_results_are_ranked_by_the_objectives_direction(direction: Any, best: int) -> None:
    sweep = SWEEP.model_copy(update={"direction": direction})
    found = [a_result(1, 0.1), a_result(2, 0.9), a_result(3, None), a_result(4, ok=False)]
    ranking = ranked(found, sweep, 1)

    assert ranking.best[0][1].index == best
    assert [one.index for _, one in ranking.failed] == [4]
    assert ranking.succeeded == 3
    values = (one for _, one in found)
    assert best_value(values, sweep, 1, known=None) == ranking.best[0][1].objective


def test_results_of_another_wave_or_attempt_do_not_count() -> None:
    found = [a_result(1, 0.9, wave=2), a_result(1, 0.8, attempt=2), a_result(1, 0.1)]

    assert [one.objective for _, one in ranked(found, SWEEP, 1).best] == [0.1]
    assert best_value((one for _, one in found), SWEEP, 1, known=0.05) == 0.1


def test_a_point_that_ran_again_counts_once() -> None:
    later = a_result(1, 0.3, at_ms=1_700_000_100_000)
    found = [a_result(1, ok=False), later]

    assert ranked(found, SWEEP, 1).best == (later,)
    assert ranked(found, SWEEP, 1).failed == ()


def test_what_was_the_best_stays_the_best() -> None:
    assert best_value([a_result(1, 0.5)[1]], SWEEP, 1, known=0.7) == 0.7
    assert best_value([], SWEEP, 1, known=None) is None
