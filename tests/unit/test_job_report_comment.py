"""The comment below a commit: what a person reads of one run or another."""

from dataclasses import replace
from pathlib import Path

import pytest

from container.comparison import Comparison, Differences, Value
from container.pictures import Picture, Pictures
from container.report import (
    Facts,
    Report,
    StageTime,
    compose,
    difference_markdown,
    link_comment,
    marker,
    own,
)
from container.report_plots import Plot, Plots

ASKED = "dac3b15d36ec1f5df3c69e545ed3527df0e645f7"
RESULT = "4248944888db407ac47024b44a9ad91f4fcab5c4"
PAGES = "https://bitbucket.org/team/churn/commits"
LOG = "https://console.example/log"
NO_PICTURES = Pictures()
FACTS = Facts(
    ran="dvc repro --single-item train",
    workspace="team",
    repository="churn",
    branch="main",
    commit=ASKED,
    run_id="4f2a",
    attempt="1",
    try_number=2,
    outcome="succeeded",
    seconds=312.4,
    result_commit=RESULT,
    result_branch="main",
    log_address=LOG,
    machine="g5.xlarge, spot",
    stages=(
        StageTime("featurize_data", "cached", None),
        StageTime("train", "ran", 287.2),
        StageTime("evaluate", "unchanged", None),
    ),
)
FAILED = replace(
    FACTS,
    outcome="failed",
    reason="dvc repro: a stage failed",
    result_commit="",
    result_branch="",
    stages=(StageTime("train", "failed", 17.0),),
    log_tail=("Traceback", "ValueError: `x`"),
)
METRICS = Differences(
    (
        Value("metrics.json", "accuracy", 0.7167, 0.9167),
        Value("metrics.json", "log_loss", 0.6661, 0.464),
        Value("metrics.json", "rows", 180, 180),
    )
)
PARAMS = Differences((Value("params.yaml", "featurize.degree", 1, 2),), locked=True)
PLOTS = Plots((Plot("Loss while training", "changed"), Plot("ROC", "same")))
COMPARISON = Comparison(ASKED, RESULT, METRICS, PARAMS, PLOTS)
LOSS = Picture("Loss while training", Path("00.png"), address="https://h.example/loss.png")


def comment(
    facts: Facts = FACTS,
    comparison: Comparison | None = COMPARISON,
    pictures: Pictures = NO_PICTURES,
    whole: str = "",
) -> str:
    return compose(facts, comparison, pictures, whole).comment


def section(text: str, title: str) -> str:
    """What stands below a heading."""
    return text.split(f"## {title}\n\n")[1].split("\n\n## ", maxsplit=1)[0]


def metrics_of(*values: tuple[object, object]) -> Comparison:
    found = [Value("m.json", f"m{at:03}", old, new) for at, (old, new) in enumerate(values)]
    return replace(COMPARISON, metrics=Differences(tuple(found)))


def test_the_first_line_says_the_outcome_and_leads_to_results_and_log() -> None:
    assert comment().split("\n")[0] == (
        f"**Succeeded** in 5 min 12 s, results in [4248944]({PAGES}/{RESULT}) on main "
        f"([log]({LOG}))."
    )


def test_the_second_line_says_what_ran_where() -> None:
    assert comment().split("\n")[2] == (
        f"`dvc repro --single-item train` on team/churn, branch main at [dac3b15]({PAGES}/{ASKED})"
    )


def test_notes_stand_above_all_tables() -> None:
    moved = "main had moved on, so the results are on results/main/dac3b15-4f2a"

    text = comment(replace(FACTS, notes=(moved,)))

    assert f"\n- {moved}\n" in text.split("## ")[0]


def test_notes_beyond_all_measure_are_counted() -> None:
    text = comment(replace(FACTS, notes=("n" * 400,) * 50))

    assert "- And 41 more notes, in the log." in text


def test_changed_metrics_show_both_values_and_the_direction() -> None:
    assert section(comment(), "Metrics").split("\n") == [
        "2 of 3 metrics changed.",
        "",
        "| metrics.json | Before (dac3b15) | After (4248944) | Change |",
        "| --- | ---: | ---: | ---: |",
        "| accuracy | 0.7167 | 0.9167 | ▲ +0.2 (+27.9%) |",
        "| log_loss | 0.6661 | 0.464 | ▼ -0.2021 (-30.3%) |",
    ]


def test_several_files_have_a_column() -> None:
    values = (Value("a.json", "loss", 1, 2), Value("b.json", "loss", 1, 2))

    text = comment(comparison=replace(COMPARISON, metrics=Differences(values)))

    assert "| File | Metric | Before (dac3b15) | After (4248944) | Change |" in text
    assert "| b.json | loss | 1 | 2 | ▲ +1 (+100%) |" in text


def test_parameters_are_what_the_stages_had_run_with() -> None:
    text = section(comment(), "Parameters")

    assert "as `dvc.lock` says" in text
    assert "| featurize.degree | 1 | 2 |" in text


def test_a_picture_of_a_plot_that_differs_is_shown() -> None:
    text = section(comment(pictures=Pictures((LOSS,))), "Plots")

    assert text.split("\n") == [
        "1 of 2 plots is as before.",
        "",
        "![Loss while training](https://h.example/loss.png)",
    ]


def test_an_image_of_each_commit_stands_below_its_name() -> None:
    image = replace(LOSS, title="roc.png", revision="before", address="https://h.example/r.png")

    text = comment(pictures=Pictures((image,)))

    assert "**roc.png, before**\n\n![roc.png, before](https://h.example/r.png)" in text


def test_a_picture_that_bitbucket_cannot_show_is_linked() -> None:
    text = comment(pictures=Pictures((replace(LOSS, shown=False),)))

    assert "\n[Loss while training](https://h.example/loss.png)" in text


def test_a_picture_in_s3_is_named_with_its_address() -> None:
    text = comment(pictures=Pictures((replace(LOSS, address="s3://bucket/loss.png"),)))

    assert "Loss while training (`s3://bucket/loss.png`)" in text
    assert "![" not in text


def test_a_picture_that_was_put_nowhere_is_named() -> None:
    text = comment(pictures=Pictures((replace(LOSS, address=""),)))

    assert "Drawn, but there was no place to keep them: Loss while training." in text


def test_a_missing_renderer_is_said() -> None:
    left = "This image has no vl-convert, so plots are not drawn. They differ: Loss while training"

    assert f"{left}." in comment(pictures=Pictures(left=(left,)))


def test_stages_show_what_they_took_and_what_the_run_cache_gave() -> None:
    assert section(comment(), "Stages").split("\n")[:7] == [
        "3 stages: 1 ran, 1 from the run cache, 1 unchanged.",
        "",
        "| Stage | Outcome | Time |",
        "| --- | --- | ---: |",
        "| featurize_data | from the run cache |  |",
        "| train | ran | 4 min 47 s |",
        "| evaluate | unchanged |  |",
    ]


def test_the_last_line_holds_machine_attempt_and_the_marker() -> None:
    last = comment().split("\n")[-1]

    assert last == (f'g5.xlarge, spot · attempt 1, try 2 · [run]({LOG} "cloud-run:4f2a") 4f2a')
    assert marker("4f2a") in last


def test_the_marker_of_a_run_is_in_no_comment_of_another() -> None:
    assert marker("run1") not in comment(replace(FACTS, run_id="run10"))


def test_the_marker_is_there_without_a_log_and_with_an_endless_address() -> None:
    for address in ("", "s3://bucket/log", "https://h.example/" + "a" * 5000):
        assert f'"{marker("4f2a")[1:-1]}"' in comment(replace(FACTS, log_address=address))


def test_a_failure_shows_why_and_the_end_of_the_log() -> None:
    text = comment(FAILED, None)

    assert text.startswith(
        f"**Failed** after 5 min 12 s ([log]({LOG})): dvc repro: a stage failed."
    )
    assert "```\nTraceback\nValueError: `x`\n```" in text
    assert "There is no result commit, so metrics, parameters and plots are not compared." in text
    assert "| train | **failed** | 17 s |" in text


def test_the_log_cannot_leave_its_block() -> None:
    text = comment(replace(FAILED, log_tail=("```", "\x1b[31m# no heading\x1b[0m", "````")), None)

    assert "\n`````\n```\n# no heading\n````\n`````\n" in text


def test_a_long_log_is_cut_from_its_beginning() -> None:
    text = comment(
        replace(FAILED, log_tail=tuple(f"line {n} " + "x" * 90 for n in range(500))), None
    )

    assert "line 499 " in text
    assert "line 1 " not in text
    assert len(text) < 10_000


def test_an_interruption_is_no_failure() -> None:
    text = comment(
        replace(FAILED, outcome="interrupted", reason="the spot machine was taken"), None
    )

    assert text.startswith("**Interrupted** after 5 min 12 s")
    assert ": the spot machine was taken." in text.split("\n")[0]


def test_a_run_that_changed_nothing_says_so() -> None:
    text = comment(replace(FACTS, result_commit="", result_branch=""), None)

    assert "nothing changed that Git keeps, so there is no result commit" in text.split("\n")[0]


def test_results_without_a_comparison_claim_nothing() -> None:
    assert "No metrics, parameters or plots of DVC's are compared." in comment(comparison=None)


@pytest.mark.parametrize(
    ("metrics", "sentence"),
    [
        (Differences(), "This project has no metrics"),
        (
            Differences((Value("m", "a", None, 1), Value("m", "b", None, 2))),
            "There is no baseline: the commit before, dac3b15, has no metrics.",
        ),
        (Differences((Value("m", "a", 1, 1),)), "The one metric is as before."),
        (
            Differences(tuple(Value("m", str(n), n, n) for n in range(400))),
            "No metric changed: all 400 are as before.",
        ),
        (
            Differences((Value("m", "a", None, 1),), unread=(ASKED,)),
            "DVC could not load some metrics of the commit before, so what is missing there",
        ),
        (
            Differences(problem="DVC's answer is not JSON"),
            "The metrics could not be compared: DVC's answer is not JSON.",
        ),
    ],
)
def test_each_way_to_have_no_table_has_its_sentence(metrics: Differences, sentence: str) -> None:
    text = section(comment(comparison=replace(COMPARISON, metrics=metrics)), "Metrics")

    assert sentence in text


def test_metrics_without_a_baseline_are_shown_all_the_same() -> None:
    text = comment(comparison=metrics_of((None, 0.5)))

    assert "| m.json | Value |\n| --- | --- |\n| m000 | 0.5 |" in text


def test_what_was_out_of_reach_is_not_called_new() -> None:
    values = (Value("m", "a", None, 1), Value("m", "b", 1, 2))

    found = replace(COMPARISON, metrics=Differences(values, unread=(ASKED,)))

    assert "| a | — | 1 |  |" in comment(comparison=found)


def test_no_plots_and_unreadable_ones_have_their_sentences() -> None:
    none = replace(COMPARISON, plots=Plots())
    some = replace(
        COMPARISON,
        plots=Plots((Plot("old.csv", "gone"),), unread=(("roc.csv", "No such file"),)),
    )

    assert "This project has no plots" in comment(comparison=none)
    assert "No longer there: old.csv." in comment(comparison=some)
    assert "DVC could not load: roc.csv (No such file)." in comment(comparison=some)


def test_one_reason_for_all_is_said_once() -> None:
    unknown = Differences(problem="this project does not use DVC")
    plots = Plots(problem="this project does not use DVC")

    text = comment(comparison=Comparison(ASKED, RESULT, unknown, unknown, plots))

    assert text.count("this project does not use DVC") == 1


def test_of_400_metrics_some_are_shown_and_the_rest_counted() -> None:
    report = compose(
        FACTS,
        metrics_of(*[(n, n + 1) for n in range(400)]),
        NO_PICTURES,
        "https://h.example/report.md",
    )

    assert (
        "And 360 more metrics in [the whole report](https://h.example/report.md)." in report.comment
    )
    assert "| m039 | 39 | 40 |" in report.comment
    assert "| m399 | 399 | 400 |" in report.whole
    assert "[whole report](https://h.example/report.md)" in report.comment.split("\n")[-1]


def test_where_no_whole_report_is_kept_the_table_is_as_long_as_it_may_be() -> None:
    text = comment(comparison=metrics_of(*[(n, n + 1) for n in range(1000)]))

    assert len(text.encode()) < 30_000
    assert text.count("| m") > 400
    assert (
        "more metrics, which no report keeps: `dvc metrics diff dac3b15 4248944` shows them."
    ) in text
    assert "| featurize.degree | 1 | 2 |" in text
    assert "| train | ran | 4 min 47 s |" in text


def test_hundreds_of_stages_leave_room_and_show_what_ran() -> None:
    many = tuple(StageTime(f"prepare@{n}", "unchanged", None) for n in range(900))

    text = comment(replace(FACTS, stages=(*many, StageTime("train", "failed", 3.0))))

    assert "901 stages: 1 failed, 900 unchanged." in text
    assert "| train | **failed** | 3 s |" in text
    assert "more stages, which no report keeps: the log tells of them." in text


def test_a_long_value_is_cut_in_the_comment_and_whole_in_the_report() -> None:
    value = "start" + "x" * 10_000 + "end"

    report = compose(FACTS, metrics_of((1, value)), NO_PICTURES)

    assert "| startxx" in report.comment
    assert "xxend |" in report.comment
    assert len(report.comment) < 3_000
    assert value in report.whole


def test_names_and_values_are_no_markdown() -> None:
    values = (Value("m.json", "a|b\n:ACME_RUN: `c` [d](e)", "**x**", "y_z"),)

    text = comment(comparison=replace(COMPARISON, metrics=Differences(values)))

    assert r"| a\|b↵:ACME_RUN: \`c\` \[d\](e) | \*\*x\*\* | y_z |  |" in text


def test_names_and_values_call_nobody_and_lead_nowhere() -> None:
    values = (Value("m.json", "@{557058:c0ffee}", "https://evil.example", "~~<b>#~~"),)

    text = comment(comparison=replace(COMPARISON, metrics=Differences(values)))

    assert r"| @\{557058:c0ffee\} | https:\//evil.example | \~\~\<b\>\#\~\~ |  |" in text
    assert "@{" not in text


def test_the_whole_report_holds_what_did_not_change() -> None:
    report = compose(FACTS, COMPARISON, NO_PICTURES)

    assert "| rows | 180 | 180 |  |" in report.whole
    assert "| rows |" not in report.comment


def test_the_other_commit_gets_a_comment_that_leads_to_the_report() -> None:
    text = link_comment(FACTS, f"{PAGES}/{RESULT}#comment-7")

    assert text.startswith("**Succeeded** in 5 min 12 s, results in [4248944]")
    assert f"[The report is on the result commit.]({PAGES}/{RESULT}#comment-7)" in text
    assert marker("4f2a") in text


def test_differences_alone_name_the_plots() -> None:
    changed = difference_markdown(COMPARISON, everything=False)
    everything = difference_markdown(COMPARISON, everything=True)

    assert "- Loss while training: changed" in changed
    assert "| rows |" not in changed
    assert "| rows | 180 | 180 |  |" in everything
    assert "cloud-run" not in everything


def own_report(text: str) -> Report:
    return own(FACTS, text)


def test_a_projects_own_report_has_our_first_and_last_line() -> None:
    lines = own_report("# Ours\n\n| a | b |\n| - | - |\n").comment.split("\n")

    assert lines[0].startswith("**Succeeded**")
    assert "# Ours" in lines
    assert marker("4f2a") in lines[-1]


def test_a_fence_left_open_does_not_swallow_our_last_line() -> None:
    assert "```\nabc\n```\n\ng5.xlarge" in own_report("```\nabc").comment


def test_an_empty_report_of_the_projects_own_is_said() -> None:
    assert "`diff-report.sh` printed nothing." in own_report("\n").comment


def test_too_long_a_report_of_the_projects_own_is_cut_at_a_line() -> None:
    report = own_report("\n".join(f"line {n}" for n in range(9000)))

    assert len(report.comment) < 30_000
    assert "what `diff-report.sh` printed; no report keeps the rest." in report.comment
    assert "line 8999" in report.whole
