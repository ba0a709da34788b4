"""How a point ends when not all goes well: tries, interruptions, what keeps it from starting."""

import json
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.points import newest
from tests.integration.job_points import BUCKET, data_bucket, swept, without_fault
from tests.integration.job_site import Site
from tests.integration.test_job_commands import without_dvc
from tests.integration.waiting import wait_for

COUNTING = "echo ran >> {root}/trace; echo '{\"accuracy\": 0.9}'"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with data_bucket(tmp_path_factory.mktemp("aws")) as client:
        yield client


def counting(root: Path, script: str = COUNTING) -> Site:
    """A project whose command leaves a word in `trace` each time that it runs."""
    site = without_dvc(root, {"run.sh": script.replace("{root}", str(root))})
    return site.with_environment(ACME_RUN_COMMAND="sh run.sh")


def untimed(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "at_ms"}


def test_a_later_try_computes_nothing_that_an_earlier_one_has(s3: Any, tmp_path: Path) -> None:
    site = counting(tmp_path)
    sweep = swept(s3, "again", [{"x": 1}])
    without_fault(sweep.site(site).run())
    told, log = sweep.results(), sweep.left()["job.log"]
    # It had died between the two places of its result.
    s3.delete_object(Bucket=BUCKET, Key=f"{sweep.place.results}{told[0][0].name}")

    again = sweep.site(site, AWS_BATCH_JOB_ATTEMPT="2").run()
    once_more = sweep.site(site, AWS_BATCH_JOB_ATTEMPT="3").run()

    assert (again.code, once_more.code) == (0, 0)
    new = sweep.results()
    assert [untimed(body) for _, body in new] == [untimed(told[0][1])] * 2
    assert site.trace() == ["ran"]
    assert sweep.left()["job.log"] == log  # which tells how it was computed


def test_a_result_that_is_told_again_is_of_the_time_when_it_is_told(
    s3: Any, tmp_path: Path
) -> None:
    site = counting(tmp_path)
    sweep = swept(s3, "late", [{"x": 1}])
    without_fault(sweep.site(site).run())
    told = sweep.results()[0][0]
    began = time.time_ns() // 1_000_000

    without_fault(sweep.site(site, AWS_BATCH_JOB_ATTEMPT="2").run())

    results = [result for result, _ in sweep.results()]
    assert [result.at_ms >= began for result in results] == [False, True]
    assert newest(results)[1, 0] == replace(told, at_ms=results[1].at_ms)


@pytest.mark.parametrize(
    ("value", "notes"),
    [
        (
            '{"a":' * 600 + "1" + "}" * 600,
            ["The metrics are not kept: the metrics are nested too deeply"],
        ),
        ("1" + "0" * 400, []),
    ],
    ids=["nested", "huge"],
)
def test_metrics_that_cannot_be_kept_cost_no_result(
    s3: Any, tmp_path: Path, value: str, notes: list[str]
) -> None:
    script = f'echo \'{{"accuracy": 0.9, "b": {value}}}\' > metrics.json'
    sweep = swept(s3, tmp_path.name, [{"x": 1}])

    without_fault(sweep.site(counting(tmp_path, script)).run())

    body = sweep.result()
    assert (body["objective"], body["notes"]) == (0.9, notes)
    assert bool(body["metrics"]) is not bool(notes)


def test_another_attempt_computes_it_again(s3: Any, tmp_path: Path) -> None:
    site = counting(tmp_path)
    sweep = swept(s3, "rerun", [{"x": 1}])

    without_fault(sweep.site(site).run())
    without_fault(sweep.site(site, AWS_BATCH_JOB_ATTEMPT="2").run(attempt="2"))

    assert [result.attempt for result, _ in sweep.results()] == [1, 2]
    assert site.trace() == ["ran", "ran"]


@pytest.mark.parametrize(
    ("timeout", "results"), [("3600", []), ("1", ["timed out after 1 s"])], ids=["stop", "timeout"]
)
def test_an_interrupted_point_has_a_result_only_if_its_time_was_up(
    s3: Any, tmp_path: Path, timeout: str, results: list[str]
) -> None:
    site = counting(tmp_path, "echo $$ > {root}/started; exec sleep 600")
    sweep = swept(s3, tmp_path.name, [{"x": 1}])

    job = sweep.site(site, CLOUD_RUNNER_TIMEOUT_SECONDS=timeout).start()
    wait_for(tmp_path / "started")
    job.send_signal(signal.SIGTERM)
    ended = site.finished(job)

    assert ended.code == 143
    assert [body["reason"] for _, body in sweep.results()] == results
    assert "job.log" in sweep.left()


def test_a_point_whose_parameters_cannot_be_read_says_so(s3: Any, tmp_path: Path) -> None:
    site = counting(tmp_path)
    sweep = swept(s3, "unread", [{"x": 1}])

    gone = sweep.planned(site, {"wave": 7}).run()
    short = sweep.planned(site, {"size": 9}, AWS_BATCH_JOB_ARRAY_INDEX="5").run()
    odd = sweep.planned(site, {"width": 3}).run()

    assert (gone.code, short.code, odd.code) == (74, 74, 64)
    reasons = [body["reason"] for _, body in sweep.results()]
    assert len(reasons) == 3
    assert "there is nothing at" in reasons[0]
    assert "ends before that part" in reasons[1]
    assert "is no point" in reasons[2]
    assert [body["parameters"] for _, body in sweep.results()] == [{}, {}, {}]
    assert site.trace() == []


def test_a_commit_that_is_nowhere_and_a_missing_secret_are_results(s3: Any, tmp_path: Path) -> None:
    site = counting(tmp_path)
    sweep = swept(s3, "nowhere", [{"x": 1}])

    lost = sweep.site(site).run(commit="c" * 40)
    locked = sweep.site(site, BITBUCKET_GIT_URL="https://127.0.0.1:1").run()

    assert (lost.code, locked.code) == (66, 65)
    reasons = [body["reason"] for _, body in sweep.results()]
    assert "is on no branch any more" in reasons[0]
    assert "BITBUCKET_AUTH is not set" in reasons[1]


def test_a_result_that_cannot_be_stored_fails_the_job(s3: Any, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(f"[default]\nendpoint_url = {s3.meta.endpoint_url}\n")
    # The way to S3 is lost while the command runs.
    site = counting(tmp_path, f"{COUNTING}; echo > {config}")
    sweep = swept(s3, "unstored", [{"x": 1}])
    environment = {
        **sweep.site(site).environment,
        "AWS_CONFIG_FILE": str(config),
        "AWS_MAX_ATTEMPTS": "1",
        "HTTPS_PROXY": "http://127.0.0.1:1",
    }
    del environment["AWS_ENDPOINT_URL"]
    broken = replace(site, environment=environment)

    job = broken.run()

    assert job.code == 74
    assert job.said("S3 cannot be reached")
    assert sweep.results() == []


@pytest.mark.parametrize(
    "plan",
    [
        {"place": f"s3://{BUCKET}/elsewhere"},
        {"sweep": "another"},
        {"wave": 0},
        {"size": 0},
        {"width": None},
    ],
    ids=["place", "sweep", "wave", "size", "width"],
)
def test_a_plan_of_another_form_is_no_point(s3: Any, tmp_path: Path, plan: dict[str, Any]) -> None:
    site = counting(tmp_path)

    job = swept(s3, "plans", [{"x": 1}]).planned(site, plan).run()

    assert job.code == 64
    assert job.said("reading CLOUD_RUNNER_SWEEP: ")
    assert site.trace() == []


def test_secrets_are_in_no_result(s3: Any, tmp_path: Path) -> None:
    site = counting(tmp_path, "exit 1").with_environment(
        ACME_RUN_COMMAND="sh run.sh s3cr3t-v4lue", MY_TOKEN="s3cr3t-v4lue"
    )
    sweep = swept(s3, "secrets", [{"x": 1}])

    sweep.site(site).run()

    assert "***" in sweep.result()["reason"]
    assert "s3cr3t-v4lue" not in json.dumps(sweep.result())
