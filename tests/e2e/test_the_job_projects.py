"""What else a project may be: one without DVC, with scripts of its own, with strange names."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.jobs_projects import (
    PIPELINES,
    STRANGE,
    TRAINING,
    Asked,
    Project,
    pipeline,
    set_job_environment,
)
from tests.e2e.world import World

TRAIN = """
import json, os, pathlib, sys
source, target = (pathlib.Path(os.environ[f"ACME_{name}_DIR"]) for name in ("INPUT", "OUTPUT"))
words = (source / "words.txt").read_text().split()
(target / "model").mkdir()
text = json.dumps({"words": len(words), "arguments": sys.argv[1:]})
(target / "model" / "weights.json").write_text(text)
pathlib.Path("notes.txt").write_text(f"trained on {len(words)} words")
"""
SCRIPT = """#!/bin/sh
set -e
env > {folder}/seen
git config --list >> {folder}/seen
echo "$ACME_RUN_ARGS" > made.txt
git add made.txt
git commit --quiet --message "Of the project's own script"
git push --quiet origin HEAD:refs/heads/made-by-script
echo again >> notes.txt
"""
LARGE = """
stages:
  double:
    cmd: cat weights.bin weights.bin > double.bin
    deps: [weights.bin]
    outs:
    - double.bin: {cache: false}
"""
STAGES = """
stages:
  other:
    cmd: "false"
    outs: [other.txt]
  prüfe größe 1:
    cmd: cp params.yaml größe.txt
    params: [note]
    outs: [größe.txt]
"""
HAS_LFS = shutil.which("git-lfs") is not None
Pushed = dict[str, Asked]


@pytest.fixture(scope="module")
def pushed(world: World, tmp_path_factory: pytest.TempPathFactory) -> Pushed:
    """Runs of projects of all kinds at once."""
    asked = {}
    bucket = world.told["data_bucket"]
    command = {
        "ACME_RUN_COMMAND": "python3 train.py 'a b'",
        "ACME_INPUT_URI": f"s3://{bucket}/data/",
    }
    set_job_environment(world, TRAINING, command)
    s3 = world.client("s3")
    s3.put_object(Bucket=bucket, Key="data/words.txt", Body=b"one two three")
    project = Project(world, TRAINING, "main", tmp_path_factory.mktemp("training"))
    asked["training"] = project.push(
        ":ACME_RUN: --rate 0.1\n", {"train.py": TRAIN, "notes.txt": "\n"}
    )

    project = Project(world, PIPELINES, "scripted", tmp_path_factory.mktemp("scripted"))
    script = SCRIPT.replace("{folder}", str(project.folder))
    asked["scripted"] = project.push(
        ":ACME_RUN: 'one word' two\n", {"job-run.sh": script, "notes.txt": "\n"}
    )

    folder = tmp_path_factory.mktemp("strange")
    bait = live_bait("$(touch${IFS}%s)", folder / "executed")
    project = Project(world, STRANGE, f"-b/{bait}'\"&;|<>%41#ünï😀", folder)
    files = pipeline(folder, STAGES, **{"params.yaml": "note: none\n"})
    asked["branch"] = project.push(":ACME_RUN: 'prüfe größe 1'\n", files)

    folder = tmp_path_factory.mktemp("arguments")
    project = Project(world, STRANGE, "--upload-pack=executed.sh", folder)
    bait = live_bait("zwei Wörter; $(touch %s)", folder / "executed")
    asked["arguments"] = project.push(
        f":ACME_RUN: -S \"note='{bait}'\" 'prüfe größe 1'\n:ACME_RUN_EXP:\n",
        {
            **pipeline(folder, STAGES, **{"params.yaml": "note: none\n"}),
            "executed.sh": f"#!/bin/sh\ntouch {folder}/executed\n",
        },
    )
    if HAS_LFS:
        asked["large"] = push_large(
            Project(world, PIPELINES, "large", tmp_path_factory.mktemp("l"))
        )
    return asked


def push_large(project: Project) -> Asked:
    """Push a project whose large files are Git LFS's."""
    project.begin()
    project.copy.git("lfs", "install", "--local")
    attributes = {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n"}
    files = {**pipeline(project.folder, LARGE), **attributes, "weights.bin": "weights\n"}
    return project.push(":ACME_RUN:\n", files)


def live_bait(text: str, file: Path) -> str:
    """Text that makes a file if ever a shell reads it."""
    bait = text % file
    subprocess.run(["/bin/sh", "-c", f': "{bait}"'], check=True, timeout=60)
    file.unlink()
    return bait


def test_a_command_without_dvc_finds_its_input_and_leaves_its_output_in_s3(
    pushed: Pushed,
) -> None:
    asked = pushed["training"]

    assert asked.ended()[0] == "SUCCESSFUL", asked.log()
    kept = asked.kept()
    assert json.loads(kept["output/model/weights.json"]) == {
        "words": 3,
        "arguments": ["a b", "--rate", "0.1"],
    }
    commit, branch = asked.result()
    assert branch == "main"
    assert asked.file(commit, "notes.txt") == "trained on 3 words"
    bucket = asked.project.world.told["data_bucket"]
    output = f"s3://{bucket}/{asked.project.results}/{asked.run_id}/1/output/"
    assert output in asked.comment(commit).replace("\\", "")


def test_a_projects_own_script_pushes_and_never_sees_the_token(
    pushed: Pushed, world: World
) -> None:
    asked = pushed["scripted"]

    assert asked.ended()[0] == "SUCCESSFUL", asked.log()
    commit, branch = asked.result()
    assert branch == "scripted"
    heads = asked.branches()
    assert heads.keys() == {"scripted", "made-by-script"}
    assert asked.show("--format=%s", heads["made-by-script"]) == "Of the project's own script"
    assert asked.file(heads["made-by-script"], "made.txt") == "'one word' two"
    assert asked.show("--format=%P", commit) == heads["made-by-script"]
    assert asked.file(commit, "notes.txt") == "\nagain"
    seen = (asked.project.folder / "seen").read_text("utf-8")
    assert "ACME_RUN_ARGS='one word' two" in seen
    assert world.told["bitbucket_token"] not in seen
    assert world.told["bitbucket_token"] not in asked.log()


def test_whatever_a_branch_may_be_called_is_its_name_and_nothing_else(
    pushed: Pushed, world: World
) -> None:
    asked = pushed["branch"]
    branch = asked.project.branch

    assert asked.ended()[0] == "SUCCESSFUL", asked.log()
    commit, there = asked.result()
    assert there == branch
    assert asked.branches() == {branch: commit}
    message = asked.show("--format=%B", commit)
    assert message.startswith("dvc repro 'prüfe größe 1'\n")
    assert f"Results of {asked.commit} on {branch}, from AWS Batch." in message
    comment = asked.comment(commit).replace("\\", "")
    assert f"branch {branch} at" in comment
    assert "| prüfe größe 1 | ran |" in comment
    (status,) = world.bitbucket.statuses(STRANGE, asked.commit)
    assert status["refname"] == branch
    assert asked.file(commit, "dvc.lock").startswith("schema: '2.0'\nstages:\n  prüfe größe 1:\n")
    assert not (asked.project.folder / "executed").exists()


def test_whatever_an_argument_holds_reaches_dvc_as_it_is(pushed: Pushed) -> None:
    asked = pushed["arguments"]
    bait = f"zwei Wörter; $(touch {asked.project.folder}/executed)"

    assert asked.ended()[0] == "SUCCESSFUL", asked.log()
    commit, branch = asked.result()
    assert branch.startswith(f"experiment/{asked.commit[:7]}-")
    assert asked.branches() == {asked.project.branch: asked.commit, branch: commit}
    assert bait in asked.file(commit, "params.yaml")
    assert bait in asked.show("--format=%B", commit)
    assert bait in asked.comment(commit).replace("\\", "")
    assert not (asked.project.folder / "executed").exists()


@pytest.mark.skipif(not HAS_LFS, reason="this machine has no git-lfs")
def test_a_project_with_git_lfs_finds_its_large_files_and_leaves_new_ones(
    pushed: Pushed,
) -> None:
    asked = pushed["large"]

    assert asked.ended()[0] == "SUCCESSFUL", asked.log()
    commit, branch = asked.result()
    assert branch == "large"
    pointer = "version https://git-lfs.github.com/spec/v1\n"
    assert asked.file(commit, "double.bin").startswith(pointer)
    copy = asked.project.copy
    copy.git("checkout", "--quiet", commit)
    assert (copy.folder / "double.bin").read_text() == "weights\nweights\n"
