"""The agent runs an experiment on a machine, and the machine ends itself afterwards."""

import json
import os
from pathlib import Path

import pytest

from tests.integration.agent_machine import (
    AFTER_MY_END,
    BUCKET,
    INSTANCE,
    RUN,
    SECRET,
    Account,
    Machine,
    Notified,
    machine_in,
)


def test_a_success_is_stored_reported_told_and_ends_the_machine(machine: Machine) -> None:
    script = (
        "echo training; echo warned >&2; mkdir -p out/deep; echo 0.9 > out/deep/score; echo 1 > m"
    )
    machine.begin(script, name="mine", results_paths=["out", "m"])
    told = machine.notice()
    running, final = (one["detail"] for one in machine.account.reports())

    assert told == {
        "name": "mine",
        "instance": INSTANCE,
        "status": "completed",
        "minutes": 1,
        "run_id": RUN,
        "exit_code": 0,
        "archive": f"s3://{BUCKET}/{machine.sandbox.root.name}/mine.tar.gz",
        "reason": None,
    }
    assert machine.notified.headers[0]["Content-Type"] == "application/json"
    stored = machine.account.archive(told["archive"])
    assert set(stored) == {"experiment.log", "out/deep/score", "m"}
    assert stored["out/deep/score"] == b"0.9\n"
    log = stored["experiment.log"].decode().splitlines()
    assert log[:3] == ["cloud-runner: the log begins", "training", "warned"]
    assert log[-1].startswith("cloud-runner: exit code 0, after ")
    assert machine.account.lines(f"remote/{machine.sandbox.root.name}") == log[1:]
    assert machine.state()["phase"] == "over"
    assert running["state"] == "running"
    assert running["run_id"] == RUN
    assert running["attempt"] == 1
    assert running["instance_id"] == INSTANCE
    assert (final["state"], final["exit_code"], final["reason"]) == ("succeeded", 0, None)
    assert final["archive"] == told["archive"]
    assert running["started_at"] == final["started_at"] < final["stopped_at"]


def test_a_failure_in_the_first_second_is_stored_reported_told_and_ends_the_machine(
    machine: Machine,
) -> None:
    machine.begin("echo broken; echo half > out; exit 3", results_paths=["out"])
    told = machine.notice()
    final = machine.account.reports()[-1]

    assert (told["status"], told["exit_code"], told["reason"]) == ("error", 3, None)
    # As the name says when it ended: 2026-11-21 18h05.
    assert len(told["name"]) == len("YYYY-MM-DD HHhMM")
    assert b"broken\n" in machine.account.archive(told["archive"])["experiment.log"]
    assert machine.account.archive(told["archive"])["out"] == b"half\n"
    assert (final["detail-type"], final["source"]) == ("MachineReported", "cloud-runner")
    assert (final["detail"]["state"], final["detail"]["exit_code"]) == ("failed", 3)


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["no-such-program"], "starting the experiment: [Errno 2] No such file or directory"),
        (["/bin/echo", "a\0b"], "starting the experiment: embedded null byte"),
    ],
)
def test_a_program_that_cannot_be_started_is_an_error(
    machine: Machine, argv: list[str], reason: str
) -> None:
    machine.begin("", argv=argv)
    told = machine.notice()

    assert (told["status"], told["exit_code"]) == ("error", None)
    assert told["reason"].startswith(reason)
    assert "experiment.log" in machine.account.archive(told["archive"])


def test_what_an_experiment_leaves_behind_delays_nothing_and_is_ended(machine: Machine) -> None:
    # It stays for longer than anybody waits for the notice.
    leave = "setsid sh -c 'echo $$ > left; exec sleep 1000' &"
    machine.begin(f"{leave}\nwhile [ ! -s left ]; do sleep 0.05; done; echo done")
    told = machine.notice()
    left = int((machine.home / "work/left").read_text())

    assert told["status"] == "completed"
    assert left not in machine.sandbox.processes()


def test_an_experiment_finds_its_variables_and_its_secret_which_is_written_nowhere(
    machine: Machine,
) -> None:
    secret = {"variable": "BITBUCKET_AUTH", "arn": machine.account.secret}
    # Its order must not hold it either.
    script = 'echo "$COLOUR $AWS_REGION"; test "$BITBUCKET_AUTH" = "$(echo $WORDS | tr " " -)"'
    words = SECRET.replace("-", " ")
    machine.begin(script, secret=secret, environment={"COLOUR": "blue green", "WORDS": words})
    told = machine.notice()
    files = [path for path in machine.home.rglob("*") if path.is_file()]

    assert told["status"] == "completed", machine.log.read_text()
    assert "blue green eu-west-1\n" in machine.log.read_text()
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
    assert (machine.home / "order.json").stat().st_mode & 0o777 == 0o600
    assert machine.home.stat().st_mode & 0o777 == 0o700


def test_without_its_secret_an_experiment_does_not_start(machine: Machine) -> None:
    secret = {"variable": "BITBUCKET_AUTH", "arn": "nothing-of-this-name"}
    machine.begin("touch started", secret=secret)
    told = machine.notice()

    assert told["status"] == "error"
    assert told["reason"].startswith("reading the secret: ")
    assert not (machine.home / "work/started").exists()


def test_an_archive_never_replaces_another(machine: Machine) -> None:
    s3, prefix = machine.account.client("s3"), machine.sandbox.root.name
    s3.put_object(Bucket=BUCKET, Key=f"{prefix}/mine.tar.gz", Body=b"older")
    machine.begin("true", name="mine")
    told = machine.notice()
    kept = s3.get_object(Bucket=BUCKET, Key=f"{prefix}/mine.tar.gz")["Body"].read()

    assert kept == b"older"
    assert told["name"] == f"mine {RUN[:6]}"
    assert told["archive"].endswith(f"/mine {RUN[:6]}.tar.gz")


def test_results_may_be_anywhere_of_any_kind_and_any_size(machine: Machine) -> None:
    script = """
        mkdir -p "$CLOUD_RUNNER_ROOT/data/out"; cd "$CLOUD_RUNNER_ROOT/data/out"
        head -c 50000000 /dev/urandom > large; ln -s large link; ln -s nowhere broken; mkfifo pipe
        printf '\\377' > "$(printf 'not\\351utf8')"
    """
    machine.begin(script, results_paths=["/data/out", "../escape"])
    stored = machine.account.archive(machine.notice()["archive"])

    assert len(stored["data/out/large"]) == 50_000_000
    assert stored["data/out/not\udce9utf8"] == b"\xff"


def test_an_experiment_that_takes_longer_than_it_may_is_stopped(machine: Machine) -> None:
    machine.begin("trap 'echo asked; exit 5' TERM; sleep 1000 & wait", max_seconds=5)
    told = machine.notice()

    assert (told["status"], told["exit_code"]) == ("error", 5)
    assert told["reason"] == "it took longer than 5 s"
    assert "asked\n" in machine.log.read_text()


def test_one_that_does_not_stop_is_killed(machine: Machine) -> None:
    machine.ask("arm", machine.terms(times={"stop": 0.5}))
    machine.begin("trap '' TERM; while :; do sleep 0.1; done", max_seconds=5)
    told = machine.notice()

    assert (told["status"], told["exit_code"]) == ("error", 137)


def test_a_machine_that_is_kept_takes_the_next_experiment(machine: Machine) -> None:
    machine.begin("echo first; exit 1", afterwards="keep", name="first")
    machine.wait_for_phase("over")
    busy = machine.ask("check")["busy"]
    machine.begin("echo second", afterwards="terminate", name="second", run_id="another")
    machine.ended()

    assert busy is None
    assert [one["status"] for one in machine.notified.received] == ["error", "completed"]
    assert "first" not in machine.log.read_text()


def test_of_two_experiments_at_once_one_begins(machine: Machine) -> None:
    orders = [machine.order("sleep 1000", run_id=name) for name in ("one", "two")]
    here = os.fspath(machine.sandbox.root / "tmp")
    for name, order in zip(("one", "two"), orders, strict=True):
        Path(here, name).write_text(json.dumps(order))
    script = "\n".join(
        f"(python3 {machine.home}/agent.pyz begin < {here}/{name} > {here}/{name}.out; "
        f"echo $? >> {here}/{name}.out) &"
        for name in ("one", "two")
    )
    machine.sandbox.run(f"{script}\nwait", 300)
    answers = sorted(Path(here, f"{name}.out").read_text() for name in ("one", "two"))
    running = machine.ask("check")["busy"]

    assert answers == ['{"begun": true}\n0\n', f'{{"busy": "{running}"}}\n3\n']
    assert machine.sandbox.supervisor is not None


def test_nothing_begins_on_a_machine_that_is_about_to_end(machine: Machine) -> None:
    machine.begin("true")
    machine.ended()
    done = machine.call("begin", machine.order("true", run_id="late"))

    assert done.code == 3
    assert done.stdout.decode() == f'{{"busy": "{RUN}"}}\n'


def test_nothing_begins_without_a_watchdog(
    tmp_path: Path, account: Account, notified: Notified
) -> None:
    with machine_in(tmp_path, account, notified) as machine:
        done = machine.call("begin", machine.order("true"))

    assert done.code == 1
    assert b"arm it first" in done.stderr


@pytest.mark.parametrize("missing", ["argv", "run_id", "bucket"])
def test_an_order_that_lacks_something_is_refused_and_changes_nothing(
    machine: Machine, missing: str
) -> None:
    order = machine.order("true")
    del order[missing]
    done = machine.call("begin", order)

    assert done.code == 1
    assert f"order: {missing} missing" in done.stderr.decode()
    assert not (machine.home / "order.json").exists()


def test_a_begin_that_does_not_succeed_leaves_the_machine_free(machine: Machine) -> None:
    log = machine.home / "run.log"
    log.mkdir()
    done = machine.call("begin", machine.order("true"))
    busy = machine.ask("check")["busy"]
    log.rmdir()
    machine.begin("true", run_id="another")

    assert done.code == 1
    assert busy is None
    assert machine.notice()["run_id"] == "another"


def test_who_asks_for_the_end_when_the_experiment_is_over_changes_nothing(
    machine: Machine,
) -> None:
    # It is over before the supervisor can look again.
    machine.begin(f"{AFTER_MY_END.format(asks='kill -TERM $PPID')} exit 0")
    told = machine.notice()

    assert (told["status"], told["exit_code"], told["reason"]) == ("completed", 0, None)


def prepared(**other: str | None) -> dict[str, str | None]:
    """What `setup` was told, and an order wants to have been told."""
    return {"docker": None, "git": None, "branch": None, "program_uri": None, **other}


@pytest.mark.parametrize(
    "there",
    [
        None,
        "{",
        "[]",
        json.dumps(prepared(git="https://example.com/other.git", branch="main")),
        json.dumps(prepared(git="https://a:b@example.com/mine.git", branch=None)),
    ],
)
def test_nothing_begins_on_a_machine_that_was_set_up_for_something_else(
    machine: Machine, there: str | None
) -> None:
    if there is not None:
        (machine.home / "prepared.json").write_text(there)
    wanted = prepared(git="https://a:b@example.com/mine.git", branch="main")
    done = machine.call("begin", machine.order("true", prepared=wanted))

    assert done.code == 1
    assert done.stderr.decode().endswith(
        "this machine is not set up for example.com/mine.git, main: add the action setup\n"
    )
    assert machine.ask("check")["busy"] is None
    assert not (machine.home / "order.json").exists()


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        (prepared(docker="train:1"), prepared(docker="train:1")),
        # It needs nothing.
        (prepared(docker="train:1"), prepared()),
        (prepared(docker="train:1"), None),
    ],
)
def test_an_experiment_begins_where_all_is_set_up_that_it_needs(
    machine: Machine, there: dict[str, str | None], wanted: dict[str, str | None] | None
) -> None:
    (machine.home / "prepared.json").write_text(json.dumps(there))
    machine.begin("true", prepared=wanted)

    assert machine.notice()["status"] == "completed"


def test_a_machine_tells_which_commit_it_has(machine: Machine) -> None:
    before = machine.ask("check")["commit"]
    clone = machine.home / "work/clone"
    done = machine.sandbox.run(
        f"git init -q {clone} && cd {clone} && "
        "git -c user.name=Someone -c user.email=s@example.com commit -q --allow-empty -m x && "
        "git rev-parse HEAD",
        60,
    )

    assert before is None
    assert machine.ask("check")["commit"] == done.stdout.decode().strip() != ""
