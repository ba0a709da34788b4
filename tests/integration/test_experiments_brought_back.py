"""`experiments results` with real DVC: what other machines made becomes experiments here."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from cli.experiments.commands import experiments as group
from local.bitbucket.client import Client
from shared.errors import Unavailable
from shared.events import RunId
from shared.run_store import RunStore
from shared.runs import Run, ask_again
from tests.integration.bitbucket_stand_in import REPOSITORY, running
from tests.integration.command_line import Here
from tests.integration.experiment_account import experiment_account
from tests.integration.experiment_site import BETTER, AtHome, environment
from tests.samples import NOW

RATES = {"slow": 2, "fast": 30}


@dataclass(frozen=True)
class Made:
    """A working copy with a queue, and a bare repository with what its jobs would push."""

    home: AtHome
    remote: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two parameters and one source file queued; the jobs of all three have pushed."""
    root = tmp_path_factory.mktemp("made")
    home = AtHome.begin(root / "work", root / "data")
    remote = root / "remote.git"
    home.git("clone", "--quiet", "--bare", str(home.folder), str(remote))
    elsewhere = AtHome(root / "job", home.data)
    home.git("clone", "--quiet", str(remote), str(elsewhere.folder))
    elsewhere.git("config", "user.name", "Someone")
    elsewhere.git("config", "user.email", "someone@example.com")
    for name, rate in RATES.items():
        home.queue(name, "--set-param", f"rate={rate}")
        elsewhere.dvc("exp", "run", "--name", name, "--set-param", f"rate={rate}")
        elsewhere.git("reset", "--quiet", "--hard")
    for one in (home, elsewhere):
        one.write({"train.py": BETTER})
    home.queue("better")
    elsewhere.dvc("exp", "run", "--name", "better")
    home.git("checkout", "--quiet", "train.py")
    elsewhere.dvc("exp", "push", "--quiet", "origin", *RATES, "better")
    return Made(home, remote)


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[Client]:
    with running(tmp_path / "state") as client:
        yield client


@pytest.fixture
def home(made: Made, stand_in: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AtHome:
    """A copy of the working copy, whose jobs have yet to push to the stand-in."""
    folder = tmp_path / "work"
    shutil.copytree(made.home.folder, folder, symlinks=True)
    home = AtHome(folder, made.home.data)
    home.git("remote", "add", "origin", stand_in.git_url(REPOSITORY))
    home.git("push", "--quiet", "origin", "main")
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)
    return home


@pytest.fixture
def here(stand_in: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    with experiment_account(monkeypatch, stand_in) as here:
        yield here


@dataclass(frozen=True)
class Jobs:
    """What the stack does with the runs, as far as it matters here."""

    here: Here
    stand_in: Client
    made: Made
    run_ids: dict[str, RunId]

    def end(self, name: str, state: str, **more: object) -> None:
        """Let a run end; one that succeeds has pushed its experiment before."""
        if state == "succeeded":
            self.push(name)
        store = RunStore(self.here.client("dynamodb"), "runs")
        changes = {"state": state, "stopped_at": NOW, **more}
        store.change(self.run_ids[name], lambda run: run.changed(**changes))

    def push(self, name: str) -> None:
        """Push the experiment of a run."""
        head = self.made.home.head
        ref = f"refs/exps/{head[:2]}/{head[2:]}/{name}"
        job = AtHome(self.made.remote, self.made.home.data)
        job.git("push", "--quiet", self.stand_in.git_url(REPOSITORY), f"+{ref}:{ref}")


@pytest.fixture
def jobs(here: Here, home: AtHome, stand_in: Client, made: Made) -> Jobs:
    """The runs of all three, which were just sent."""
    shown = here.run(group, "submit", "--json")
    return Jobs(here, stand_in, made, {one["name"]: one["run_id"] for one in answer(shown)})


def answer(result: Result) -> list[dict[str, Any]]:
    """The JSON on standard output, before which the runner shows standard error."""
    text = result.output[result.output.index("[") :]
    found: list[dict[str, Any]] = json.JSONDecoder().raw_decode(text)[0]
    return found


def told(result: Result) -> dict[str, tuple[str, str | None]]:
    return {one["name"]: (one["state"], one["experiment"]) for one in answer(result)}


def test_what_succeeded_is_listed_by_dvc_on_its_baseline_with_its_metrics(
    here: Here, home: AtHome, jobs: Jobs
) -> None:
    for name in ("slow", "fast", "better"):
        jobs.end(name, "succeeded")
    home.dvc("queue", "remove", "--queued")
    shown = here.run(group, "results", "--json")
    found = home.experiments()

    assert shown.exit_code == 0, shown.output
    assert told(shown) == dict.fromkeys(jobs.run_ids, ("succeeded", "brought"))
    scores = {name: one["metrics"]["metrics.json"]["data"]["score"] for name, one in found.items()}
    assert scores == {"slow": 20.0, "fast": 300.0, "better": 1000.0}
    home.dvc("exp", "apply", "slow")
    assert (home.folder / "model.txt").read_text() == "2.0\n"


def test_those_that_are_here_are_left_and_those_to_come_come_later(
    here: Here, home: AtHome, jobs: Jobs
) -> None:
    jobs.end("slow", "succeeded")
    first = here.run(group, "results", "--json")
    before = home.everything()
    second = here.run(group, "results", "--json")
    unchanged = home.everything() == before
    jobs.end("fast", "succeeded")
    third = here.run(group, "results", "--json", "--no-data")

    assert told(first)["slow"] == ("succeeded", "brought")
    assert told(first)["fast"] == ("requested", None)
    assert told(second)["slow"] == ("succeeded", "here")
    assert unchanged
    assert told(third)["fast"] == ("succeeded", "brought")
    states = {row["name"]: (row["here"], row["state"]) for row in listed(here)}
    assert states["fast"] == (True, "succeeded")
    assert states["better"] == (False, "requested")


def listed(here: Here) -> list[dict[str, Any]]:
    return answer(here.run(group, "list", "--json"))


def test_without_data_the_cache_stays_empty_and_with_it_the_model_is_there(
    here: Here, home: AtHome, jobs: Jobs
) -> None:
    shutil.rmtree(home.folder / ".dvc" / "cache", ignore_errors=True)
    jobs.end("slow", "succeeded")
    jobs.end("fast", "succeeded")
    here.run(group, "results", "slow", "--no-data")
    without = cached(home)
    here.run(group, "results", "fast")

    assert without == set()
    assert cached(home) == {"30.0\n"}


def cached(home: AtHome) -> set[str]:
    return {file.read_text() for file in (home.folder / ".dvc" / "cache").glob("files/md5/*/*")}


def test_a_failure_tells_its_reason_and_the_commands_that_go_on_from_it(
    here: Here, home: AtHome, jobs: Jobs
) -> None:
    jobs.end("slow", "failed", reason="dvc exp run: the stage train failed")
    run_id = jobs.run_ids["slow"]
    all_of_them = here.run(group, "results")
    named = here.run(group, "results", "slow")

    assert all_of_them.exit_code == 0
    assert "slow: failed: dvc exp run: the stage train failed" in all_of_them.output
    assert f"cloud-runner runs logs {run_id}" in all_of_them.output
    assert f"cloud-runner runs rerun {run_id}" in all_of_them.output
    assert named.exit_code == 3
    assert "1 of 1 did not succeed: slow" in named.output


def test_an_experiment_of_ones_own_with_that_name_is_not_overwritten(
    here: Here, home: AtHome, jobs: Jobs
) -> None:
    home.dvc("exp", "run", "--name", "slow", "--set-param", "rate=7")
    ours = home.git("for-each-ref", "--format=%(objectname)", "refs/exps/*/*/slow")
    jobs.end("slow", "succeeded")
    shown = here.run(group, "results")

    assert shown.exit_code == 1
    assert "left: an experiment of this name is here that is another" in shown.output
    assert "not here as they should be: slow" in shown.output
    assert home.git("for-each-ref", "--format=%(objectname)", "refs/exps/*/*/slow") == ours


def test_an_experiment_that_is_not_at_the_remote_is_told(
    here: Here, home: AtHome, jobs: Jobs
) -> None:
    jobs.end("slow", "running")
    jobs.end("fast", "succeeded")
    home.git("push", "--quiet", "origin", ":" + ref_of(home, "fast"))
    shown = here.run(group, "results", "--json")

    assert shown.exit_code == 1
    assert told(shown)["fast"] == ("succeeded", "gone")


def ref_of(home: AtHome, name: str) -> str:
    return f"refs/exps/{home.head[:2]}/{home.head[2:]}/{name}"


def test_data_that_cannot_be_fetched_is_told_and_the_experiment_is_here(
    here: Here, home: AtHome, jobs: Jobs, tmp_path: Path
) -> None:
    shutil.rmtree(home.folder / ".dvc" / "cache", ignore_errors=True)
    config = (home.folder / ".dvc" / "config").read_text()
    home.write({".dvc/config.local": config.replace(str(home.data), "hdfs://127.0.0.1:1/away")})
    jobs.end("slow", "succeeded")
    shown = here.run(group, "results")

    assert shown.exit_code == 1
    assert "brought here, but not all of its data" in shown.output
    assert "dvc exp pull origin slow" in shown.output


def test_results_are_those_of_the_commit_that_is_checked_out_unless_all_are_wanted(
    here: Here, home: AtHome, jobs: Jobs
) -> None:
    jobs.end("slow", "succeeded")
    home.dvc("queue", "remove", "--queued")
    home.git("commit", "--quiet", "--allow-empty", "--message", "On")
    on_head = here.run(group, "results")
    everything = here.run(group, "results", "--all", "--json")
    by_name = here.run(group, "results", "slow", "--json")

    assert "none was sent of this commit" in on_head.output
    assert "3 on other commits: --all" in on_head.output
    assert told(everything)["slow"] == ("succeeded", "brought")
    assert told(by_name)["slow"] == ("succeeded", "here")


def test_a_name_that_nobody_sent_and_runs_of_others_are_not_taken_for_experiments(
    here: Here, home: AtHome, jobs: Jobs
) -> None:
    store = RunStore(here.client("dynamodb"), "runs")
    run = store.get(jobs.run_ids["slow"])
    assert run is not None
    plain = run.asked.model_copy(update={"changes": None})
    store.create(run.changed(run_id=RunId("a" * 24), asked=plain))
    other = run.repository and run.repository.model_copy(update={"full_name": "acme/other"})
    store.create(run.changed(run_id=RunId("b" * 24), repository=other))
    unknown = here.run(group, "results", "nobody")
    shown = here.run(group, "results", "--all", "--json")

    assert unknown.exit_code == 1
    assert "no experiment nobody of acme/my.repo was sent" in unknown.output
    assert {one["run_id"] for one in answer(shown)} == set(jobs.run_ids.values())


def test_watching_tells_every_change_and_ends_as_the_runs_did(
    here: Here, home: AtHome, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: Iterator[tuple[str, str, dict[str, object]]] = iter(
        [("slow", "running", {}), ("slow", "succeeded", {}), ("better", "failed", {})]
    )

    def pause(_seconds: float) -> None:
        name, state, more = next(steps)
        jobs.end(name, state, **more)

    monkeypatch.setattr("cli.experiments.watching.sleep", pause)
    shown = here.run(group, "submit", "slow", "better", "--watch")

    assert shown.exit_code == 3
    assert "slow: running\nslow: succeeded\nbetter: failed\n" in shown.output
    assert "1 of 2 did not succeed: better" in shown.output


def test_a_throttle_does_not_end_the_watch(
    here: Here, home: AtHome, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, failures = RunStore.get, iter(["throttled", "throttled"])

    def get(store: RunStore, run_id: RunId) -> Run | None:
        for failure in failures:
            raise Unavailable(failure)
        return before(store, run_id)

    def pause(_seconds: float) -> None:
        if RunStore.get is before:
            jobs.end("slow", "succeeded")
            monkeypatch.setattr(RunStore, "get", get)

    monkeypatch.setattr("cli.experiments.watching.sleep", pause)
    shown = here.run(group, "submit", "slow", "--watch")

    assert shown.exit_code == 0, shown.output
    assert shown.output.count("throttled: it will be asked again") == 1


def test_another_attempt_counts_and_is_told(here: Here, home: AtHome, jobs: Jobs) -> None:
    jobs.end("slow", "failed")
    store = RunStore(here.client("dynamodb"), "runs")

    def again(run: Run) -> Run:
        return ask_again(run, NOW)

    store.change(jobs.run_ids["slow"], again)
    shown = here.run(group, "results")

    assert "requested (attempt 2)" in shown.output
