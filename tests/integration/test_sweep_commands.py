"""Looking at sweeps, on moto: lists, pages, tables, CSV, pictures, stops."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.points import Place
from shared.space import Point
from shared.sweep_results import SweepResults
from tests.integration.sweep_account import BUCKET, SweepAccount, sweep_account
from tests.samples import REPOSITORY

ID = "4f2a77c1d0ab"
COMMITS_ID = "4f2a" + "0" * 20


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[SweepAccount]:
    """Two waves of a command's sweep, half done, and a commit's sweep that is over."""
    with sweep_account(monkeypatch) as there:
        points: list[Point] = [
            {"lr": lr, "act": act} for lr in (0.1, 1e-05) for act in ("relu", "leaky relu")
        ]
        there.sweep(ID, points[:2])
        there.sweep(ID, points[2:], wave=2)
        there.result(ID, 0, 0.5)
        there.result(ID, 1, None)
        there.result(ID, 0, 0.75, wave=2)
        there.sweep(COMMITS_ID, [{"depth": 2}], state="succeeded", of_commit=True, space="depth=2")
        there.result(COMMITS_ID, 0, 1.0)
        yield there


def test_sweeps_of_commands_and_of_commits_are_listed(there: SweepAccount) -> None:
    rows = [line.split() for line in there.run("list").output.splitlines()]
    told = json.loads(there.run("list", "--json").output)

    assert rows[0][0] == "SWEEP"
    assert sorted(row[0] for row in rows[1:]) == ["4f2a00000000", ID]
    sizes = {one["sweep_id"]: (one["size"], one["state"], len(one["waves"])) for one in told}
    assert sizes == {ID: (4, "running", 2), COMMITS_ID: (1, "succeeded", 1)}
    (ours,) = [one for one in told if one["sweep_id"] == ID]
    assert (ours["succeeded"], ours["failed"], ours["open"], ours["best"]) == (2, 1, 1, 0.75)


def test_a_sweep_is_found_by_the_beginning_of_its_id_unless_there_are_two(
    there: SweepAccount,
) -> None:
    assert there.run("show", "4F2A77").exit_code == 0
    both = there.run("show", "4f2a")

    assert both.exit_code == 1
    assert "4f2a may be one of 2 sweeps; write more of its id" in both.output
    assert ID in both.output
    assert "there is no sweep 9999" in there.run("show", "9999").output
    assert "is no sweep: write its id" in there.run("show", "tune").output


def test_the_page_of_a_sweep_counts_its_points_and_shows_the_best(there: SweepAccount) -> None:
    said = there.run("show", ID).output

    assert "4 in all, 2 ok, 1 failed, 1 open" in said
    assert "judged by     f1, to maximize" in said
    lines = said.splitlines()
    (head,) = [at for at, line in enumerate(lines) if line.startswith("POINT")]
    assert lines[head + 1].split() == ["2/0", "0.75", "12", "s", "1e-05", "relu"]
    assert f"cloud-runner sweep stop {ID}" in said


def test_the_table_has_the_best_first_and_those_without_a_value_last(there: SweepAccount) -> None:
    lines = there.run("results", ID).output.splitlines()

    assert lines[0].split() == ["POINT", "f1", "TIME", "lr", "act"]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["2/0", "0.75"],
        ["1/0", "0.5"],
        ["1/1", "failed"],
        ["2/1", "open"],
    ]
    assert there.run("results", ID, "--limit", "1").output.splitlines()[-1].startswith("1 of 4")


def test_csv_holds_every_point_exactly(there: SweepAccount, tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    there.run("results", ID, "--csv", str(file))
    rows = list(csv.DictReader(io.StringIO(file.read_text())))

    assert there.run("results", ID, "--csv", "-").output == file.read_text()
    assert [row["state"] for row in rows] == ["ok", "failed", "ok", "open"]
    assert rows[2] == {
        "wave": "2",
        "index": "0",
        "target": "",
        "state": "ok",
        "objective": "0.75",
        "seconds": "12",
        "ended_at": "2026-11-20T12:00:00.000Z",
        "lr": "1e-05",
        "act": "relu",
    }


def test_json_holds_every_point(there: SweepAccount) -> None:
    rows = json.loads(there.run("results", ID, "--json").output)

    assert [row["objective"] for row in rows] == [0.5, None, 0.75, None]
    assert rows[3]["parameters"] == {"lr": 1e-05, "act": "leaky relu"}


def test_a_point_that_was_stopped_and_sent_again_is_one_point(there: SweepAccount) -> None:
    stopped = "77" * 6
    there.sweep(stopped, [{"lr": 0.1}, {"lr": 0.2}, {"lr": 0.3}], state="stopped")
    there.sweep(stopped, [{"lr": 0.1}], wave=2)
    there.result(stopped, 0, 0.5, wave=2)

    found = json.loads(there.run("results", stopped, "--json").stdout)

    states = {(row["wave"], row["index"]): row["state"] for row in found}
    assert states == {(1, 1): "stopped", (1, 2): "stopped", (2, 0): "ok"}


@pytest.mark.parametrize("kind", ["parallel", "scatter"])
def test_pictures_are_drawn_as_their_names_say(
    there: SweepAccount, tmp_path: Path, kind: str
) -> None:
    for name, beginning in (("a.png", b"\x89PNG"), ("b.SVG", b"<svg")):
        answer = there.run("results", ID, "--picture", str(tmp_path / name), "--kind", kind)

        assert answer.exit_code == 0, answer.output
        assert (tmp_path / name).read_bytes().startswith(beginning)
    assert there.run("results", ID, "--picture", "a.gif").exit_code == 2


def test_what_has_no_value_yet_cannot_be_drawn(there: SweepAccount, tmp_path: Path) -> None:
    there.sweep("abcdef012345", [{"lr": 1}, {"lr": 2}])
    answer = there.run("results", "abcdef012345", "--picture", str(tmp_path / "a.png"))

    assert answer.exit_code == 1
    assert "there is nothing to draw" in answer.output


def test_stopping_ends_the_jobs_that_are_not_over_and_says_who_and_why(
    there: SweepAccount,
) -> None:
    answer = there.run("stop", ID, "--why", "a wrong data set")
    again = there.run("stop", COMMITS_ID)

    assert answer.exit_code == 0
    assert there.batch.terminated == ["job-1", "job-2"]
    stops = [run.stop for run in there.records.latest("running")]
    assert [stop.why for stop in stops if stop is not None] == ["a wrong data set"] * 2
    assert again.exit_code == 1
    assert "is over already (succeeded)" in again.output


def test_fetching_needs_a_clone_of_the_project(
    there: SweepAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = there.run("fetch", ID)

    assert answer.exit_code == 1
    assert "this is no git working copy: go to your clone of team/churn-model" in answer.output


def test_results_are_listed_since_a_moment_with_some_of_before(there: SweepAccount) -> None:
    results = SweepResults(there.here.client("s3"), BUCKET, Place(REPOSITORY.slug, ID))
    everything = results.new(None)
    last = everything[-1][0]

    assert len(everything) == 3
    assert results.new(last) == everything
    assert len(results.new(last, overlap_ms=-1000)) == 0
    assert results.waves() == [1, 2]
    with pytest.raises(LookupError):
        results.points(3)
