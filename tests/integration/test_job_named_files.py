"""New files that a run leaves: which are results, and what is said of the others."""

import json
from pathlib import Path

import pytest

from tests.integration.job_site import JOB_ENVIRONMENT, HttpHost, Site, served
from tests.integration.test_job_traps import TOKEN, over_http

# As `dvclive` leaves it: what training measures is named at the top level, and no stage's output.
PROJECT = """
stages:
  train:
    cmd: sh train.sh
    deps: [train.sh]
    outs: [model.bin]
params: [found.json]
metrics:
- dvclive/metrics.json
plots:
- dvclive/plots/metrics
- both:
    x: step
    y:
      scores/seen.csv: acc
"""
TRAIN = """
mkdir -p dvclive/plots/metrics scores
echo '{"acc": 1}' > dvclive/metrics.json
printf 'step,acc\\n0,1\\n' > dvclive/plots/metrics/acc.csv
printf 'step,acc\\n0,1\\n' > scores/seen.csv
echo '{"lr": 1}' > found.json
echo report > dvclive/report.md
echo model > model.bin
"""
NAMED = {"dvclive/metrics.json", "dvclive/plots/metrics/acc.csv", "scores/seen.csv", "found.json"}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site.with_project(tmp_path, {"dvc.yaml": PROJECT, "train.sh": TRAIN})


def test_what_dvc_yaml_names_at_its_top_level_is_in_the_result_commit(site: Site) -> None:
    job = site.run()

    assert job.code == 0, job.log
    assert site.changed("main") == {"dvc.lock", ".gitignore", *NAMED}
    assert json.loads(site.show("main:dvclive/metrics.json")) == {"acc": 1}


def test_metrics_at_the_top_level_are_kept_where_dvc_is_no_module_of_a_python(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    binary = tmp_path / "bin" / "dvc"
    binary.write_text(f'#!/bin/sh\nexec {JOB_ENVIRONMENT / "bin" / "dvc"} "$@"\n')
    binary.chmod(0o755)

    job = site.with_environment(PATH=f"{binary.parent}:/usr/bin:/bin").run(python="python3")

    assert job.code == 0, job.log
    assert {"dvclive/metrics.json", "model.bin"} & site.changed("main") == {"dvclive/metrics.json"}


def test_the_report_says_which_new_files_are_no_results(tmp_path: Path, site: Site) -> None:
    with served(tmp_path / "origin", "x-token-auth", TOKEN) as host:
        job = over_http(site, host).run()
        told = comment(host, job.result[0])

    said = "New files are not in the result commit, since dvc.yaml does not name them: "
    assert f"{said}dvclive/report.md" in told.replace("\\", "")
    assert job.said(f"{said}dvclive/report.md")


def comment(host: HttpHost, commit: str) -> str:
    (text,) = host.comments[commit]
    return text
