"""A point of a sweep on real DVC: its parameters, its experiment, its metrics, its result."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.points import newest
from tests.integration.job_points import (
    BUCKET,
    Swept,
    data_bucket,
    left_nothing_at_the_host,
    stored,
    swept,
    without_fault,
)
from tests.integration.job_site import JOB_ENVIRONMENT, LIMIT_SECONDS, Finished, Site, git
from tests.integration.waiting import wait_for

TRAIN = """
import json, pathlib
params = json.loads(pathlib.Path("params.json").read_text())
with open("{root}/trace", "a") as trace:
    print(params["lr"], file=trace)
pathlib.Path("model.bin").write_text(json.dumps(params))
pathlib.Path("metrics.json").write_text(
    json.dumps({"accuracy": 1 - params["lr"], "eval": {"loss": params["lr"]}})
)
"""
STAGES = """
stages:
  train:
    cmd: python3 train.py
    deps: [train.py]
    params:
    - params.json: [lr, model]
    outs: [model.bin]
    metrics:
    - metrics.json: {cache: false}
params: [params.json]
"""
PARAMS = {"lr": 0.5, "model": {"act": "relu", "depth": 2}}
POINTS: list[dict[str, Any]] = [
    {"params.json:lr": 0.1, "params.json:model.act": "tanh"},
    {"params.json:lr": 1e-05, "params.json:model.act": "it's, a b"},
]


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with data_bucket(tmp_path_factory.mktemp("aws")) as client:
        yield client


def project(root: Path, command: str = "python3 train.py") -> Site:
    files = {
        "dvc.yaml": STAGES.replace("python3 train.py", json.dumps(command)),
        "train.py": TRAIN.replace("{root}", str(root)),
        "params.json": json.dumps(PARAMS),
    }
    return Site.with_project(root, files)


@pytest.fixture(scope="module")
def second(s3: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, Swept, Finished]:
    """The second point of two, computed."""
    site = project(tmp_path_factory.mktemp("second"))
    sweep = swept(s3, "4f2a77c1d0", POINTS, wave=3)
    plan = {"log_to": f"s3://{BUCKET}/logs/", "target": "cuda"}
    return site, sweep, without_fault(sweep.planned(site, plan, index=1).run(run_id="run9"))


def test_a_points_result_says_all_of_it(second: tuple[Site, Swept, Finished]) -> None:
    site, sweep, _ = second

    ((told, body),) = sweep.results()
    seconds, at_ms, experiment = body.pop("seconds"), body.pop("at_ms"), body.pop("experiment")
    assert body == {
        "index": 1,
        "wave": 3,
        "attempt": 1,
        "try": 1,
        "target": "cuda",
        "parameters": POINTS[1],
        "ok": True,
        "reason": "",
        "objective": 0.99999,
        "metrics": {"metrics.json": {"accuracy": 0.99999, "eval": {"loss": 1e-05}}},
        "commit": site.head,
        "log": f"s3://{BUCKET}/projects/parts/sweeps/4f2a77c1d0/points/0003/00001/1/job.log",
        "notes": [],
    }
    assert experiment["name"] == "4f2a77c1-3-1"
    assert (told.wave, told.index, told.attempt, told.at_ms) == (3, 1, 1, at_ms)
    assert (told.ok, told.objective, told.seconds) == (True, 0.99999, round(seconds))


def test_a_point_leaves_no_commit_branch_or_experiment_at_the_host(
    second: tuple[Site, Swept, Finished],
) -> None:
    site, sweep, job = second

    assert left_nothing_at_the_host(site)
    assert git(site.origin, "for-each-ref", "refs/exps") == ""
    assert set(sweep.left(1)) == {"experiment.bundle", "job.log", "result.json"}
    assert job.result == []


def test_the_bundle_is_an_experiment_of_dvc_in_a_clone_whose_data_is_on_the_remote(
    second: tuple[Site, Swept, Finished],
) -> None:
    site, sweep, _ = second
    (site.root / "bundle").write_bytes(sweep.left(1)["experiment.bundle"])

    git(site.project, "fetch", "--quiet", str(site.root / "bundle"), "refs/exps/*:refs/exps/*")

    shown = subprocess.run(
        [JOB_ENVIRONMENT / "bin/dvc", "exp", "show", "--json"],
        cwd=site.project,
        check=True,
        capture_output=True,
        timeout=LIMIT_SECONDS,
    )
    (experiment,) = json.loads(shown.stdout)[1]["experiments"]
    assert experiment["name"] == "4f2a77c1-3-1"
    revision = experiment["revs"][0]
    assert revision["rev"] == sweep.results()[0][1]["experiment"]["commit"]
    assert revision["data"]["params"]["params.json"]["data"] == {
        "lr": 1e-05,
        "model": {"act": "it's, a b", "depth": 2},
    }
    git(site.project, "checkout", "--quiet", revision["rev"])
    site.dvc("pull", "--quiet")
    assert "it's, a b" in (site.project / "model.bin").read_text()
    git(site.project, "checkout", "--quiet", "main")


def test_the_log_is_with_the_point_and_where_the_sweep_wants_it(
    second: tuple[Site, Swept, Finished], s3: Any
) -> None:
    _, sweep, _ = second

    kept, copied = sweep.left(1)["job.log"], stored(s3, "logs/")
    assert list(copied) == ["logs/4f2a77c1d0/3-1.log"]
    assert b"Running stage 'train'" in kept
    assert b"Running stage 'train'" in copied["logs/4f2a77c1d0/3-1.log"]


def test_what_one_point_has_computed_another_try_takes_from_the_run_cache(
    s3: Any, tmp_path: Path
) -> None:
    site = project(tmp_path)
    sweep = swept(s3, "cachedone", POINTS)

    without_fault(sweep.site(site).run())
    without_fault(sweep.site(site).run(attempt="2"))

    assert site.trace() == ["0.1"]
    assert [body["attempt"] for _, body in sweep.results()] == [1, 2]
    assert [body["objective"] for _, body in sweep.results()] == [0.9, 0.9]


def test_a_wave_of_one_point_is_a_plain_job(s3: Any, tmp_path: Path) -> None:
    site = project(tmp_path)
    sweep = swept(s3, "alone", POINTS[:1])

    job = without_fault(sweep.planned(site, {"objective": "metrics.json:eval.loss"}).run("train"))

    assert job.said("dvc exp run --name alone-1-0 -S params.json:lr=0.1")
    assert sweep.result()["objective"] == 0.1


def test_a_point_of_what_the_commit_holds_already_has_its_metrics(s3: Any, tmp_path: Path) -> None:
    site = project(tmp_path)
    site.dvc("repro", "--quiet")
    site.dvc("push", "--quiet", "--run-cache")
    head = site.commit({})
    git(site.project, "push", "--quiet", "origin", "main")
    sweep = swept(s3, "known", [{"params.json:lr": 0.5}])

    without_fault(sweep.site(site).run(commit=head))

    assert sweep.result()["objective"] == 0.5
    assert site.trace() == ["0.5"]


@pytest.mark.parametrize(
    ("objective", "point", "reason"),
    [
        (
            "acuracy",
            {"params.json:lr": 0.1},
            "is not among the metrics: there are metrics.json:accuracy, metrics.json:eval.loss",
        ),
        ("accuracy", {"params.json:model. x": 1}, "has a name that Hydra does not take"),
        ("accuracy", {"params.json:nowhere": 1}, "Could not override 'nowhere'"),
        ("accuracy", {"params.json:lr": "much"}, "the stage train failed"),
    ],
)
def test_a_point_that_fails_says_why(
    s3: Any, tmp_path: Path, objective: str, point: dict[str, Any], reason: str
) -> None:
    site = project(tmp_path)
    sweep = swept(s3, tmp_path.name, [point])

    job = sweep.planned(site, {"objective": objective}).run()

    body = sweep.result()
    assert job.code in (64, 71)
    assert (body["ok"], body["objective"], body["parameters"]) == (False, None, point)
    assert reason in body["reason"]
    assert left_nothing_at_the_host(site)
    assert "job.log" in sweep.left()


def test_a_later_try_that_succeeds_wins(s3: Any, tmp_path: Path) -> None:
    site = project(tmp_path)
    sweep = swept(s3, "triedagain", POINTS)
    failing = sweep.site(site, AWS_BATCH_JOB_ATTEMPT="1", CLOUD_RUNNER_CACHE_DIR="/proc/none")

    first = failing.run()
    second = sweep.site(site, AWS_BATCH_JOB_ATTEMPT="2").run()

    assert (first.code, second.code) == (67, 0)
    results = [result for result, _ in sweep.results()]
    assert [result.ok for result in results] == [False, True]
    assert newest(results)[1, 0].ok
    assert json.loads(sweep.left()["result.json"])["try"] == 2


def test_of_a_point_whose_time_is_up_the_result_comes_before_what_finished_stages_made(
    s3: Any, tmp_path: Path
) -> None:
    site = project(tmp_path, f"echo > {tmp_path}/started; exec sleep 600")
    sweep = swept(s3, "toolong", POINTS)

    job = sweep.site(site, CLOUD_RUNNER_TIMEOUT_SECONDS="1").start()
    wait_for(tmp_path / "started")
    job.send_signal(signal.SIGTERM)
    ended = site.finished(job)

    stored_first = ended.log.index("store the result: done")
    assert ended.code == 143
    assert stored_first < ended.log.index("push the data of finished stages: started")
    assert sweep.result()["reason"] == "timed out after 1 s"


def test_the_arguments_cannot_name_a_points_experiment(s3: Any, tmp_path: Path) -> None:
    site = project(tmp_path)
    sweep = swept(s3, "named", POINTS)

    job = sweep.site(site).run("--name mine")

    assert job.code == 64
    assert "leave --name out" in sweep.result()["reason"]


def test_a_projects_own_script_finds_the_point_by_the_default_that_it_calls(
    s3: Any, tmp_path: Path
) -> None:
    site = project(tmp_path)
    script = site.project / "job-run.sh"
    script.write_text(f'#!/bin/sh\necho "$ACME_POINT" > {tmp_path}/seen\nexec job-run.sh train\n')
    script.chmod(0o755)
    head = site.commit({})
    git(site.project, "push", "--quiet", "origin", "main")
    sweep = swept(s3, "scripted", POINTS)

    without_fault(sweep.site(site, index=1).run("--force", commit=head))

    body = sweep.result()
    assert json.loads((tmp_path / "seen").read_text()) == POINTS[1]
    assert (body["objective"], body["experiment"]["name"]) == (0.99999, "scripted-1-1")
    assert "experiment.bundle" in sweep.left(1)
    assert left_nothing_at_the_host(site)
