"""Projects whose runs the tests of the job ask for, and what the outside sees of such a run."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.layout import StateDir
from shared.events import RunId
from shared.runs import Run, commit_run_id
from tests.e2e.world import NAMES, RUN_SECONDS, WorkingCopy, World, until

# DVC projects, each on a branch of its own, whose jobs share one cache.
PIPELINES = "acme/pipelines"
# The cache of its jobs may be emptied: one run at a time.
SPOT = "acme/spot"
# Its projects know nothing of DVC.
TRAINING = "acme/training"
# All that a slug may hold (support.atlassian.com: letters, digits, `_`, `-` and `.`).
STRANGE = "acme/_it.s-a..slug_-"
REPOSITORIES = (PIPELINES, SPOT, TRAINING, STRANGE)

# Of a file that DVC renames once it is whole.
_ON_ITS_WAY = ".tmp"
_INTERNAL = {".dvc/.gitignore": "/config.local\n/tmp\n/cache\n", ".dvcignore": ""}
_CONFIG = "[core]\n    remote = storage\n['remote \"storage\"']\n    url = {url}\n"


@dataclass(frozen=True)
class Project:
    """Files on a branch of a repository; `folder` holds the clone and all else that is theirs.

    `folder/data` is the DVC remote, `folder/trace` the file in which stages count their executions.
    """

    world: World
    full_name: str
    branch: str
    folder: Path

    @property
    def copy(self) -> WorkingCopy:
        """The clone."""
        return WorkingCopy(self.world, self.full_name, self.folder / "clone")

    @property
    def results(self) -> str:
        """The prefix of what its runs leave in the data bucket."""
        return f"projects/{self.full_name.split('/')[1]}/runs"

    @property
    def data(self) -> Path:
        """The DVC remote."""
        return self.folder / "data"

    def stored(self) -> set[str]:
        """The contents of the small files that the DVC remote holds."""
        found = self.data.glob("files/md5/*/*")
        return {path.read_text("utf-8") for path in found if path.suffix != _ON_ITS_WAY}

    def remembered(self) -> int:
        """How many executions of stages the run cache of the DVC remote knows."""
        found = self.data.glob("runs/*/*/*")
        return sum(entry.suffix != _ON_ITS_WAY for entry in found)

    def executions(self) -> list[str]:
        """The stages in the order in which they were executed."""
        trace = self.folder / "trace"
        return trace.read_text("utf-8").split() if trace.exists() else []

    def push(self, message: str, files: Mapping[str, str] | None = None) -> "Asked":
        """Commit files with a message that asks for a run, and push; a `.sh` may be executed."""
        copy = self.copy
        if not copy.folder.exists():
            self.begin()
        for name, text in (files or {}).items():
            path = copy.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755 if name.endswith(".sh") else 0o644)
        copy.git("add", "--all")
        copy.git("commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "--message", message)
        copy.git("push", "--quiet", "origin", f"HEAD:refs/heads/{self.branch}")
        commit = copy.git("rev-parse", "HEAD")
        known = self.world.bitbucket.request("GET", f"/2.0/repositories/{self.full_name}")
        return Asked(self, commit, commit_run_id(NAMES.stack, known["uuid"], self.branch, commit))

    def begin(self) -> None:
        """Make an empty clone: the branch has a history of its own."""
        copy = self.copy
        copy.folder.mkdir(parents=True)
        copy.git("init", "--quiet", "--template=")
        copy.git("remote", "add", "origin", self.world.bitbucket.git_url(self.full_name))


@dataclass(frozen=True)
class Asked:
    """A run that somebody has asked for by pushing a commit, as the outside sees it."""

    project: Project
    commit: str
    run_id: RunId

    def ended(self, *, attempt: int = 1) -> tuple[str, str]:
        """The status with which an attempt ends; the test fails if none comes."""
        world, full_name = self.project.world, self.project.full_name
        if attempt > 1:
            words = f"attempt {attempt}: "
            assert until(
                lambda: world.last_status(full_name, self.commit, self.run_id)[1].startswith(words),
                seconds=RUN_SECONDS,
            ), world.statuses(full_name, self.commit, self.run_id)
        return world.final_status(full_name, self.commit, run_id=self.run_id)

    def record(self, state: str) -> Run:
        """The run's record, once it is in a state; the test fails if it never is."""
        runs = self.project.world.runs

        def look() -> Run | None:
            run = runs.get(self.run_id)
            return run if run is not None and run.state == state else None

        found = until(look)
        assert found is not None, runs.get(self.run_id)
        return found

    def job(self) -> dict[str, Any]:
        """The run's only job."""
        (job,) = self.project.world.jobs(self.run_id)
        return job

    def log(self) -> str:
        """What the job's latest try has said so far."""
        stream = self.job()["container"].get("logStreamName", "")
        file = StateDir(self.project.world.folder / "state").job_logs / f"{stream}.log"
        return file.read_text("utf-8") if file.is_file() else ""

    def branches(self) -> dict[str, str]:
        """The branches at Bitbucket that hold the commit, with their heads."""
        copy = self.project.copy
        copy.git("fetch", "--quiet", "--prune", "origin")
        form = "--format=%(objectname) %(refname:lstrip=3)"
        listed = copy.git("for-each-ref", form, "--contains", self.commit, "refs/remotes/origin")
        heads = (line.split(" ", 1) for line in listed.splitlines())
        return {branch: head for head, branch in heads}

    def result(self, attempt: int = 1) -> tuple[str, str]:
        """The commit that carries the trailers of an attempt, and its branch."""
        wanted = {f"Cloud-Run-Id: {self.run_id}", f"Cloud-Run-Attempt: {attempt}"}
        found = [
            (head, branch)
            for branch, head in self.branches().items()
            if wanted <= set(self.show("--format=%(trailers)", head).splitlines())
        ]
        assert len(found) == 1, self.branches()
        return found[0]

    def show(self, *arguments: str) -> str:
        """What `git show --no-patch` says."""
        return self.project.copy.git("show", "--no-patch", *arguments)

    def file(self, revision: str, path: str) -> str:
        """A file of a commit at Bitbucket."""
        return self.project.copy.git("show", f"{revision}:{path}")

    def comments(self, commit: str | None = None) -> list[dict[str, Any]]:
        """The comments on a commit, the one that asked for the run if none is named."""
        project = self.project
        return project.world.bitbucket.comments(project.full_name, commit or self.commit)

    def comment(self, commit: str | None = None) -> str:
        """The text of the only comment on a commit."""
        (found,) = self.comments(commit)
        raw: str = found["content"]["raw"]
        return raw

    def kept(self, attempt: int = 1) -> dict[str, bytes]:
        """What an attempt has left in S3, by its name there."""
        s3 = self.project.world.client("s3")
        bucket = self.project.world.told["data_bucket"]
        prefix = f"{self.project.results}/{self.run_id}/{attempt}/"
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
        return {
            one["Key"].removeprefix(prefix): s3.get_object(Bucket=bucket, Key=one["Key"])[
                "Body"
            ].read()
            for one in listed
        }


def pipeline(folder: Path, stages: str, **files: str) -> dict[str, str]:
    """The files of a DVC project; in `stages`, `{folder}` is the folder outside that they use."""
    return {
        **_INTERNAL,
        ".dvc/config": _CONFIG.format(url=folder / "data"),
        "dvc.yaml": stages.replace("{folder}", str(folder)),
        **files,
    }


def empty_cache(world: World, full_name: str) -> None:
    """Let the repository's next job find what a new machine has: nothing."""
    cache = StateDir(world.folder / "state").dvc_cache / full_name
    if cache.exists():  # not before its first job
        shutil.rmtree(cache)


def set_job_environment(world: World, full_name: str, values: Mapping[str, str]) -> None:
    """Let the repository's next jobs find these variables, too."""
    batch = world.client("batch")
    name = NAMES.job_definition(full_name.split("/")[1])
    active = batch.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")
    newest = max(active["jobDefinitions"], key=lambda one: int(one["revision"]))
    container = newest["containerProperties"]
    kept = [one for one in container["environment"] if one["name"] not in values]
    more = [{"name": name, "value": value} for name, value in values.items()]
    batch.register_job_definition(
        jobDefinitionName=name,
        type=newest["type"],
        containerProperties={**container, "environment": [*kept, *more]},
        retryStrategy=newest["retryStrategy"],
        timeout=newest["timeout"],
    )
