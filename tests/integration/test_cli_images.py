"""`cloud-runner image` with programs on PATH that note how they were called, and moto's ECR."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.images.commands import image
from tests.integration.bitbucket_stand_in import git
from tests.integration.command_line import ROOT, Here, account

PROJECT = "acme-development-project-churn-model"
NAME = "team/churn-model"
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
URI = f"{HOST}/acme/churn-model"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
PASSWORD = "123456789012-auth-token"  # moto's
# Notes its arguments and its input, and does as the file beside it says for its first argument.
PROGRAM = """#!{python}
import json, pathlib, sys, time
here = pathlib.Path({folder!r})
stdin = "" if sys.stdin is None else sys.stdin.read()
call = {{"argv": [pathlib.Path(sys.argv[0]).name, *sys.argv[1:]], "stdin": stdin}}
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(call) + "\\n")
behaviour = json.loads((here / "behaviour").read_text()).get(f"{{call['argv'][0]}} {{sys.argv[1]}}")
if behaviour:
    time.sleep(behaviour.get("seconds", 0))
    print(behaviour.get("says", ""), file=sys.stderr)
    sys.exit(behaviour["code"])
"""


class Engines:
    """Programs on PATH: nothing but git beside those that a test installs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.behaviour: dict[str, dict[str, Any]] = {}
        (folder / "bin").mkdir(parents=True)
        (folder / "bin/git").symlink_to(shutil.which("git") or "")
        self._write()

    def install(self, name: str) -> None:
        """A program that succeeds at everything."""
        program = self.folder / "bin" / name
        program.write_text(PROGRAM.format(python=sys.executable, folder=str(self.folder)))
        program.chmod(0o755)

    def fail(self, call: str, code: int = 1, **how: Any) -> None:
        """Let `docker build`, say, fail."""
        self.behaviour[call] = {"code": code, **how}
        self._write()

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What was called, but for the questions whether a program answers."""
        noted = self.folder / "calls"
        lines = noted.read_text().splitlines() if noted.exists() else []
        calls = [json.loads(line) for line in lines]
        return [one for one in calls if one["argv"][1] not in ("version", "info")]

    def _write(self) -> None:
        (self.folder / "behaviour").write_text(json.dumps(self.behaviour))


@pytest.fixture
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engines:
    engines = Engines(tmp_path / "engines")
    monkeypatch.setenv("PATH", str(tmp_path / "engines/bin"))
    return engines


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engines: Engines) -> Path:
    """The project's clone, where one is."""
    project = tmp_path / "churn model"
    project.mkdir()
    (project / "Dockerfile").write_text("FROM scratch\n")
    git(project, "init", "--quiet")
    git(project, "remote", "add", "origin", f"https://someone@bitbucket.org/{NAME}.git")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "-m", "first")
    monkeypatch.chdir(project)
    return project


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    """An account with the project's stack and an empty ECR repository."""
    with account(monkeypatch) as here:
        here.client("ecr").create_repository(repositoryName="acme/churn-model")
        here.stacks.deploy(ROOT, {}, {"CpuInstanceTypes": "default_x86_64"})
        here.stacks.deploy(PROJECT, {"RepositoryUri": URI}, {"Workspace": "team"})
        yield here


def head(project: Path) -> str:
    return git(project, "rev-parse", "--short=12", "HEAD").stdout.strip()


def arrive(here: Here, *tags: str) -> None:
    """Let an image be in ECR, as after an upload."""
    layers = [{"digest": "sha256:77", "size": 228_000_000}]
    manifest = json.dumps({"mediaType": MANIFEST, "layers": layers})
    for tag in tags:
        here.client("ecr").put_image(
            repositoryName="acme/churn-model", imageManifest=manifest, imageTag=tag
        )


def push(here: Here, *words: str) -> Any:
    return here.run(image, "push", NAME, "--scan-seconds", "0", *words)


def test_an_image_is_built_and_every_tag_uploaded(
    here: Here, engines: Engines, project: Path
) -> None:
    engines.install("docker")
    commit = head(project)
    arrive(here, "latest", commit)
    shown = push(here)

    assert shown.exit_code == 0, shown.output
    login, build, *pushes = [call["argv"] for call in engines.calls]
    assert login == ["docker", "login", "--username", "AWS", "--password-stdin", HOST]
    assert build == [
        *("docker", "build", "--platform", "linux/amd64"),
        *("--tag", f"{URI}:latest", "--tag", f"{URI}:{commit}"),
        *("--file", str(project / "Dockerfile"), str(project)),
    ]
    assert pushes == [["docker", "push", f"{URI}:latest"], ["docker", "push", f"{URI}:{commit}"]]
    assert "with docker, for linux/amd64" in shown.output
    assert f"{URI}@sha256:" in shown.output


def test_the_password_goes_by_standard_input_alone(
    here: Here, engines: Engines, project: Path
) -> None:
    engines.install("docker")
    shown = push(here)
    told = {call["argv"][1]: call["stdin"] for call in engines.calls}

    assert told == {"login": PASSWORD, "build": "", "push": ""}
    assert PASSWORD not in str([call["argv"] for call in engines.calls])
    assert PASSWORD not in shown.output


def test_an_image_that_did_not_arrive_is_told(here: Here, engines: Engines, project: Path) -> None:
    engines.install("docker")
    shown = push(here)

    assert shown.exit_code == 1
    assert f"ECR has no {URI}:latest, although it was uploaded" in shown.output


def test_a_working_tree_with_changes_is_no_commit(
    here: Here, engines: Engines, project: Path
) -> None:
    engines.install("docker")
    (project / "new.py").write_text("")
    shown = here.run(image, "build", NAME)

    assert shown.exit_code == 0
    assert f"{URI}:{head(project)}-dirty" in engines.calls[0]["argv"]


def test_a_build_uploads_nothing_and_says_what_comes_next(
    here: Here, engines: Engines, project: Path
) -> None:
    engines.install("docker")
    shown = here.run(image, "build", NAME, "--tag", "v1", "--platform", "linux/arm64")

    assert [call["argv"][1] for call in engines.calls] == ["build"]
    assert engines.calls[0]["argv"][2:6] == ["--platform", "linux/arm64", "--tag", f"{URI}:v1"]
    assert f"built {URI}:v1" in shown.output
    assert f"next: cloud-runner image push {NAME}" in shown.output


def test_a_push_without_latest_says_what_jobs_take(
    here: Here, engines: Engines, project: Path
) -> None:
    engines.install("docker")
    arrive(here, "v1")
    shown = push(here, "--tag", "v1")

    assert shown.exit_code == 0
    assert "jobs take the tag latest" in shown.output


def test_the_next_engine_is_taken_where_one_does_not_answer(
    here: Here, engines: Engines, project: Path
) -> None:
    for name in ("docker", "podman", "buildah"):
        engines.install(name)
    engines.fail("docker version", says="Cannot connect to the Docker daemon\x1b[2J")
    shown = here.run(image, "build", NAME)

    assert "docker is installed but does not answer: Cannot connect to the Docker" in shown.output
    assert "\x1b[2J" not in shown.output
    assert "with podman" in shown.output
    assert {call["argv"][0] for call in engines.calls} == {"podman"}


def test_an_engine_that_hangs_is_not_waited_for(
    here: Here, engines: Engines, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.images.engines._ANSWER_SECONDS", 0.5)
    engines.install("docker")
    engines.fail("docker version", seconds=600)
    shown = here.run(image, "build", NAME)

    assert shown.exit_code == 1
    assert "docker is installed but does not answer: nothing within 0.5 s" in shown.output


def test_without_an_engine_the_commands_are_printed_and_it_fails(
    here: Here, engines: Engines, project: Path
) -> None:
    shown = push(here)
    login, build, *pushes = shown.output.splitlines()[:4]

    assert shown.exit_code == 1
    assert "of docker, podman, finch, buildah none answers" in shown.output
    assert login.startswith("aws ecr get-login-password --region eu-west-1 | docker login ")
    assert f"--file '{project}/Dockerfile' '{project}'" in build
    assert pushes == [f"docker push {URI}:latest", f"docker push {URI}:{head(project)}"]


def test_a_dry_run_prints_the_commands_of_the_engine_that_is_there(
    here: Here, engines: Engines, project: Path
) -> None:
    engines.install("buildah")
    shown = push(here, "--dry-run")

    assert shown.exit_code == 0
    assert "buildah build --format docker --platform linux/amd64" in shown.output
    assert engines.calls == []


def test_a_build_that_fails_uploads_nothing(here: Here, engines: Engines, project: Path) -> None:
    engines.install("docker")
    engines.fail("docker build", code=17)
    shown = push(here)

    assert shown.exit_code == 1
    assert "docker build ended with 17: its output is above" in shown.output
    assert [call["argv"][1] for call in engines.calls] == ["login", "build"]


def test_a_login_that_fails_tells_what_the_engine_said(
    here: Here, engines: Engines, project: Path
) -> None:
    engines.install("docker")
    engines.fail("docker login", says="denied: not for you")
    shown = push(here)

    assert shown.exit_code == 1
    assert "docker login ended with 1: denied: not for you" in shown.output
    assert PASSWORD not in shown.output
    assert [call["argv"][1] for call in engines.calls] == ["login"]


def test_a_program_that_hangs_is_ended(
    here: Here, engines: Engines, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.images.running._LOGIN_SECONDS", 0.5)
    engines.install("docker")
    engines.fail("docker login", seconds=600)
    shown = push(here)

    assert "docker login: did not end within" in shown.output
    assert PASSWORD not in shown.output


def test_the_root_of_the_clone_is_built_from_anywhere_in_it(
    here: Here, engines: Engines, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines.install("docker")
    (project / "src").mkdir()
    monkeypatch.chdir(project / "src")
    here.run(image, "build", NAME)

    assert engines.calls[0]["argv"][-1] == str(project)


def test_a_project_without_a_dockerfile_gets_one_proposed(
    here: Here, engines: Engines, project: Path
) -> None:
    engines.install("docker")
    (project / "Dockerfile").unlink()
    (project / "requirements.txt").write_text("torch\n")
    shown = here.run(image, "build", NAME)

    assert shown.exit_code == 1
    assert f"cat > '{project}/Dockerfile' <<'END'" in shown.output
    assert "COPY requirements.txt" in shown.output
    assert f"{project} holds no Dockerfile: write the one above" in shown.output
    assert engines.calls == []


def test_another_projects_clone_is_not_built_by_mistake(
    here: Here, engines: Engines, project: Path
) -> None:
    engines.install("docker")
    git(project, "remote", "set-url", "origin", "git@bitbucket.org:team/other.git")
    refused = here.run(image, "build", NAME)
    told = here.run(image, "build", NAME, "--context", str(project))

    assert refused.exit_code == 1
    assert f"{project} is a clone of team/other" in refused.output
    assert told.exit_code == 0


@pytest.mark.parametrize(
    "origin",
    [
        f"https://bitbucket.org/{NAME}",
        f"git@bitbucket.org:{NAME}.git",
        f"ssh://git@bitbucket.org/{NAME}.git/",
        "https://bitbucket.org/Team/Churn-Model.git",
    ],
)
def test_a_clone_is_known_by_any_address(
    here: Here, engines: Engines, project: Path, origin: str
) -> None:
    engines.install("docker")
    git(project, "remote", "set-url", "origin", origin)

    assert here.run(image, "build", NAME).exit_code == 0


def test_a_folder_that_is_no_clone_gets_the_tag_latest_alone(
    here: Here, engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines.install("docker")
    folder = tmp_path / "folder"
    folder.mkdir()
    dockerfile = tmp_path / "Other"
    dockerfile.write_text("FROM scratch\n")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(folder)
    here.run(image, "build", NAME, "--file", str(dockerfile), "--base", "python:3.12-slim")

    assert engines.calls[0]["argv"][4:] == [
        *("--build-arg", "BASE=python:3.12-slim", "--tag", f"{URI}:latest"),
        *("--file", str(dockerfile), str(folder)),
    ]


def test_a_project_that_was_not_added_is_told_how_to_add_it(
    here: Here, engines: Engines, project: Path
) -> None:
    shown = here.run(image, "push", "team/other", "-e", "staging")

    assert shown.exit_code == 1
    assert "cloud-runner project add team/other -e staging" in shown.output


def test_a_project_of_another_workspace_is_not_overwritten(
    here: Here, engines: Engines, project: Path
) -> None:
    shown = here.run(image, "push", "rivals/churn-model")

    assert shown.exit_code == 1
    assert "is of team/churn-model, not of rivals/churn-model" in shown.output


def test_graviton_machines_get_an_image_of_their_own(
    here: Here, engines: Engines, project: Path
) -> None:
    engines.install("docker")
    here.stacks.deploy(ROOT, {}, {"CpuInstanceTypes": "m7g,c7g"})
    here.run(image, "build", NAME)

    assert engines.calls[0]["argv"][3] == "linux/arm64"


@pytest.mark.parametrize("tag", ["", "-x", "a b", "a/b", "x" * 129])
def test_a_tag_that_no_registry_takes_is_refused(
    here: Here, engines: Engines, project: Path, tag: str
) -> None:
    assert here.run(image, "build", NAME, f"--tag={tag}").exit_code == 2
