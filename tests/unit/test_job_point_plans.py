"""What a job is told that is one point of a sweep, and what follows for its other settings."""

import json
from typing import Any

import pytest

from container.exits import Exit, JobFailed
from container.job import Job
from container.point import Point
from container.settings import Settings

PLAN: dict[str, Any] = {
    "sweep": "4f2a77c1d0",
    "wave": 2,
    "place": "s3://data/projects/churn.model/sweeps/4f2a77c1d0",
    "width": 23,
    "size": 60,
    "objective": "accuracy",
    "direction": "maximize",
    "target": None,
    "log_to": None,
}
JOB = Job("team", "churn.model", "main", "c" * 40, "r1", "3")


def environment(plan: dict[str, Any], **more: str) -> dict[str, str]:
    return {"CLOUD_RUNNER_SWEEP": json.dumps(plan), **more}


def test_a_child_reads_its_own_line_of_its_waves_list() -> None:
    point = Point.read(environment(PLAN, AWS_BATCH_JOB_ARRAY_INDEX="59"))

    assert point is not None
    assert point.listed_in == "s3://data/projects/churn.model/sweeps/4f2a77c1d0/points/0002.jsonl"
    assert point.line == (59 * 23, 60 * 23 - 1)
    assert point.name == "4f2a77c1-2-59"


def test_a_plain_job_is_point_0_of_a_wave_of_one() -> None:
    point = Point.read(environment({**PLAN, "size": 1}))

    assert point is not None
    assert point.line == (0, 22)


def test_what_a_point_leaves_is_in_its_sweeps_place_and_not_in_the_runs() -> None:
    settings = Settings.read(environment(PLAN, CLOUD_RUNNER_RESULTS_URI="s3://data/runs"))

    assert settings.results(JOB, "output/") == (
        "s3://data/projects/churn.model/sweeps/4f2a77c1d0/points/0002/00000/3/output/"
    )


def test_complete_logs_go_where_the_sweep_says() -> None:
    point = Point.read(environment({**PLAN, "log_to": "s3://logs/all/"}))

    assert point is not None
    assert point.log_copy == "s3://logs/all/4f2a77c1d0/2-0.log"


def test_a_point_is_an_experiment_unless_it_has_a_command() -> None:
    assert Settings.read(environment(PLAN)).experiment
    assert not Settings.read(environment(PLAN, ACME_RUN_COMMAND="train")).experiment


def test_a_workspace_with_changes_is_an_experiment() -> None:
    settings = Settings.read({"ACME_RUN_CHANGES": f"refs/cloud-runner/4f2a {'c' * 40}"})

    assert settings.changes == ("refs/cloud-runner/4f2a", "c" * 40)
    assert settings.experiment


@pytest.mark.parametrize(
    "changes",
    ["main", f"heads/main {'c' * 40}", f"refs/x {'c' * 7}", f"refs/* {'c' * 40}", "refs/x HEAD"],
)
def test_changes_that_name_no_ref_and_commit_are_refused(changes: str) -> None:
    with pytest.raises(JobFailed, match="reading ACME_RUN_CHANGES"):
        Settings.read({"ACME_RUN_CHANGES": changes})


@pytest.mark.parametrize(
    "plan",
    [
        {**PLAN, "place": "s3://data/projects/churn.model/sweeps/another"},
        {**PLAN, "place": "s3://data/projects/a/b/sweeps/4f2a77c1d0"},
        {**PLAN, "sweep": "../4f2a77c1d0"},
        {**PLAN, "wave": 0},
        {**PLAN, "size": 10_001},
        {**PLAN, "width": "wide"},
        {},
    ],
)
def test_a_plan_that_cannot_be_is_refused(plan: dict[str, Any]) -> None:
    with pytest.raises(JobFailed, match="reading CLOUD_RUNNER_SWEEP") as refused:
        Point.read(environment(plan))

    assert refused.value.code == Exit.BAD_ARGUMENTS


@pytest.mark.parametrize("text", ["{", "[]", "[" * 5000, "7"])
def test_a_plan_that_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(JobFailed, match="reading CLOUD_RUNNER_SWEEP"):
        Point.read({"CLOUD_RUNNER_SWEEP": text})


@pytest.mark.parametrize("index", ["60", "-1", "one"])
def test_an_index_beyond_the_wave_is_refused(index: str) -> None:
    with pytest.raises(JobFailed, match="reading CLOUD_RUNNER_SWEEP"):
        Point.read(environment(PLAN, AWS_BATCH_JOB_ARRAY_INDEX=index))


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
@pytest.mark.parametrize("name", ["wave", "width", "size"])
def test_a_number_that_is_none_is_refused(name: str, number: float) -> None:
    with pytest.raises(JobFailed, match="reading CLOUD_RUNNER_SWEEP: ") as refused:
        Point.read(environment({**PLAN, name: number}))
    assert refused.value.code == Exit.BAD_ARGUMENTS


def test_a_plan_of_another_version_may_say_its_texts_otherwise() -> None:
    point = Point.read(environment({**PLAN, "objective": 5, "log_to": 7}))

    assert point is not None
    assert (point.objective, point.log_copy) == ("5", "7/4f2a77c1d0/2-0.log")
