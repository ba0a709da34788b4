"""A point of a sweep that is a command: its parameters, its output, the metrics that it writes."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.job_points import (
    BUCKET,
    data_bucket,
    left_nothing_at_the_host,
    stored,
    swept,
)
from tests.integration.job_site import Site, git
from tests.integration.test_job_commands import without_dvc
from tests.integration.test_job_pythons import python

TRAIN = """
import json, os, pathlib, sys
output = pathlib.Path(os.environ["ACME_OUTPUT_DIR"])
seen = {"arguments": sys.argv[1:], "target": os.environ["ACME_TARGET"]}
(output / "seen.json").write_text(json.dumps({**seen, "point": os.environ["ACME_POINT"]}))
pathlib.Path("log.txt").write_text("changed")
print(json.dumps({"accuracy": 0.5}))
print(json.dumps({"accuracy": 0.94, "loss": float("nan")}))
print("bye")
"""
POINT = {"lr": 0.01, "act": "it's, a b", "deep": True}


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with data_bucket(tmp_path_factory.mktemp("aws")) as client:
        yield client


def project(root: Path, **more: str) -> Site:
    return without_dvc(root, {"train.py": TRAIN, "log.txt": "\n", "metrics.json": "{}", **more})


def arguments(left: Mapping[str, bytes]) -> list[str]:
    seen: list[str] = json.loads(left["output/seen.json"])["arguments"]
    return seen


def test_a_command_is_told_its_point_and_judged_by_its_last_words(s3: Any, tmp_path: Path) -> None:
    site = project(tmp_path)
    sweep = swept(s3, "words", [POINT])

    job = sweep.planned(site, {"target": "cuda"}, ACME_RUN_COMMAND="python3 train.py {deep}").run(
        "--epochs 2"
    )

    assert job.code == 0, job.log
    body = sweep.result()
    seen = json.loads(sweep.left()["output/seen.json"])
    assert seen["arguments"] == ["true", "--epochs", "2", "--lr=0.01", "--act=it's, a b"]
    assert (json.loads(seen["point"]), seen["target"]) == (POINT, "cuda")
    assert (body["objective"], body["experiment"]) == (0.94, None)
    assert body["metrics"] == {"last line": {"accuracy": 0.94, "loss": "nan"}}
    assert set(sweep.left()) == {"job.log", "output/seen.json", "result.json"}
    assert left_nothing_at_the_host(site)  # though it has changed a tracked file


def test_parameters_are_put_where_the_command_names_them(s3: Any, tmp_path: Path) -> None:
    sweep = swept(s3, "places", [POINT])
    command = "python3 train.py {args} {other} --out=m-{lr}"

    job = sweep.site(project(tmp_path), ACME_RUN_COMMAND=command).run()

    assert job.code == 0, job.log
    assert arguments(sweep.left()) == [
        *("--lr=0.01", "--act=it's, a b", "--deep=true"),
        *("{other}", "--out=m-0.01"),
    ]


@pytest.mark.parametrize(
    ("command", "objective", "found"),
    [
        ("echo '{\"accuracy\": 0.9}' > metrics.json; echo '{\"accuracy\": 0.1}'", "accuracy", 0.9),
        ("echo '{\"accuracy\": 0.8}' > $ACME_OUTPUT_DIR/metrics.json", "accuracy", 0.8),
        ("echo 'eval: {accuracy: 7}' > metrics.yaml", "eval.accuracy", 7.0),
        ('mkdir s && echo \'{"a": {"b": 1e-3}}\' > s/e.json', "s/e.json:a.b", 0.001),
    ],
    ids=["file", "output", "yaml", "own file"],
)
def test_metrics_come_from_a_file_that_the_command_writes(
    s3: Any, tmp_path: Path, command: str, objective: str, found: float
) -> None:
    sweep = swept(s3, tmp_path.name, [{"x": 1}])
    (tmp_path / "run.sh").write_text(command)

    job = sweep.planned(
        project(tmp_path),
        {"objective": objective},
        ACME_RUN_COMMAND=f"sh {tmp_path}/run.sh {{x}}",
    ).run()

    assert job.code == 0, job.log
    assert sweep.result()["objective"] == found


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("true", "accuracy is not among the metrics: there are none: write it to metrics.json"),
        ("echo '{\"accuracy\": NaN}' > metrics.json", "accuracy is nan, and no number"),
        ("ln -sf /etc/hostname metrics.json", "there are none"),
        ("rm metrics.json; mkfifo metrics.json", "there are none"),
        ("echo '{\"accuracy\": 1}'; exit 3", "exit code 3"),
    ],
    ids=["stale", "nan", "link", "pipe", "code"],
)
def test_a_command_without_a_number_has_failed(
    s3: Any, tmp_path: Path, command: str, reason: str
) -> None:
    sweep = swept(s3, tmp_path.name, [{"x": 1}])
    (tmp_path / "run.sh").write_text(command)
    # The commit holds metrics of its own, which are not the command's.
    site = project(tmp_path, **{"metrics.json": '{"accuracy": 1}'})

    job = sweep.site(site, ACME_RUN_COMMAND=f"sh {tmp_path}/run.sh").run()

    body = sweep.result()
    assert (job.code, body["ok"], body["objective"]) == (72, False, None)
    assert reason in body["reason"]


def test_without_an_objective_a_command_need_write_no_metrics(s3: Any, tmp_path: Path) -> None:
    sweep = swept(s3, "quiet", [{"x": 1}])

    job = sweep.planned(project(tmp_path), {"objective": None}, ACME_RUN_COMMAND="true").run()

    assert job.code == 0, job.log
    assert (sweep.result()["ok"], sweep.result()["objective"]) == (True, None)


def test_a_command_of_a_sweep_comes_before_the_projects_own_script(s3: Any, tmp_path: Path) -> None:
    site = project(tmp_path)
    (site.project / "job-run.sh").write_text("#!/bin/sh\nexit 9\n")
    (site.project / "job-run.sh").chmod(0o755)
    head = site.commit({})
    git(site.project, "push", "--quiet", "origin", "main")
    sweep = swept(s3, "first", [{"x": 1}])

    job = sweep.site(site, ACME_RUN_COMMAND="python3 train.py").run(commit=head)

    assert job.code == 0, job.log
    assert sweep.result()["objective"] == 0.94


def test_input_and_output_are_as_in_any_run(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="data/words.txt", Body=b"one two")
    sweep = swept(s3, "inputs", [{"x": 1}, {"x": 2}])
    script = 'cp "$ACME_INPUT_DIR/words.txt" out/model; echo "{\\"accuracy\\": 0.7$1}"'

    job = sweep.site(
        project(tmp_path, **{"run.sh": script}),
        index=1,
        ACME_RUN_COMMAND="sh run.sh {x}",
        ACME_INPUT_URI=f"s3://{BUCKET}/data/",
        ACME_OUTPUT_DIR="out",
    ).run()

    assert job.code == 0, job.log
    assert sweep.result()["objective"] == 0.72
    assert sweep.left(1)["output/model"] == b"one two"


def test_a_point_runs_on_the_oldest_python_with_nothing_installed(s3: Any, tmp_path: Path) -> None:
    sweep = swept(s3, "oldest", [POINT])
    site = sweep.site(project(tmp_path), ACME_RUN_COMMAND="python3 train.py")

    job = site.run(python=python("3.9"))

    assert job.code == 0, job.log
    assert sweep.result()["objective"] == 0.94


def test_a_log_that_is_refused_elsewhere_is_a_note(s3: Any, tmp_path: Path) -> None:
    sweep = swept(s3, "logged", [{"x": 1}])
    plan = {"log_to": "s3://nobodys-bucket/logs"}

    job = sweep.planned(project(tmp_path), plan, ACME_RUN_COMMAND="python3 train.py").run()

    assert job.code == 0, job.log
    (note,) = sweep.result()["notes"][1:]
    assert note.startswith(
        "the log is not kept there: storing s3://nobodys-bucket/logs/logged/1-0.log"
    )
    assert job.said(note)
    assert note.encode() in sweep.left()["job.log"]
    assert not stored(s3, "logs/")
