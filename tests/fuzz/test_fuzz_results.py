"""Whatever lies where a sweep's results are: the sweep is looked at, reported and shown."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from click import ClickException
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from cli.experiments.git import Git
from cli.shown import table
from cli.sweep.commands import sweep as group
from cli.sweep.config_plan import Plan
from cli.sweep.fetching import fetch
from cli.sweep.finding import Known
from cli.sweep.lines import Line
from cli.sweep.listing import HEAD, as_json, row
from cli.sweep.progress import Progress
from cli.sweep.results import count, read
from cli.sweep.watching import Watch
from cli.sweep.waves import Wave
from services.sweeper.app import handle
from services.sweeper.dependencies import Dependencies
from shared.batch_jobs import BatchJobs
from shared.events import Asked, Sweep, SweepDue
from shared.points import MOST_LISTED, Place, encode
from shared.runs import Run
from shared.space import Point
from shared.sweep_results import Listed, SweepResults
from tests.fakes import Batch, BitbucketStatuses, Clock
from tests.fuzz.bounds import fuzzed, timed
from tests.fuzz.kept_results import Bucket, KeptBest
from tests.fuzz.kept_runs import KeptRuns
from tests.fuzz.mutations import TEXTS, mutated, written
from tests.samples import COMMIT, NOW, REPOSITORY, RUN_ID, a_job, a_run

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

SIZE = 4
SWEEP = Sweep(sweep_id=RUN_ID, size=SIZE, space="lr=0.1,0.2,0.3,0.4", objective="accuracy")
PLACE = Place(REPOSITORY.slug, RUN_ID)
POINTS: list[Point] = [{"lr": 0.1 * place} for place in range(1, SIZE + 1)]
NOW_MS = round(NOW.timestamp() * 1000)
OBJECTIVES = (
    *("", "0.9", "-0.0", "1e-05", "5e-324", "1e308", "-1e308", "1e400", "-1e400", "1" * 320),
    *("inf", "-inf", "nan", "NaN", "Infinity", "high", "0x1", " 1", "1 ", "\u0663", "\uff11"),
)
_NAMES = st.builds(
    "{}{:013d}_{:04d}_{:03d}_{:05d}_{}_{}_{}.json".format,
    st.sampled_from(["", "", "", "~/", "0/", "../"]),
    st.sampled_from([NOW_MS, NOW_MS + 1, NOW_MS - 86_400_000, 0, 9_999_999_999_999]),
    st.sampled_from([1, 1, 1, 0, 2, 9_999]),
    st.sampled_from([1, 1, 1, 0, 2, 999]),
    st.sampled_from([0, 1, SIZE - 1, SIZE, 99_999]),
    st.sampled_from(["ok", "ok", "failed", "won"]),
    st.sampled_from(["0", "12", "999999999", "9999999999", "-1"]),
    st.sampled_from(OBJECTIVES),
)
NAMES = _NAMES | TEXTS.filter(
    lambda text: text.isprintable() and 0 < len(text.encode(errors="replace")) < 900
)
BODY = {
    "parameters": {"lr": 0.1, "act": "relu"},
    "ok": True,
    "reason": "stage train failed",
    "objective": 0.9,
    "commit": COMMIT,
}
USED = ("parameters", "reason", "commit", "lr")


def nested(depth: int) -> bytes:
    """A parameter that is so many lists within each other."""
    return b'{"parameters": {"deep": ' + b"[" * depth + b"]" * depth + b"}}"


LONG_COMMIT = json.dumps(BODY | {"commit": "c" * 500_000}).encode()
BODIES = (
    written(mutated([BODY], *USED))
    | st.integers(1, 1100).map(nested)
    | st.sampled_from(
        [
            *(b"", b"null", b"[]", b'{"parameters": {"lr": 1e999}}', nested(100_000)),
            LONG_COMMIT,
            json.dumps(BODY | {"parameters": {"note": "x" * 500_000}}).encode(),
            json.dumps(BODY | {"parameters": dict.fromkeys(map(str, range(20_000)))}).encode(),
            b'{"parameters": {"lr": ' + b"9" * 4_000 + b"}}",
        ]
    )
)
LEFT = st.lists(st.tuples(NAMES, BODIES), max_size=8)
RUNS = st.sampled_from(["running", "succeeded", "failed", "stopped"]).map(
    lambda state: a_run(
        state=state,
        job=a_job(job_id="job-1"),
        asked=Asked(experiment=True, sweep=SWEEP),
        submitted_at=NOW,
        started_at=NOW,
        stopped_at=NOW + timedelta(minutes=9) if state != "running" else None,
    )
)

OVER = a_run(
    state="succeeded",
    job=a_job(job_id="job-1"),
    asked=Asked(experiment=True, sweep=SWEEP),
    submitted_at=NOW,
    stopped_at=NOW,
)


def bucket_with(left: list[tuple[str, bytes]]) -> Bucket:
    """The list of points, an honest result of a point that has no other, and what else was left."""
    bucket = Bucket()
    bucket.objects[PLACE.points(1)] = encode(POINTS)[0]
    bucket.objects[f"{PLACE.results}{NOW_MS:013d}_0001_001_00002_ok_12_0.5.json"] = json.dumps(
        BODY
    ).encode()
    for name, body in left:
        bucket.objects[PLACE.results + name] = body
    return bucket


def stored_in(bucket: Bucket) -> SweepResults:
    return SweepResults(bucket, "data", PLACE, clock=NOW.timestamp)


class Sweeper:
    """The service as it is deployed, with one sweep."""

    def __init__(self, run: Run, bucket: Bucket) -> None:
        clock = Clock(NOW + timedelta(minutes=10))
        batch = Batch(clock, [])
        batch.jobs["job-1"] = {
            "jobId": "job-1",
            "jobName": a_job(1).name,
            "jobQueue": a_job(1).queue,
            "status": "PENDING",
            "parameters": {"runId": RUN_ID, "attempt": "1"},
            "arrayProperties": {"size": SIZE, "statusSummary": {"RUNNING": 3, "SUCCEEDED": 1}},
        }
        self.bitbucket = BitbucketStatuses()
        self.needs = Dependencies(
            runs=KeptRuns(run),
            jobs=BatchJobs(batch),
            results=lambda _place: stored_in(bucket),
            best=KeptBest(),
            bitbucket=self.bitbucket,
            clock=clock,
        )

    def look(self) -> Run:
        """One look; the record after it."""
        known = self.needs.runs.get(RUN_ID)
        assert known is not None
        number = known.progress.look if known.progress is not None else 0
        for event in timed(lambda: handle(SweepDue(run_id=RUN_ID, look=number), self.needs)):
            json.dumps(json.loads(event.detail()), allow_nan=False)
        after = self.needs.runs.get(RUN_ID)
        assert after is not None
        return after

    @property
    def report(self) -> str:
        """The one comment."""
        (text,) = self.bitbucket.comments.values()
        return text


@fuzzed()
@given(RUNS, LEFT)
@example(OVER, [(f"{NOW_MS:013d}_0001_001_00001_ok_12_inf.json", b"{}")])
@example(OVER, [(f"{NOW_MS:013d}_0001_001_00001_ok_12_0.9.json", LONG_COMMIT)])
def test_whatever_lies_among_its_results_a_sweep_is_looked_at_and_reported_once(
    run: Run, left: list[tuple[str, bytes]]
) -> None:
    sweeper = Sweeper(run, bucket_with(left))

    after = sweeper.look()
    after = sweeper.look()

    assert after.progress is not None
    best = after.progress.best
    assert best is not None
    assert abs(float(best)) < float("inf")
    assert float(best) >= 0.5
    seen = after.progress.seen
    assert seen is not None
    assert "/" not in seen.removeprefix(PLACE.results)
    if run.final:
        assert after.progress.complete
        assert len(sweeper.report.encode()) < 100_000
        assert "accuracy" in sweeper.report


@pytest.mark.parametrize("first", range(1, 8))
def test_however_deep_a_parameter_nests_its_sweep_is_reported(first: int) -> None:
    name = f"{NOW_MS:013d}_0001_001_00001_ok_12_0.9.json"

    for depth in range(first, 1_100, 7):
        sweeper = Sweeper(OVER, bucket_with([(name, nested(depth))]))
        sweeper.look()

        assert "| 1 | 0.9 |" in sweeper.report


def typed(bucket: Bucket, run: Run, *words: str) -> str:
    """What a command of the group `sweep` prints, which it does without an error."""
    known = Known(RUN_ID, (run,))
    loaded = (known, stored_in(bucket))
    with (
        patch("cli.sweep.reporting.load", lambda *_: loaded),
        patch("cli.sweep.looking.load", lambda *_: loaded),
    ):
        answer = timed(lambda: CliRunner(mix_stderr=False).invoke(group, list(words)))
    assert answer.exit_code == 0, answer.exception or answer.output
    return answer.stdout


LISTS = st.none() | BODIES | st.lists(BODIES, max_size=6).map(b"\n".join)


@fuzzed()
@given(RUNS, LEFT, LISTS)
def test_whatever_lies_in_its_folder_a_sweep_is_shown(
    run: Run, left: list[tuple[str, bytes]], listed: bytes | None
) -> None:
    bucket = bucket_with(left)
    if listed is not None:
        bucket.objects[PLACE.points(1)] = listed

    rows = json.loads(typed(bucket, run, "results", RUN_ID, "--json"))
    typed(bucket, run, "results", RUN_ID)
    typed(bucket, run, "results", RUN_ID, "--csv", "-")
    typed(bucket, run, "show", RUN_ID)

    assert len(rows) <= SIZE
    for told in rows:
        assert told["objective"] is None or abs(told["objective"]) < float("inf")


@fuzzed()
@given(RUNS, LEFT)
def test_whatever_lies_among_its_results_a_sweep_is_listed(
    run: Run, left: list[tuple[str, bytes]]
) -> None:
    known = Known(RUN_ID, (run,))

    found = timed(lambda: count(known, stored_in(bucket_with(left))))

    json.dumps(as_json(known, found), allow_nan=False)
    (line,) = list(table(HEAD, [row(known, found, NOW)]))[1:]
    assert "of 4" in line


class Nobody:
    """Neither a search nor a trace nor a stack has anything to say."""

    size = SIZE

    def ask(self, count: int) -> list[Any]:
        """No more points."""
        del count
        return []

    def tell(self, point: Any, objective: float | None) -> None:
        """A search takes numbers."""
        del point
        assert objective is None or abs(objective) < float("inf")

    def ended(self, *_told: Any) -> None:
        """Points have ended."""

    def over(self, *_told: Any) -> None:
        """A wave is over."""

    def again(self, *_told: Any) -> bool:
        """No."""
        return False

    def describe(self, _ids: Any) -> dict[str, Any]:
        """No job is known."""
        return {}


class Watched(Nobody):
    """The stack, with one run."""

    def __init__(self, run: Run, bucket: Bucket) -> None:
        self._run = run
        self._bucket = bucket

    def record(self, _run_id: Any) -> Run:
        """Its record."""
        return self._run

    def results(self, after: str | None, most: int) -> Listed:
        """What is listed."""
        return stored_in(self._bucket).new(after, most=most)


@fuzzed()
@given(RUNS, LEFT)
def test_whatever_lies_among_its_results_a_sweep_is_watched(
    run: Run, left: list[tuple[str, bytes]]
) -> None:
    stack = Watched(run, bucket_with(left))
    line = Line(Plan(strategy="list", trials=SIZE, objective="accuracy"), Nobody(), asked=SIZE)
    wave = Wave(1, 0, POINTS, RUN_ID, sent=True)
    watch = Watch(
        lines=[line],
        waves={1: wave},
        stack=stack,
        trace=Nobody(),
        progress=Progress(lambda: NOW),
        heard=lambda _line: None,
        say=lambda _said: None,
    )

    timed(watch.look)
    timed(watch.look)

    assert line.best is not None
    assert 0.5 <= line.best.objective < float("inf")
    assert wave.over == run.final


def test_a_sweep_whose_folder_is_flooded_is_reported_and_says_so() -> None:
    bucket = bucket_with([])
    for number in range(MOST_LISTED + 5_000):
        bucket.objects[f"{PLACE.results}z{number:09d}"] = b""
    sweeper = Sweeper(OVER, bucket)

    sweeper.look()
    shown = typed(bucket, OVER, "results", RUN_ID, "--json")

    assert "Not all results were read" in sweeper.report
    assert "| 2 | 0.5 | 0.1 | relu |" in sweeper.report
    assert bucket.listings <= 2 * (MOST_LISTED // 1000)
    assert json.loads(shown)[2]["objective"] == 0.5


@pytest.mark.parametrize("code", ["InvalidObjectState", "InvalidRequest"])
def test_a_result_that_s3_keeps_to_itself_cannot_be_read(code: str) -> None:
    bucket = bucket_with([])
    name = f"{NOW_MS:013d}_0001_001_00001_failed_1_.json"
    bucket.objects[PLACE.results + name] = b"{}"
    bucket.withheld[PLACE.results + name] = code
    sweeper = Sweeper(OVER, bucket)

    sweeper.look()

    assert "point 1 (): its result cannot be read" in sweeper.report


def test_a_result_of_two_gigabytes_is_not_read() -> None:
    name = f"{NOW_MS:013d}_0001_001_00001_ok_1_0.9.json"
    bucket = bucket_with([(name, b"")])
    bucket.sizes = {PLACE.results + name: 2 << 30, PLACE.points(1): 2 << 30}
    sweeper = Sweeper(OVER, bucket)

    sweeper.look()
    shown = json.loads(typed(bucket, OVER, "results", RUN_ID, "--json"))

    assert "| 1 | 0.9 |" in sweeper.report
    assert [entry["objective"] for entry in shown] == [None, 0.9, 0.5, None]
    assert [entry["parameters"] for entry in shown] == [{}] * SIZE


def test_an_experiment_of_two_gigabytes_is_not_fetched(tmp_path: Path) -> None:
    bucket = bucket_with([])
    found = read(Known(RUN_ID, (OVER,)), stored_in(bucket))
    key = PLACE.left_by(1, 1, 2, "experiment.bundle")
    bucket.objects[key], bucket.sizes[key] = b"", 2 << 30

    with pytest.raises(ClickException, match=r"has more than 1,073,741,824 bytes"):
        fetch(bucket, "data", found, found.best(), Git(tmp_path))
