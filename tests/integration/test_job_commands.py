"""What may run instead of DVC: a command with S3 around it, and a project's own scripts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import aws
from tests.integration.embedded_s3 import access, embedded_s3
from tests.integration.job_site import JOB_ENVIRONMENT, HttpHost, Site, git, served

BUCKET = "results"
TOKEN = "tok-3n-f0r-scr1pts"
TRAIN = """
import json, os, pathlib, sys
source, target = (pathlib.Path(os.environ[f"ACME_{name}_DIR"]) for name in ("INPUT", "OUTPUT"))
words = (source / "words.txt").read_text().split()
(target / "model").mkdir()
weights = {"words": len(words), "arguments": sys.argv[1:]}
(target / "model" / "weights.json").write_text(json.dumps(weights))
print("trained on", len(words), "words")
sys.exit(3 if "--fail" in sys.argv else 0)
"""


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded_s3(tmp_path_factory.mktemp("aws"), BUCKET) as url:
        yield url


@pytest.fixture
def s3(endpoint: str) -> Any:
    """An S3 with an empty bucket."""
    client = aws.client("s3", endpoint)
    for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        client.delete_object(Bucket=BUCKET, Key=one["Key"])
    return client


def with_s3(site: Site, s3: Any) -> Site:
    return site.with_environment(
        **access(s3.meta.endpoint_url), CLOUD_RUNNER_RESULTS_URI=f"s3://{BUCKET}/runs"
    )


def stored(s3: Any) -> dict[str, bytes]:
    listed = s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {
        entry["Key"]: s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
        for entry in listed
    }


def without_dvc(root: Path, files: dict[str, str]) -> Site:
    """A project that has never heard of DVC."""
    site = Site(root)
    site.project.mkdir()
    git(site.project, "init", "--quiet", "--template=", "--initial-branch=main")
    site.commit(files)
    site.host()
    return site


@pytest.fixture
def training(tmp_path: Path, s3: Any) -> Site:
    s3.put_object(Bucket=BUCKET, Key="data/words.txt", Body=b"one two three")
    site = without_dvc(tmp_path, {"train.py": TRAIN, "log.txt": "\n"})
    return with_s3(site, s3).with_environment(
        ACME_RUN_COMMAND="python3 train.py 'a b'", ACME_INPUT_URI=f"s3://{BUCKET}/data/"
    )


def test_a_command_finds_its_input_and_leaves_its_output_in_s3(training: Site, s3: Any) -> None:
    job = training.run("--rate 0.1", run_id="4f2a")

    assert job.code == 0, job.log
    assert "trained on 3 words" in job.log
    kept = stored(s3)
    assert json.loads(kept["runs/4f2a/1/output/model/weights.json"]) == {
        "words": 3,
        "arguments": ["a b", "--rate", "0.1"],
    }
    assert b"trained on 3 words" in kept["runs/4f2a/1/job.log"]
    assert training.branches() == {"main": training.head}


def test_what_a_failing_command_left_is_stored_and_its_code_said(training: Site, s3: Any) -> None:
    job = training.run("--fail", run_id="4f2a")

    assert job.code == 72
    assert job.said("exit code 3")
    assert "runs/4f2a/1/output/model/weights.json" in stored(s3)


def test_a_command_that_changes_a_tracked_file_makes_a_result_commit(
    tmp_path: Path, s3: Any
) -> None:
    site = with_s3(without_dvc(tmp_path, {"log.txt": "\n"}), s3)

    job = site.with_environment(ACME_RUN_COMMAND="sh -c 'echo 1 > log.txt; touch stray'").run()

    assert job.code == 0, job.log
    assert site.changed("main") == {"log.txt"}
    assert job.said("New files are not in the result commit, since Git does not track them: stray")
    assert site.message("main").startswith("sh -c")


def test_an_input_that_is_not_there_fails_before_the_command_starts(
    training: Site, s3: Any
) -> None:
    job = training.with_environment(ACME_INPUT_URI=f"s3://{BUCKET}/nothing/").run()

    assert job.code == 74
    assert "trained" not in job.log
    assert job.said("s3://results/nothing/")


@pytest.mark.parametrize(
    ("command", "code"),
    [("no-such-program", 72), ("sh -c 'unclosed", 64)],
    ids=["missing", "quote"],
)
def test_a_command_that_cannot_be_started_is_named(tmp_path: Path, command: str, code: int) -> None:
    site = without_dvc(tmp_path, {"a": "1"}).with_environment(ACME_RUN_COMMAND=command)

    job = site.run()

    assert job.code == code
    assert job.said(f"starting {command}: ") or job.said("reading ACME_RUN_COMMAND: ")


def test_a_project_without_dvc_and_without_a_command_is_told_what_to_do(tmp_path: Path) -> None:
    job = without_dvc(tmp_path, {"a": "1"}).run()

    assert job.code == 67
    assert job.said("`dvc init`")
    assert job.said("ACME_RUN_COMMAND")


SCRIPT = """#!/bin/sh
set -e
env > "$SEEN"
echo "$ACME_RUN_ARGS / $ACME_RUN_EXP" >> "$SEEN"
test "$(command -v diff-report.sh)" = "$ACME_RUNNER_SCRIPTS_DIR/diff-report.sh"
job-run.sh --force
git add --all
git commit --quiet --message "Of the project's own script"
git push --quiet origin HEAD:main
echo again >> notes.txt
"""
STAGES = "stages: {one: {cmd: cp in.txt one.txt, deps: [in.txt], outs: [one.txt: {cache: false}]}}"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[HttpHost]:
    with served(tmp_path / "origin", "x-token-auth", TOKEN) as host:
        yield host


def with_script(root: Path, host: HttpHost, name: str, script: str) -> Site:
    files = {"dvc.yaml": STAGES, "in.txt": "1\n", "notes.txt": "\n"}
    site = Site.with_project(root, files)
    (site.project / name).write_text(script)
    (site.project / name).chmod(0o755)
    site.commit({})
    git(site.project, "push", "--quiet", "origin", "main")
    secret = json.dumps({"kind": "access_token", "token": TOKEN})
    seen = str(root / "seen")
    return Site(site.root, host.url, {"BITBUCKET_AUTH": secret, "SEEN": seen})


def test_a_projects_own_script_runs_pushes_and_never_sees_the_token(
    tmp_path: Path, host: HttpHost
) -> None:
    site = with_script(tmp_path, host, "job-run.sh", SCRIPT)

    job = site.run("one")

    assert job.code == 0, job.log
    assert "Running stage 'one'" in job.log
    seen = (tmp_path / "seen").read_text()
    assert "one / \n" in seen
    assert TOKEN not in seen
    assert TOKEN not in job.log
    # What the script left uncommitted is on top of what it pushed.
    assert job.result == [site.branches()["main"], "main"]
    assert site.changed("main") == {"notes.txt"}
    assert site.message("main~1") == "Of the project's own script"
    assert site.show("main~1:one.txt") == "1"


def test_a_script_that_fails_ends_the_job_with_the_code_of_a_command(
    tmp_path: Path, host: HttpHost
) -> None:
    site = with_script(tmp_path, host, "job-run.sh", "#!/bin/sh\nexit 9\n")

    job = site.run()

    assert job.code == 72
    assert job.said("exit code 9")
    assert site.branches() == {"main": git(site.project, "rev-parse", "HEAD")}


def test_a_script_finds_no_more_than_its_own_repository_behind_the_gateway(
    tmp_path: Path, host: HttpHost
) -> None:
    script = f"""#!/bin/sh
git ls-remote origin > "$SEEN" || exit 1
git ls-remote {host.url}/team/other.git && exit 2
exit 0
"""
    site = with_script(tmp_path, host, "job-run.sh", script)
    git(
        tmp_path,
        "clone",
        "--quiet",
        "--bare",
        str(site.project),
        f"{tmp_path}/origin/team/other.git",
    )

    job = site.run()

    assert job.code == 0, job.log
    assert "refs/heads/main" in (tmp_path / "seen").read_text()


def test_a_script_that_is_not_executable_is_no_script(tmp_path: Path, host: HttpHost) -> None:
    site = with_script(tmp_path, host, "job-run.sh", "#!/bin/sh\nexit 9\n")
    (site.project / "job-run.sh").chmod(0o644)
    site.commit({})
    git(site.project, "push", "--quiet", "origin", "main")

    job = site.run()

    assert job.code == 0
    assert site.show("main:one.txt") == "1"


def test_the_jobs_environment_can_copy_from_and_to_s3() -> None:
    """Or the tests above would show nothing but an excuse."""
    found = list(JOB_ENVIRONMENT.glob("lib/*/site-packages/boto3"))

    assert found
