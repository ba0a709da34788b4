"""Sweeps by command on the running stack: killed and resumed, two at once, learning, stopped."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.layout import PROJECT, Tools
from shared.best import BestResults
from tests.e2e.jobs_projects import PIPELINES, TRAINING, Project, pipeline
from tests.e2e.world import RUN_SECONDS, World, until

# From a point on, if it is told so, it waits for a file: until that is there, the sweep goes on.
TRIAL = """
import json, os, sys, time
said = dict(word[2:].split("=", 1) for word in sys.argv[1:])
n = int(said["n"])
trace = os.open(said["trace"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
os.write(trace, f"{n}\\n".encode())
while n >= int(said.get("held-from", n + 1)) and not os.path.exists(said["release"]):
    time.sleep(0.1)
if said.get("fails") == str(n):
    sys.exit(1)
with open(os.environ["ACME_OUTPUT_DIR"] + "/metrics.json", "w") as file:
    json.dump({"f1": -abs(n - 123.2)}, file)
"""
STAGES = """
stages:
  train:
    cmd: python3 train.py
    deps: [train.py]
    params: [lr, depth]
    metrics: [metrics.json]
"""
TRAIN = """
import json, re
said = dict(line.split(": ") for line in open("params.yaml").read().splitlines())
loss = (float(said["lr"]) - 0.3) ** 2 + int(said["depth"]) / 100
json.dump({"loss": loss}, open("metrics.json", "w"))
"""
POINTS = 200
LAST_POINTS = 20


@dataclass
class Sweeps:
    """Somebody who types `sweep` commands, in a folder with files."""

    world: World
    folder: Path

    def write(self, name: str, /, **options: Any) -> str:
        """A file of a sweep, as a word of the command; YAML reads JSON."""
        path = self.folder / name
        path.write_text(json.dumps(options), encoding="utf-8")
        return f"@{path}"

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Type `sweep run`; the process, whose output goes to a pipe."""
        return subprocess.Popen(
            self._command("run", *words),
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ask(self, *words: str, code: int = 0, folder: Path | None = None) -> str:
        """Type a command of the group; what it says."""
        done = subprocess.run(
            self._command(*words),
            cwd=folder or self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=4 * RUN_SECONDS,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    @property
    def best(self) -> BestResults:
        """The stack's table of best results."""
        dynamodb = self.world.client("dynamodb")
        return BestResults(dynamodb, self.table)

    @property
    def table(self) -> str:
        """Its name, as a user reads it from the stack."""
        stacks = self.world.client("cloudformation").describe_stacks()["Stacks"]
        outputs = {one["OutputKey"]: one["OutputValue"] for s in stacks for one in s["Outputs"]}
        name: str = outputs["BestResultsTableName"]
        return name

    def _command(self, *words: str) -> list[str]:
        options = ("--local", "--state-dir", str(self.world.folder / "state"))
        return [sys.executable, "-m", "cli", "sweep", *words, *options]

    def _environment(self) -> dict[str, str]:
        path = f"{Tools().job_environment / 'bin'}:{os.environ['PATH']}"
        state = {"XDG_STATE_HOME": str(self.folder / "xdg"), "PYTHONPATH": str(PROJECT)}
        return {**os.environ, **state, "PATH": path}


@pytest.fixture
def sweeps(world: World, tmp_path: Path) -> Sweeps:
    return Sweeps(world, tmp_path)


@pytest.fixture
def options(world: World, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """What sweeps of the trivial program ask for; it leaves a line for each of its executions."""
    project = Project(world, TRAINING, f"sweeps-{tmp_path.name}", tmp_path / "project")
    project.push("A trial", {"trial.py": TRIAL})

    def make(**more: Any) -> dict[str, Any]:
        return {
            "repository": TRAINING,
            "ref": project.branch,
            "command": f"python3 trial.py --trace={tmp_path / 'executions'}",
            "objective": "f1",
            "vcpus": 1,
            **more,
        }

    return make


def held(folder: Path, first: int) -> str:
    """Words for the trial's command: the points from `first` on end once they are released."""
    return f" --held-from={first} --release={folder / 'released'}"


def release(folder: Path) -> None:
    """Let the points end that were held."""
    (folder / "released").touch()


def executions(folder: Path) -> Counter[int]:
    """How often each point was executed."""
    file = folder / "executions"
    return Counter(map(int, file.read_text().split())) if file.exists() else Counter()


def test_a_sweep_whose_command_is_killed_three_times_executes_each_point_once(
    sweeps: Sweeps, options: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    asked = options(space={"n": {"range": [0, POINTS]}}, **{"commit-nbest": 3})
    asked["command"] += held(tmp_path, POINTS - LAST_POINTS)
    file = sweeps.write("killed.yaml", **asked)
    kept_in = ("--commit-table-name", sweeps.table)
    words = (file, "--yes", "--trace-file", str(tmp_path / "trace"), *kept_in)
    for seen in (0, POINTS // 20, POINTS // 3):
        process = sweeps.start(*words)
        # The first time while it still makes its first wave, or has only just made it.
        assert until(
            lambda: len(executions(tmp_path)) >= seen and (tmp_path / "trace").exists(),  # noqa: B023 - asked within the round
            seconds=4 * RUN_SECONDS,
        )
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=RUN_SECONDS)
        assert process.returncode == -signal.SIGKILL
    release(tmp_path)
    said = sweeps.ask("run", *words)

    assert executions(tmp_path) == dict.fromkeys(range(POINTS), 1)
    assert f"{POINTS} of {POINTS} points succeeded" in said
    sweep_id = json.loads((tmp_path / "trace").read_text().splitlines()[0])["targets"][0][
        "sweep_id"
    ]
    found = json.loads(sweeps.ask("results", sweep_id, "--json"))
    assert Counter(row["state"] for row in found) == {"ok": POINTS}
    kept = [one for one in sweeps.best.read(TRAINING, "killed f1") if one.sweep_id == sweep_id]
    assert [one.parameters for one in kept] == [{"n": 123}, {"n": 124}, {"n": 122}]
    assert sorted(row["objective"] for row in found)[-3:] == sorted(o.objective for o in kept)


def test_two_sweeps_that_commit_at_once_lose_nothing(
    sweeps: Sweeps, options: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    words = ("--yes", "--commit-table-name", sweeps.table, "--commit-nbest", "8")
    files = [
        sweeps.write(f"{first}.yaml", **options(name="together", space={"n": [first, first + 1]}))
        for first in (10, 20)
    ]
    processes = [sweeps.start(file, *words) for file in files]
    said = [process.communicate(timeout=2 * RUN_SECONDS)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0], said
    kept = sweeps.best.read(TRAINING, "together f1")
    assert [one.parameters["n"] for one in kept] == [21, 20, 11, 10]
    assert len({one.sweep_id for one in kept}) == 2


def test_a_search_learns_and_its_best_point_becomes_an_experiment_of_the_clone(
    sweeps: Sweeps, world: World, tmp_path: Path
) -> None:
    project = Project(world, PIPELINES, "searched", tmp_path / "project")
    text = "lr: 0.1\ndepth: 3\n"
    files = pipeline(project.folder, STAGES, **{"params.yaml": text, "train.py": TRAIN})
    asked = project.push("A pipeline", files)
    file = sweeps.write(
        "search.yaml",
        repository=PIPELINES,
        ref="searched",
        stage="train",
        objective="min loss",
        space={"lr": {"uniform": [0.0, 1.0]}, "depth": {"int": [1, 5]}},
        tuner="bayes",
        ntrial=6,
        concurrency=2,
    )
    said = sweeps.ask("run", file)
    (listed,) = [
        one for one in json.loads(sweeps.ask("list", "--json")) if one["commit"] == asked.commit
    ]
    rows = json.loads(sweeps.ask("results", listed["sweep_id"], "--json"))
    clone = project.copy.folder
    fetched = sweeps.ask("fetch", listed["sweep_id"], "--best", "2", folder=clone)
    again = sweeps.ask("fetch", listed["sweep_id"], "--best", "2", folder=clone)
    dvc = str(Tools().job_environment / "bin/dvc")
    shown = subprocess.run(
        [dvc, "exp", "show", "--json"],
        cwd=clone,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=True,
    ).stdout

    assert "6 of 6 points succeeded" in said
    assert len(rows) == 6
    best = min(rows, key=lambda row: row["objective"])
    name = f"{listed['sweep_id'][:8]}-{best['wave']}-{best['index']}"
    assert name in fetched
    assert name in shown
    assert repr(best["parameters"]["lr"]) in shown
    assert again.count("here already") == 2
    assert asked.branches().keys() == {"searched"}
    assert asked.comments() == []


def test_a_sweep_with_a_failed_point_ends_with_code_3_unless_it_is_tolerated(
    sweeps: Sweeps, options: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    base = options(space={"n": [1, 2, 3]})
    base["command"] += " --fails=2"
    file = sweeps.write("fails.yaml", **base)
    sweeps.ask("run", file, code=3)
    said = sweeps.ask("run", file, "--set", "tolerate=50%")

    assert "2 of 3 points succeeded, 1 failed" in said
    assert executions(tmp_path) == {1: 2, 2: 2, 3: 2}


def test_a_sweep_that_is_stopped_from_elsewhere_ends_the_command_that_watches_it(
    sweeps: Sweeps, options: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    asked = options(space={"n": {"range": [0, 40]}})
    asked["command"] += held(tmp_path, 2)
    file = sweeps.write("stopped.yaml", **asked)
    trace = tmp_path / "trace"
    process = sweeps.start(file, "--trace-file", str(trace))
    assert until(lambda: len(executions(tmp_path)) >= 2, seconds=RUN_SECONDS)
    sweep_id = json.loads(trace.read_text().splitlines()[0])["targets"][0]["sweep_id"]
    sweeps.ask("stop", sweep_id, "--why", "enough")
    said, _ = process.communicate(timeout=RUN_SECONDS)

    assert process.returncode == 3, said
    assert "the sweep was stopped" in said
    assert 2 <= len(executions(tmp_path)) < 40
    assert "stopped" in sweeps.ask("show", sweep_id)


def test_ctrl_c_without_a_terminal_leaves_the_jobs_and_says_how_to_go_on(
    sweeps: Sweeps, options: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    asked = options(space={"n": [5, 6, 7]})
    asked["command"] += held(tmp_path, 5)
    file = sweeps.write("left.yaml", **asked)
    process = sweeps.start(file)
    assert until(lambda: len(executions(tmp_path)) >= 1, seconds=RUN_SECONDS)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=RUN_SECONDS)
    release(tmp_path)
    words = said.rpartition("to watch them again: ")[2].split()
    again = sweeps.ask(*words[2:-3])

    assert process.returncode == 130, said
    assert words[:3] == ["cloud-runner", "sweep", "run"]
    assert "3 of 3 points succeeded" in again
    assert executions(tmp_path) == {5: 1, 6: 1, 7: 1}


def test_the_sweep_of_a_commit_is_shown_like_any_other(
    sweeps: Sweeps, world: World, tmp_path: Path
) -> None:
    project = Project(world, PIPELINES, "swept", tmp_path / "project")
    text = "lr: 0.1\ndepth: 3\n"
    files = pipeline(project.folder, STAGES, **{"params.yaml": text, "train.py": TRAIN})
    message = (
        "A sweep\n\n:ACME_RUN: train\n:ACME_SWEEP: lr=0.2,0.3 depth=range(1,3)\n"
        ":ACME_OBJECTIVE: min loss\n"
    )
    asked = project.push(message, files)
    status = asked.ended()
    shown = sweeps.ask("show", asked.run_id[:10])
    table = sweeps.ask("results", asked.run_id)
    picture = tmp_path / "sweep.svg"
    sweeps.ask("results", asked.run_id, "--picture", str(picture), "--kind", "scatter")
    fetched = sweeps.ask("fetch", asked.run_id, folder=project.copy.folder)

    assert status[0] == "SUCCESSFUL", status
    # The best is known once the sweeper has looked at all results.
    assert until(lambda: "best loss 0.01" in world.last_status(PIPELINES, asked.commit)[1])
    assert "4 in all, 4 ok" in shown
    first = table.splitlines()[1].split()
    assert first[0] == "1/2"
    assert first[-2:] == ["0.3", "1"]
    assert picture.read_text().startswith("<svg")
    assert "point 1/2, loss 0.01" in fetched
