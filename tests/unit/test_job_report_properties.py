"""What holds for every report, whatever a project calls its metrics and whatever they are."""

import re
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from container.comparison import Comparison, Differences, Value
from container.pictures import Picture, Pictures
from container.report import (
    Facts,
    StageTime,
    compose,
    difference_markdown,
    link_comment,
    marker,
    own,
)
from container.report_plots import Plot, Plots
from local.bitbucket.markdown import rendered

LONGEST = 30_000
PIPE = re.compile(r"(?<!\\)(?:\\\\)*\|")
# Any text, and what comes near to Markdown, to a table, or to a keyword.
text = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="|`\\\n\r*_[]()<>!#:~- aé😀\u2028\ud800", max_size=30),
    st.sampled_from([":ACME_RUN: train", "\n:ACME_RUN:\n", "```", "|", "\\", "\\|", "x" * 10_000]),
)
value = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    text,
    st.lists(st.integers(), max_size=3),
    st.dictionaries(text, st.floats(), max_size=2),
)
values = st.builds(Value, text, text, value, value)
differences = st.builds(
    Differences,
    st.lists(values, max_size=8).map(tuple),
    st.one_of(st.just(""), st.just(""), text),
    st.sets(st.sampled_from(["a" * 40, "b" * 40])).map(tuple),
    st.booleans(),
)
plots = st.builds(
    Plots,
    st.lists(
        st.builds(Plot, text, st.sampled_from(["new", "changed", "gone", "same"])), max_size=4
    ).map(tuple),
    st.one_of(st.just(""), text),
    st.lists(st.tuples(text, text), max_size=3).map(tuple),
)
comparisons = st.builds(
    Comparison, st.just("a" * 40), st.just("b" * 40), differences, differences, plots
)
address = st.one_of(
    st.just(""), st.just("s3://bucket/a b|`"), text.map(lambda path: f"https://h.example/{path}")
)
pictures = st.builds(
    Pictures,
    st.lists(
        st.builds(Picture, text, st.just(Path("x")), text, address, st.booleans()), max_size=4
    ).map(tuple),
    st.lists(text, max_size=3).map(tuple),
)
stages = st.builds(
    StageTime,
    text,
    st.sampled_from(["ran", "cached", "unchanged", "failed", "interrupted"]),
    st.one_of(st.none(), st.floats(0, 1e6)),
)
facts = st.builds(
    Facts,
    ran=text,
    workspace=text,
    repository=text,
    branch=text,
    commit=st.just("a" * 40),
    run_id=text,
    attempt=text,
    try_number=st.integers(1, 9),
    outcome=st.sampled_from(["succeeded", "failed", "interrupted"]),
    seconds=st.floats(0, 1e6),
    reason=text,
    result_commit=st.sampled_from(["", "b" * 40]),
    result_branch=text,
    log_address=address,
    machine=text,
    notes=st.lists(text, max_size=4).map(tuple),
    stages=st.lists(stages, max_size=5).map(tuple),
    log_tail=st.lists(text, max_size=5).map(tuple),
)


def check(comment: str) -> None:
    """What every comment keeps to."""
    assert len(comment) < LONGEST
    assert len(comment.encode()) < LONGEST
    assert not re.search(r"(?m)^:\w+:", comment)
    assert tables_are_even(comment)
    rendered(comment)


def tables_are_even(markdown: str) -> bool:
    """Whether the lines of each table have as many cells as its head."""
    lines = markdown.split("\n")
    for number, line in enumerate(lines):
        if number and re.fullmatch(r"\|( -+:? \|)+", line):
            cells = len(PIPE.findall(line))
            rows = [lines[number - 1]]
            for row in lines[number + 1 :]:
                if not row.startswith("|"):
                    break
                rows.append(row)
            if any(len(PIPE.findall(row)) != cells for row in rows):
                return False
    return True


@given(facts, st.one_of(st.none(), comparisons), pictures, address)
def test_every_comment_is_short_enough_and_its_tables_are_whole(
    run: Facts, comparison: Comparison | None, drawn: Pictures, whole: str
) -> None:
    report = compose(run, comparison, drawn, whole)

    check(report.comment)
    assert marker(run.run_id) in report.comment
    assert marker(run.run_id) in report.whole
    assert tables_are_even(report.whole)
    assert not re.search(r"(?m)^:\w+:", report.whole)


@settings(max_examples=25)  # each is a long report
@given(facts, comparisons, st.integers(1, 60), st.sampled_from(["", "https://h.example/r.md"]))
def test_many_rows_of_any_kind_leave_room_for_the_stages(
    run: Facts, comparison: Comparison, times: int, whole: str
) -> None:
    many = replace(
        comparison,
        metrics=Differences(comparison.metrics.values * times),
        params=Differences(comparison.params.values * times),
    )

    comment = compose(replace(run, stages=run.stages * times), many, Pictures(), whole).comment

    check(comment)
    assert "\n## Stages\n" in comment


@given(facts, st.lists(text, max_size=30).map("\n".join), address)
def test_a_projects_own_report_stays_between_our_lines(run: Facts, text: str, whole: str) -> None:
    report = own(run, text, whole)

    assert len(report.comment.encode()) < LONGEST
    assert not re.search(r"(?m)^:\w+:", report.comment)
    assert report.comment.split("\n")[0].startswith("**")
    assert marker(run.run_id) in report.comment.split("\n")[-1]


@given(facts, address)
def test_a_comment_that_links_the_report_is_short_and_carries_the_marker(
    run: Facts, report: str
) -> None:
    comment = link_comment(run, report)

    check(comment)
    assert marker(run.run_id) in comment


@given(comparisons, st.booleans())
def test_differences_alone_are_even_tables(comparison: Comparison, everything: bool) -> None:
    markdown = difference_markdown(comparison, everything=everything)

    assert tables_are_even(markdown)
    assert markdown.encode()
