"""What the agent makes ready on a machine, what it says of one, and that any Python will do."""

import base64
import gzip
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from container.agent.build import packed, packed_for_boot
from local.machines.sandbox import Sandbox
from tests.integration.agent_machine import (
    BUCKET,
    RUN,
    Account,
    Machine,
    Notified,
    machine_in,
)
from tests.integration.test_job_pythons import VERSIONS, python

IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/acme/churn:latest"
EMPTY_INDEX = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
# Nothing of what whoever runs the tests has told git.
OWN_SETTINGS = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
# Notes what it is asked, and runs a container's program here.
DOCKER = """#!/bin/sh
echo "$*" >> "$CLOUD_RUNNER_ROOT/docker.calls"
case "$1" in
  login) cat > "$CLOUD_RUNNER_ROOT/docker.password" ;;
  run)
    while [ "$1" != IMAGE ]; do shift; done
    shift
    exec "$@" ;;
esac
"""
# Pulls until a test says that it has.
SLOW_DOCKER = """#!/bin/sh
[ "$1" = pull ] || exit 0
touch "$CLOUD_RUNNER_ROOT/pulls"
while [ ! -e "$CLOUD_RUNNER_ROOT/pulled" ]; do sleep 0.1; done
"""


@pytest.fixture
def machine(tmp_path: Path, account: Account, notified: Notified) -> Iterator[Machine]:
    """A machine that is armed."""
    with machine_in(tmp_path, account, notified, PATH="/usr/bin:/bin") as machine:
        machine.ask("arm", machine.terms())
        yield machine


def wanted(**other: Any) -> dict[str, Any]:
    nothing = {"docker": None, "registry_login": False, "git": None, "branch": None}
    return {**nothing, "program_uri": None, "boto3": "1.43.108", **other}


def calls(machine: Machine) -> list[str]:
    return (machine.sandbox.root / "docker.calls").read_text().splitlines()


def repository(folder: Path) -> str:
    """A repository with a branch `study`, and that branch's commit."""
    script = """
        git init --quiet --initial-branch main . && git config user.name Someone
        git config user.email someone@example.com && git commit --quiet --allow-empty -m first
        git switch --quiet -c study && echo 'print("studied")' > study.py
        git add . && git commit --quiet -m study && git rev-parse HEAD && git switch --quiet main
    """
    folder.mkdir()
    done = subprocess.run(
        ["sh", "-ec", script],
        cwd=folder,
        env={**os.environ, **OWN_SETTINGS},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return done.stdout.strip()


def test_a_machine_says_what_it_has(machine: Machine) -> None:
    told = machine.ask("check")

    assert told["watchdog"] is True
    assert told["ends_at"].endswith("Z")
    assert told["python"] == sys.version.split()[0]
    assert (told["boto3"], told["git"], told["docker"], told["busy"]) == (True, True, False, None)
    assert told["free_bytes"] > 0


def test_before_it_is_armed_a_machine_says_that_nothing_watches(
    tmp_path: Path, account: Account, notified: Notified
) -> None:
    with machine_in(tmp_path, account, notified) as machine:
        told = machine.ask("check")

    assert (told["watchdog"], told["ends_at"], told["busy"]) == (False, None, None)


def test_arming_again_counts_from_then_and_leaves_one_watchdog(machine: Machine) -> None:
    first, before = machine.watchdog(), machine.ask("check")["ends_at"]
    answer = machine.ask("arm", machine.terms(max_seconds=7200))

    assert answer == {"watchdog": True, "ends_at": machine.ask("check")["ends_at"]}
    assert answer["ends_at"] > before
    assert machine.watchdog() != first
    assert first not in machine.sandbox.processes()


def test_terms_that_lack_something_are_refused(machine: Machine) -> None:
    terms = machine.terms()
    del terms["max_seconds"]
    done = machine.call("arm", terms)

    assert done.code == 1
    assert done.stderr.decode() == "cloud-runner arm: terms: max_seconds missing\n"


def test_a_repository_is_cloned_at_its_branch_and_a_module_of_it_runs(
    machine: Machine, tmp_path: Path
) -> None:
    commit = repository(tmp_path / "origin")
    asked = wanted(git=os.fspath(tmp_path / "origin"), branch="study")
    answers = [machine.ask("setup", asked) for _ in range(2)]
    prepared = json.loads((machine.home / "prepared.json").read_text())
    machine.begin("", argv=["python3", "-m", "study"], cwd="clone")
    told = machine.notice()

    assert [answer["commit"] for answer in answers] == [commit, commit]
    assert prepared == {name: asked[name] for name in ("docker", "git", "branch", "program_uri")}
    assert told["status"] == "completed"
    assert "studied\n" in machine.log.read_text()


def test_the_jobs_program_is_fetched_and_found_below_the_machines_root(machine: Machine) -> None:
    program = 'import sys; print("job", sys.argv[1])'
    machine.account.client("s3").put_object(Bucket=BUCKET, Key="program/job.pyz", Body=program)
    machine.ask("setup", wanted(program_uri=f"s3://{BUCKET}/program/job.pyz"))
    machine.begin("", argv=["python3", "/var/lib/cloud-runner/job.pyz", "--workspace"])

    assert machine.notice()["status"] == "completed"
    assert "job --workspace\n" in machine.log.read_text()


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"docker": "python:3.12"}, "docker is not installed: "),
        ({"git": "/nowhere/at/all"}, "/nowhere/at/all cannot be cloned (exit code 128: fatal: "),
        ({"git": "https://someone:secret@127.0.0.1:1/x"}, "https://127.0.0.1:1/x cannot be cloned"),
        ({"program_uri": f"s3://{BUCKET}/no/such.pyz"}, "fetching s3://data/no/such.pyz: "),
    ],
)
def test_what_is_missing_is_said(machine: Machine, asked: dict[str, Any], answer: str) -> None:
    done = machine.call("setup", wanted(**asked))
    said = done.stderr.decode()

    assert done.code == 1
    assert f"cloud-runner setup: {answer}" in said
    assert "secret" not in said


def test_after_a_setup_that_fails_nothing_counts_as_prepared(machine: Machine) -> None:
    machine.ask("setup", wanted())
    before = (machine.home / "prepared.json").exists()
    machine.call("setup", wanted(git="/nowhere/at/all"))

    assert before
    assert not (machine.home / "prepared.json").exists()


def test_a_docker_that_does_not_answer_is_said(machine: Machine) -> None:
    machine.sandbox.command("docker", "#!/bin/sh\nexit 1\n")
    done = machine.call("setup", wanted(docker="python:3.12"))

    assert done.code == 1
    assert b"docker's daemon does not answer: systemctl enable --now docker" in done.stderr


def test_an_image_of_ecr_is_pulled_with_ecrs_own_password(machine: Machine) -> None:
    machine.sandbox.command("docker", DOCKER)
    machine.ask("setup", wanted(docker=IMAGE, registry_login=True))

    registry = IMAGE.partition("/")[0]
    assert calls(machine)[1:] == [
        f"login --username AWS --password-stdin {registry}",
        f"pull --quiet {IMAGE}",
    ]
    assert (machine.sandbox.root / "docker.password").read_text()


def test_in_a_container_it_has_its_variables_and_none_of_them_is_an_argument(
    machine: Machine,
) -> None:
    machine.sandbox.command("docker", DOCKER)
    machine.ask("setup", wanted(docker="IMAGE"))
    machine.begin(
        'echo "$COLOUR"; exit 4',
        docker="IMAGE",
        environment={"COLOUR": "blue"},
        secret={"variable": "BITBUCKET_AUTH", "arn": machine.account.secret},
        results_paths=["/data/out", "inside"],
    )
    told = machine.notice()
    *_, removed, run, removed_again = calls(machine)
    work = machine.home / "work"

    assert (told["status"], told["exit_code"]) == ("error", 4)
    assert "blue\n" in machine.log.read_text()
    assert removed == removed_again == f"rm --force cloud-run-{RUN}"
    # No --init: docker's own first process would hold the secret where all can read it.
    assert run.startswith(f"run --rm --name cloud-run-{RUN} --network host ")
    assert f"--workdir {work} " in run
    assert f"--volume {work}:{work} --volume {machine.sandbox.root}/data/out:/data/out " in run
    assert "--env COLOUR --env BITBUCKET_AUTH IMAGE /bin/sh -c " in run
    assert "blue" not in run
    assert "the-token" not in run


def test_a_container_without_a_secret_has_dockers_first_process(machine: Machine) -> None:
    machine.sandbox.command("docker", DOCKER)
    machine.ask("setup", wanted(docker="IMAGE"))
    machine.begin("true", docker="IMAGE")
    machine.ended()

    assert calls(machine)[-2].startswith(f"run --rm --name cloud-run-{RUN} --init --network host ")


def test_what_is_to_be_a_file_in_a_container_is_one(machine: Machine) -> None:
    machine.sandbox.command("docker", DOCKER)
    machine.ask("setup", wanted(docker="IMAGE"))
    root, there = machine.sandbox.root, machine.sandbox.root / "data/there.txt"
    there.parent.mkdir()
    there.write_text("there")
    paths = ["/data/there.txt", "/new/deep/score.json", "/new/out", "/new/empty"]
    machine.begin(
        'cd "$CLOUD_RUNNER_ROOT/new"; echo 0.9 > deep/score.json; echo model > out/model',
        docker="IMAGE",
        results_paths=paths,
    )
    told = machine.notice()
    mounts = [word for word in calls(machine)[-2].split() if word.startswith(f"{root}/")]

    assert mounts[2:] == [
        f"{root}/data/there.txt:/data/there.txt",
        f"{root}/new/deep:/new/deep",
        f"{root}/new/out:/new/out",
        f"{root}/new/empty:/new/empty",
    ]
    # Its user may be any.
    assert (root / "new/deep").stat().st_mode & 0o777 == 0o777
    assert (told["status"], told["reason"]) == ("error", "no such results: /new/empty")
    assert machine.account.archive(told["archive"]).keys() - {"experiment.log"} == {
        "data/there.txt",
        "new/deep/score.json",
        "new/out/model",
    }


@pytest.mark.parametrize(
    ("runtimes", "given"), [('{"runc":{},"nvidia":{}}', True), ('{"runc":{}}', False)]
)
def test_a_container_has_the_gpus_that_docker_can_give(
    machine: Machine, runtimes: str, *, given: bool
) -> None:
    machine.sandbox.command("nvidia-smi", "#!/bin/sh\n")
    machine.sandbox.command("docker", f"{DOCKER}[ \"$1\" != info ] || echo '{runtimes}'\n")
    machine.ask("setup", wanted(docker="IMAGE"))
    machine.begin("true", docker="IMAGE")
    told = machine.notice()

    assert told["status"] == "completed"
    assert ("--gpus all" in calls(machine)[-2]) is given
    assert ("no GPUs in the container" in machine.log.read_text()) is not given


def test_a_container_whose_supervisor_is_killed_is_removed(machine: Machine) -> None:
    machine.sandbox.command("docker", DOCKER)
    machine.ask("setup", wanted(docker="IMAGE"))
    machine.begin("touch begun; sleep 1000", docker="IMAGE")
    machine.wait((machine.home / "work/begun").exists, "it does not begin")
    os.kill(machine.supervisor(), 9)
    machine.ended()

    assert calls(machine)[-1] == f"rm --force cloud-run-{RUN}"


def test_a_machine_that_is_set_up_is_not_idle(machine: Machine) -> None:
    machine.sandbox.command("docker", SLOW_DOCKER)
    root = machine.sandbox.root
    with ThreadPoolExecutor(1) as somebody:
        setting_up = somebody.submit(machine.ask, "setup", wanted(docker="IMAGE"))
        try:
            machine.wait((root / "pulls").exists, "it does not pull")
            machine.ask("arm", machine.terms(idle_seconds=0.5))
            time.sleep(2)  # its watchdog looks ten times a second
            early = machine.sandbox.asked_to_end
        finally:
            (root / "pulled").touch()
        setting_up.result()

    assert not early
    machine.ended()


def index(folder: Path) -> dict[str, str]:
    """Variables for a pip that finds boto3 1.42.0, of one line, and nothing else."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "boto3-1.42.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("boto3/__init__.py", "__version__ = '1.42.0'\n")
        about = "boto3-1.42.0.dist-info"
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: boto3\nVersion: 1.42.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return {**EMPTY_INDEX, "PIP_FIND_LINKS": os.fspath(folder)}


def old_boto3(folder: Path) -> str:
    """A boto3 as that of 2023, which cannot be asked for conditional writes."""
    (folder / "boto3").mkdir(parents=True)
    (folder / "boto3/__init__.py").write_text("__version__ = '1.34.46'\n")
    (folder / "botocore").mkdir()
    (folder / "botocore/__init__.py").touch()
    (folder / "botocore/session.py").write_text(
        "def get_session(): raise KeyError('IfNoneMatch')\n"
    )
    return os.fspath(folder)


def test_boto3_is_installed_where_there_is_none(
    tmp_path: Path, account: Account, notified: Notified
) -> None:
    pip = index(tmp_path / "wheels")
    with machine_in(tmp_path, account, notified, python("3.12"), **pip) as machine:
        machine.ask("arm", machine.terms())
        before = machine.ask("check")["boto3"]
        # This version is not to be had, another one is.
        answer = machine.ask("setup", wanted(boto3="1.43.108"))
        after = machine.ask("check")["boto3"]

    assert (before, answer, after) == (False, {"boto3": "1.42.0"}, True)


def test_boto3_is_installed_where_there_is_one_that_is_too_old(
    tmp_path: Path, account: Account, notified: Notified
) -> None:
    there = {"PYTHONPATH": old_boto3(tmp_path / "old"), **index(tmp_path / "wheels")}
    with machine_in(tmp_path, account, notified, python("3.12"), **there) as machine:
        machine.ask("arm", machine.terms())
        answer = machine.ask("setup", wanted(boto3="1.42.0"))

    assert answer == {"boto3": "1.42.0"}


def test_a_boto3_that_is_too_old_is_better_than_none(
    tmp_path: Path, account: Account, notified: Notified
) -> None:
    there = {"PYTHONPATH": old_boto3(tmp_path / "old"), **EMPTY_INDEX}
    with machine_in(tmp_path, account, notified, python("3.12"), **there) as machine:
        machine.ask("arm", machine.terms())
        done = machine.call("setup", wanted())
        found = machine.ask("check")["boto3"]

    assert (done.code, json.loads(done.stdout)) == (0, {"boto3": "1.34.46"})
    assert b"this machine's boto3 is old, and stays: boto3 cannot be fetched" in done.stderr
    assert found


def test_where_boto3_cannot_be_had_it_says_what_to_do(
    tmp_path: Path, account: Account, notified: Notified
) -> None:
    with machine_in(tmp_path, account, notified, python("3.12"), **EMPTY_INDEX) as machine:
        machine.ask("arm", machine.terms())
        done = machine.call("setup", wanted())

    assert done.code == 1
    assert b"boto3 cannot be fetched: let the machine reach a package index" in done.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_the_agent_runs_on_python(
    version: str, tmp_path: Path, account: Account, notified: Notified
) -> None:
    """Without boto3, as on most machines: nothing can be stored, and it says so."""
    (tmp_path / "boto3.py").write_text("raise ModuleNotFoundError('there is no boto3')")
    bare = {"PYTHONPATH": os.fspath(tmp_path), "PYTHONWARNINGS": "error"}
    with machine_in(tmp_path, account, notified, python(version), **bare) as machine:
        machine.ask("arm", machine.terms())
        machine.begin("echo done")
        told = machine.notice()
        finished = machine.ask("check")

    assert (told["status"], told["exit_code"]) == ("error", 0)
    assert told["reason"].startswith("log and results are not stored: ModuleNotFoundError")
    assert finished["python"].startswith(f"{version}.")
    assert "Traceback" not in machine.said()


def test_an_older_python_is_told_so(tmp_path: Path) -> None:
    program = tmp_path / "agent.pyz"
    program.write_bytes(packed())
    done = subprocess.run(
        [python("3.8"), program, "check"], capture_output=True, text=True, timeout=300, check=False
    )

    assert done.returncode == 1
    assert done.stderr.startswith("Python 3.9 or newer is needed on this machine, this is 3.8")


def test_user_data_alone_arms_a_machine(tmp_path: Path, notified: Notified) -> None:
    terms = {"name": "m", "instance": None, "region": "eu-west-1", "max_seconds": 2}
    terms |= {"idle_seconds": 1, "afterwards": "terminate", "notify": notified.url}
    script = f"""#!/bin/sh
        folder="$CLOUD_RUNNER_ROOT/var/lib/cloud-runner"; mkdir -p "$folder"
        echo {base64.b64encode(packed_for_boot()).decode()} | base64 -d > "$folder/agent.pyz"
        python3 "$folder/agent.pyz" arm << 'TERMS'
{json.dumps(terms)}
TERMS
        python3 "$folder/agent.pyz" setup < /dev/null
    """
    sandbox = Sandbox(tmp_path / "machine", {"AWS_EC2_METADATA_DISABLED": "true"})
    machine = Machine(sandbox, Account("", "", ""), notified)
    try:
        sandbox.boot(gzip.compress(script.encode()))
        said = (sandbox.root / "var/log/cloud-init-output.log").read_text()
        told = machine.notice()
    finally:
        sandbox.power_off()

    assert '{"watchdog": true, ' in said
    assert "only a watchdog is on this machine yet: install the whole agent" in said
    assert (told["name"], told["instance"]) == ("m", None)
