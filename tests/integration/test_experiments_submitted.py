"""`experiments submit` on a real DVC queue, between the Bitbucket stand-in and moto's AWS."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from cli.experiments.commands import experiments as group
from cli.requests import Requests
from local.bitbucket.client import Client
from shared.events import Envelope, RunId, RunRequested
from shared.run_store import RunStore
from shared.runs import Run
from tests.integration.bitbucket_stand_in import REPOSITORY, clone, commit, git, push, running
from tests.integration.command_line import Here
from tests.integration.experiment_account import experiment_account
from tests.integration.experiment_site import BETTER, AtHome, environment

RESULTS_OF_DEQUEUING = (".git/refs/exps/celery", ".git/logs/refs/exps/celery", ".dvc/tmp")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> AtHome:
    """Three experiments: of a parameter, of a source file, and with options; then work goes on."""
    root = tmp_path_factory.mktemp("made")
    home = AtHome.begin(root / "work", root / "data")
    home.queue("slow", "--set-param", "rate=2")
    home.write({"train.py": BETTER})
    home.queue("better", "--force", "--message", "My words", "train")
    home.git("checkout", "--quiet", "train.py")
    home.queue("fast", "--set-param", "rate=30", "--single-item", "--keep-going", "--pull")
    home.write({"params.yaml": "rate: 99\n", "notes.txt": "mine\n", "staged.txt": "staged\n"})
    home.git("add", "staged.txt")
    home.git("stash", "push", "--quiet", "--", "params.yaml")
    home.write({"params.yaml": "rate: 98\n"})
    return home


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[Client]:
    with running(tmp_path / "state") as client:
        yield client


@pytest.fixture
def home(made: AtHome, stand_in: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AtHome:
    """A copy of it, pushed, in which commands are typed."""
    folder = tmp_path / "work"
    shutil.copytree(made.folder, folder, symlinks=True)
    home = AtHome(folder, made.data)
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


def answer(result: Result) -> list[dict[str, Any]]:
    """The JSON on standard output, before which the runner shows standard error."""
    found: list[dict[str, Any]] = json.loads(result.output[result.output.index("[") :])
    return found


def records(here: Here) -> dict[str, Run]:
    """The runs that were asked for, by the names of their experiments."""
    store = RunStore(here.client("dynamodb"), "runs")
    return {(run.asked.arguments or "").split()[1]: run for run in store.latest("requested")}


def requests(here: Here) -> list[RunId]:
    """The runs on the submitter's queue, each taken out."""
    sqs = here.client("sqs")
    url = sqs.get_queue_url(QueueName="runs")["QueueUrl"]
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(RunRequested.model_validate(Envelope.read(message["Body"]).detail).run_id)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def at_bitbucket(home: AtHome) -> dict[str, str]:
    """The refs at the remote besides branches."""
    told = home.git("ls-remote", "origin", "refs/cloud-run/*")
    return {ref: head for head, ref in (line.split("\t") for line in told.splitlines())}


def test_each_experiment_is_pushed_with_its_workspace_and_a_run_is_asked_for(
    here: Here, home: AtHome, stand_in: Client, tmp_path: Path
) -> None:
    shown = here.run(group, "submit", "--memory", "2048")
    runs = records(here)
    beside = clone(stand_in, tmp_path / "beside")
    git(beside, "fetch", "--quiet", "origin", "refs/cloud-run/*:refs/cloud-run/*")

    assert shown.exit_code == 0, shown.output
    assert set(runs) == {"slow", "better", "fast"}
    assert sorted(requests(here)) == sorted(run.run_id for run in runs.values())
    for run in runs.values():
        assert run.asked.changes is not None
        ref, sent = run.asked.changes.ref, run.asked.changes.commit
        assert (run.branch, run.commit, run.asked.memory_mib) == ("main", home.head, 2048)
        assert run.asked.experiment
        assert ref == f"refs/cloud-run/queue/{run.run_id}"
        assert git(beside, "rev-parse", ref).stdout.strip() == sent
        assert git(beside, "rev-parse", f"{sent}^@").stdout.split() == [home.head]
        files = git(beside, "ls-tree", "-r", "--name-only", sent).stdout.split()
        assert "train.py" in files
        assert not [name for name in files if name.startswith(".dvc/tmp")]
    assert show(beside, runs["slow"], "params.yaml") == "rate: 2\n"
    assert show(beside, runs["better"], "train.py") == BETTER
    assert show(beside, runs["better"], "params.yaml") == "rate: 1\n"
    assert runs["slow"].asked.arguments == "--name slow"
    words = "--name better --message 'My words' --force train"
    assert runs["better"].asked.arguments == words
    assert runs["fast"].asked.arguments == "--name fast --single-item --keep-going"


def show(where: Path, run: Run, file: str) -> str:
    assert run.asked.changes is not None
    return git(where, "show", f"{run.asked.changes.commit}:{file}").stdout


def test_the_working_copy_and_all_of_git_and_dvc_stay_as_they_were_to_the_byte(
    here: Here, home: AtHome
) -> None:
    before = home.everything()
    dry = here.run(group, "submit", "--dry-run")
    listed = here.run(group, "list")
    sent = here.run(group, "submit")
    again = here.run(group, "submit")

    assert [one.exit_code for one in (dry, listed, sent, again)] == [0, 0, 0, 0]
    assert home.everything() == before
    assert ".git/index" in before
    assert home.queued == {"slow", "better", "fast"}


def test_to_submit_again_asks_for_nothing_and_pushes_nothing(here: Here, home: AtHome) -> None:
    here.run(group, "submit", "fast")
    before, first = at_bitbucket(home), records(here)
    store = RunStore(here.client("dynamodb"), "runs")
    store.change(first["fast"].run_id, lambda run: run.changed(state="running"))
    requests(here)
    again = here.run(group, "submit", "fast", "--json")

    assert [one["new"] for one in answer(again)] == [False]
    assert at_bitbucket(home) == before
    assert requests(here) == []


def test_what_died_between_the_push_and_the_request_is_healed_by_typing_it_again(
    here: Here, home: AtHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise SystemExit(137)

    with monkeypatch.context() as patch:
        patch.setattr(Requests, "ask", die)
        died = here.run(group, "submit", "slow")
    pushed = at_bitbucket(home)
    healed = here.run(group, "submit", "slow")

    assert (died.exit_code, healed.exit_code) == (137, 0)
    assert len(pushed) == 1
    assert at_bitbucket(home) == pushed
    changes = records(here)["slow"].asked.changes
    assert changes is not None
    assert pushed == {changes.ref: changes.commit}


def test_a_record_that_nobody_was_told_of_is_told_of_again(here: Here, home: AtHome) -> None:
    here.run(group, "submit", "slow")
    lost = requests(here)
    here.run(group, "submit", "slow")

    assert requests(here) == lost


def test_dequeue_takes_out_what_was_sent_and_touches_nothing_else(here: Here, home: AtHome) -> None:
    before = home.everything(besides=RESULTS_OF_DEQUEUING)
    shown = here.run(group, "submit", "slow", "better", "--dequeue")

    assert shown.exit_code == 0, shown.output
    assert home.queued == {"fast"}
    assert home.everything(besides=RESULTS_OF_DEQUEUING) == before
    rows = answer(here.run(group, "list", "--json"))
    assert {(row["name"], row["queued"], row.get("state")) for row in rows} == {
        ("fast", True, None),
        ("slow", False, "requested"),
        ("better", False, "requested"),
    }


def test_a_dry_run_tells_what_would_be_sent(here: Here, home: AtHome) -> None:
    shown = here.run(group, "submit", "better", "--dry-run", "--json")

    (order,) = answer(shown)
    assert order["changed"] == ["train.py"]
    assert order["arguments"] == "--name better --message 'My words' --force train"
    assert (order["branch"], order["baseline"], order["new"]) == ("main", home.head, True)
    assert at_bitbucket(home) == {}
    assert requests(here) == []


def test_files_that_git_does_not_track_are_told(here: Here, home: AtHome) -> None:
    shown = here.run(group, "submit", "slow")

    assert "not tracked by git, so not sent: notes.txt" in shown.output
    assert "ignored" not in shown.output


def test_a_stage_that_needs_an_untracked_file_is_not_sent(here: Here, home: AtHome) -> None:
    pipeline = (home.folder / "dvc.yaml").read_text()
    home.write({"dvc.yaml": pipeline.replace("[train.py]", "[train.py, notes.txt]")})
    home.queue("lacking")
    home.queue("copying", "--copy-paths", "ignored")
    shown = here.run(group, "submit")

    assert shown.exit_code == 1
    assert "lacking needs notes.txt, which git does not track" in shown.output
    assert "copying needs ignored, notes.txt, which git does not track" in shown.output
    assert at_bitbucket(home) == {}


def test_what_git_lfs_keeps_beside_git_is_not_sent(here: Here, home: AtHome) -> None:
    home.write({".gitattributes": "big.bin filter=lfs\n", "big.bin": "something\n"})
    home.git("add", ".gitattributes", "big.bin")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 10\n"
    home.write({"big.bin": pointer})
    home.git("add", "big.bin")
    home.queue("heavy")
    shown = here.run(group, "submit", "heavy")

    assert "heavy changes big.bin, which Git LFS keeps beside git" in shown.output


def test_what_hydra_composed_when_it_was_queued_is_not_composed_again(
    here: Here, home: AtHome
) -> None:
    home.dvc("config", "hydra.enabled", "True")
    home.write({"conf/config.yaml": "rate: 5\n"})
    home.git("add", "conf")
    home.queue("composed", "--set-param", "rate=6")
    here.run(group, "submit", "composed")

    (run,) = records(here).values()
    assert run.asked.arguments == "--name composed --no-hydra"


def test_files_that_are_gone_from_the_remote_are_sent_again_for_another_attempt(
    here: Here, home: AtHome
) -> None:
    here.run(group, "submit", "slow")
    before = at_bitbucket(home)
    run = records(here)["slow"]
    store = RunStore(here.client("dynamodb"), "runs")
    store.change(run.run_id, lambda run: run.changed(state="failed", reason="the machine was lost"))
    home.git("push", "--quiet", "origin", f":refs/cloud-run/queue/{run.run_id}")
    shown = here.run(group, "submit", "slow")

    assert at_bitbucket(home) == before
    assert "slow: failed: the machine was lost" in shown.output
    assert f"cloud-runner runs rerun {run.run_id}" in shown.output


def test_a_baseline_that_was_not_pushed_is_refused_with_the_command_that_pushes_it(
    here: Here, home: AtHome
) -> None:
    home.git("commit", "--quiet", "--message", "Not pushed")
    home.queue("early")
    shown = here.run(group, "submit", "early")

    assert shown.exit_code == 1
    assert f"early was queued on {home.head[:7]}, which is on no branch of origin" in shown.output
    assert "git push origin main" in shown.output


def test_a_baseline_is_found_on_branches_that_others_have_moved_on(
    here: Here, home: AtHome, stand_in: Client, tmp_path: Path
) -> None:
    beside = clone(stand_in, tmp_path / "beside")
    for branch in ("main", "topic"):
        git(beside, "checkout", "--quiet", "-B", branch, "origin/main")
        commit(beside, f"others' work on {branch}")
        push(beside, "origin", branch)
    before = home.everything()
    shown = here.run(group, "submit", "slow")

    assert shown.exit_code == 0, shown.output
    assert records(here)["slow"].branch == "main"
    assert records(here)["slow"].commit == home.head
    assert home.everything() == before


def test_a_name_that_another_experiment_has_at_the_remote_is_refused(
    here: Here, home: AtHome
) -> None:
    head = home.head
    ref = f"refs/exps/{head[:2]}/{head[2:]}/slow"
    home.git("push", "--quiet", "origin", f"{head}:{ref}")
    shown = here.run(group, "submit", "slow")

    assert shown.exit_code == 1
    assert f"origin has another experiment slow on {head[:7]} already" in shown.output


def test_a_remote_that_is_not_the_stacks_bitbucket_is_refused(here: Here, home: AtHome) -> None:
    home.git("remote", "add", "elsewhere", "git@bitbucket.org:acme/my.repo.git")
    shown = here.run(group, "submit", "--remote", "elsewhere")
    missing = here.run(group, "submit", "--remote", "nowhere")

    assert shown.exit_code == 2
    assert "the remote elsewhere is not the Bitbucket of this stack" in shown.output
    assert "has no remote nowhere" in missing.output


def test_a_name_that_is_not_queued_and_more_than_the_stack_allows_are_refused(
    here: Here, home: AtHome
) -> None:
    unknown = here.run(group, "submit", "nobody")
    greedy = here.run(group, "submit", "--gpus", "9")

    assert "no experiment nobody is queued here" in unknown.output
    assert greedy.exit_code == 2
    assert "GPUs are a whole number from 0 to 8: write 8" in greedy.output


def test_without_dvc_the_queue_is_still_sent_but_not_shortened(
    here: Here, home: AtHome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    only_git = tmp_path / "bin"
    only_git.mkdir()
    found = shutil.which("git")
    assert found is not None
    (only_git / "git").symlink_to(found)
    monkeypatch.setenv("PATH", str(only_git))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    refused = here.run(group, "submit", "slow", "--dequeue")
    sent = here.run(group, "submit", "slow")

    assert "there is no dvc on your PATH" in refused.output
    assert sent.exit_code == 0
    assert set(records(here)) == {"slow"}


def test_another_version_of_dvc_is_refused(
    here: Here, home: AtHome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = tmp_path / "old" / "dvc"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 2.58.2\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:{environment()['PATH']}")
    refused = here.run(group, "submit", "slow", "--dequeue")

    assert "is DVC 2.58.2: this needs DVC 3" in refused.output


def test_outside_of_a_working_copy_it_says_where_to_go(
    here: Here, home: AtHome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = here.run(group, "submit")

    assert "this is no git working copy" in shown.output
