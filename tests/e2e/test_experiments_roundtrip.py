"""Experiments queued on somebody's machine, run by the stack, and back among DVC's own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.events import RunId
from tests.e2e.jobs_projects import PIPELINES
from tests.e2e.world import RUN_SECONDS, World
from tests.integration.experiment_site import BETTER, AtHome, environment

BRANCH = "queued-experiments"
RATES = {"slow": 2, "steady": 5, "fast": 30}
NAMES = {*RATES, "better"}


@dataclass(frozen=True)
class Somebody:
    """Somebody in a working copy of the running stack's repository."""

    world: World
    home: AtHome

    def types(self, *words: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
        """Type a command of ours; the test fails if it ends with another code."""
        program = Path(sys.executable).with_name("cloud-runner")
        state = self.world.folder / "state"
        options = ["--local", "--state-dir", str(state)]
        done = subprocess.run(
            [program, "experiments", *words, *options],
            cwd=self.home.folder,
            env={**os.environ, **environment()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            # It may watch several runs.
            timeout=2 * RUN_SECONDS,
            check=False,
        )
        assert done.returncode == code, (done.stdout, done.stderr)
        return done


@pytest.fixture(scope="module")
def somebody(world: World, tmp_path_factory: pytest.TempPathFactory) -> Somebody:
    """Three parameters and one changed source file are queued; another file is being worked on."""
    root = tmp_path_factory.mktemp("somebody")
    home = AtHome.begin(root / "work", root / "data")
    home.git("remote", "add", "origin", world.bitbucket.git_url(PIPELINES))
    home.git("push", "--quiet", "origin", f"main:refs/heads/{BRANCH}")
    for name, rate in RATES.items():
        home.queue(name, "--set-param", f"rate={rate}")
    home.write({"train.py": BETTER})
    home.queue("better")
    home.git("checkout", "--quiet", "train.py")
    home.write({"params.yaml": "rate: 77\n"})
    return Somebody(world, home)


def test_queued_experiments_run_in_the_cloud_and_come_back_as_dvcs_own(somebody: Somebody) -> None:
    home = somebody.home
    before = home.everything()
    sent = somebody.types("submit", "--watch", "--json")
    untouched = home.everything() == before
    again = somebody.types("submit", "--json")
    brought = somebody.types("results", "--json")
    shown = home.experiments()
    listed = somebody.types("list", "--json")

    assert untouched
    assert {one["name"]: (one["state"], one["new"]) for one in answer(sent)} == dict.fromkeys(
        NAMES, ("succeeded", True)
    )
    assert {one["run_id"] for one in answer(again)} == {one["run_id"] for one in answer(sent)}
    assert {one["experiment"] for one in answer(brought)} == {"brought"}
    scores = {name: one["metrics"]["metrics.json"]["data"]["score"] for name, one in shown.items()}
    assert scores == {"slow": 20.0, "steady": 50.0, "fast": 300.0, "better": 1000.0}
    assert (home.folder / "params.yaml").read_text() == "rate: 77\n"
    assert {(one["name"], one["here"], one["queued"]) for one in answer(listed)} == {
        (name, True, True) for name in NAMES
    }
    for one in answer(sent):
        assert len(somebody.world.jobs(RunId(one["run_id"]))) == 1


def test_one_that_fails_says_why_and_how_to_see_its_log(somebody: Somebody) -> None:
    home = somebody.home
    home.write({"train.py": "raise SystemExit('no data to train on')\n"})
    home.queue("broken")
    home.git("checkout", "--quiet", "train.py")
    failed = somebody.types("submit", "broken", "--watch", "--dequeue", code=3)
    told = somebody.types("results", "broken", code=3)
    (run,) = [one for one in answer(somebody.types("list", "--json")) if one["name"] == "broken"]

    assert "broken: failed" in failed.stderr
    assert "1 of 1 did not succeed: broken" in failed.stderr
    assert f"cloud-runner runs logs {run['run_id']}" in told.stdout
    assert (run["queued"], run["here"]) == (False, False)


def answer(done: "subprocess.CompletedProcess[str]") -> list[dict[str, Any]]:
    """The JSON that a command has printed, and nothing beside it."""
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
