"""A machine of one's own on the running stack, from its creation to its own end."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared import machine_tags
from tests.e2e.machines_world import (
    TYPE,
    age,
    archive,
    events,
    has_ended,
    instance,
    launched,
    named,
    notices,
    reclaim,
    run_of,
    specification,
    study,
    trouble,
)
from tests.e2e.test_runs_commands import going, line_of, typed
from tests.e2e.world import PATIENCE_SECONDS, World, until

WHOLE = ("create", "setup", "experiment")


def asked(folder: Path, name: str, *more: str) -> list[str]:
    """What a whole study is asked for by; a machine and its archive have one name here."""
    return [
        *("--launchspec", specification(folder), "--git", study(folder), "--module", "study"),
        *("--results-path", "results", "--name", name, "--tags", f"Name={name}", *more),
    ]


def test_a_machine_runs_a_study_stores_it_says_so_and_is_gone(world: World, tmp_path: Path) -> None:
    with notices() as told, events(world, "a-study") as heard:
        words = asked(tmp_path, "good study", "--notify", told.url)
        done = typed(world, "remote", *WHOLE, *words, "--", "0.25", "0")
        machine = done.stdout.splitlines()[-1]
        run = run_of(world, machine)
        notice = told.first()
        # In whatever order they come.
        versions = list(range(1, run.version + 1))
        assert until(lambda: [event.version for event in heard(run.run_id)] == versions)
        said = heard(run.run_id)

    # The run is one like any other.
    assert (run.state, run.exit_code, run.job) == ("succeeded", 0, None)
    states = [event.state for event in said]
    # Its machine may report that it runs before the command has noted that it was told to.
    assert [one for one in states if one != "submitted"] == ["requested", "running", "succeeded"]
    assert all(event.machine and event.machine.instance_id == machine for event in said)
    assert run.run_id in typed(world, "runs", "list", "--json").stdout
    shown = typed(world, "runs", "show", run.run_id).stdout
    assert machine in shown
    assert "python -m study 0.25 0" in shown
    # Its log was followed, and can be read later.
    assert "| learning rate 0.25" in done.stdout
    assert "the study is over" in typed(world, "runs", "logs", run.run_id).stdout
    # What it left behind.
    assert run.machine is not None
    address = f"s3://{world.told['data_bucket']}/remote/good study.tar.gz"
    assert run.machine.archive == address
    stored = archive(world, address)
    results = [text for path, text in stored.items() if path.endswith("results/metrics.json")]
    assert [json.loads(text) for text in results] == [{"rate": 0.25}]
    (log,) = (text for path, text in stored.items() if path.endswith("experiment.log"))
    assert b"learning rate 0.25" in log
    # What whoever wanted to hear of it has heard.
    assert [one["status"] for one in told.received] == ["completed"]
    assert (notice["name"], notice["instance"]) == ("good study", machine)
    assert (notice["exit_code"], notice["archive"]) == (0, address)
    assert notice["minutes"] >= 1
    # And the machine.
    assert has_ended(world, machine)
    reason = instance(world, machine)["StateReason"]["Code"]
    assert reason == "Client.InstanceInitiatedShutdown"


def test_a_study_that_fails_is_stored_and_told_as_one_that_does_not(
    world: World, tmp_path: Path
) -> None:
    with notices() as told:
        words = asked(tmp_path, "bad study", "--notify", told.url)
        done = typed(world, "remote", *WHOLE, *words, "--", "0.5", "7", code=3)
        notice = told.first()
    (machine,) = (one["InstanceId"] for one in named(world, "bad study"))
    run = run_of(world, machine)

    assert (run.state, run.exit_code) == ("failed", 7)
    assert "exit code 7" in done.stderr
    assert (notice["status"], notice["exit_code"]) == ("error", 7)
    assert run.machine is not None
    stored = archive(world, run.machine.archive)
    assert any(b"learning rate 0.5" in text for text in stored.values())
    assert any(path.endswith("results/metrics.json") for path in stored)
    assert has_ended(world, machine)


def test_a_study_that_fails_in_its_first_second_ends_its_machine(
    world: World, tmp_path: Path
) -> None:
    words = ["--launchspec", specification(tmp_path), "--tags", "Name=no study"]
    typed(world, "remote", *WHOLE, *words, "--module", "no_such_module", code=3)
    (machine,) = named(world, "no study")
    run = run_of(world, machine["InstanceId"])

    assert run.state == "failed"
    assert run.machine is not None
    assert any(b"no_such_module" in text for text in archive(world, run.machine.archive).values())
    assert has_ended(world, machine["InstanceId"])


def test_a_machine_is_listed_and_its_log_followed_while_it_works(
    world: World, tmp_path: Path
) -> None:
    release = tmp_path / "release"
    words = asked(tmp_path, "long study", "--detach", "--json")
    begun = typed(world, "remote", *WHOLE, *words, "--", "0.1", "0", str(release))
    machine = json.loads(begun.stdout)["instance_id"]
    run_id = run_of(world, machine).run_id
    rows = json.loads(typed(world, "remote", "list", "--json").stdout)
    (row,) = (one for one in rows if one["instance_id"] == machine)
    with going(world, "runs", "watch", run_id) as watching:
        assert line_of(watching, "learning rate 0.1")
        release.touch()
        assert line_of(watching, "the study is over")
        assert line_of(watching, "succeeded")

    assert (row["name"], row["instance_type"], row["market"]) == ("long study", TYPE, "spot")
    assert (row["state"], row["module"], row["arguments"]) == (
        "running",
        "study",
        f"0.1 0 {release}",
    )
    assert row["run_id"] == run_id
    assert row["cost_usd"] is not None
    assert row["stale"] is None
    assert has_ended(world, machine)
    left = json.loads(typed(world, "remote", "list", "--json").stdout)
    assert machine not in [one["instance_id"] for one in left]


def test_a_command_that_is_killed_leaves_a_machine_that_ends_itself(
    world: World, tmp_path: Path
) -> None:
    release = tmp_path / "release"
    words = asked(tmp_path, "study of nobody")
    with going(world, "remote", *WHOLE, *words, "--", "0.3", "0", str(release)) as command:
        assert line_of(command, "learning rate 0.3")
    (machine,) = (one["InstanceId"] for one in named(world, "study of nobody"))
    release.touch()

    assert has_ended(world, machine)
    assert until(lambda: run_of(world, machine).state == "succeeded")


def test_stopping_a_run_ends_its_machine(world: World, tmp_path: Path) -> None:
    words = asked(tmp_path, "stopped study", "--detach")
    begun = typed(world, "remote", *WHOLE, *words, "--", "0.1", "0", str(tmp_path / "never"))
    machine = begun.stdout.split()[-1]
    run_id = run_of(world, machine).run_id
    typed(world, "runs", "stop", run_id, "--yes")

    assert has_ended(world, machine)
    assert until(lambda: run_of(world, machine).state == "stopped")
    assert "stopped by" in typed(world, "runs", "show", run_id).stdout


def test_a_machine_that_is_taken_away_says_so(world: World, tmp_path: Path) -> None:
    words = asked(tmp_path, "spotted study", "--detach")
    with notices() as told:
        never = str(tmp_path / "never")
        begun = typed(world, "remote", *WHOLE, *words, "--notify", told.url, "--", "1", "0", never)
        machine = begun.stdout.split()[-1]
        assert until(lambda: run_of(world, machine).state == "running")
        # Longer than EC2 gives it: it has the time that it needs, and ends by itself.
        reclaim(world, machine, PATIENCE_SECONDS)
        notice = told.first()

    assert until(lambda: run_of(world, machine).state == "failed")
    run = run_of(world, machine)
    assert "spot interruption" in (run.reason or "")
    assert notice["status"] == "error"
    assert run.machine is not None
    assert any(b"learning rate 1" in text for text in archive(world, run.machine.archive).values())
    assert has_ended(world, machine)


def test_a_machine_of_several_calls_is_stopped_and_started_again(
    world: World, tmp_path: Path
) -> None:
    name = "machine of several calls"
    on_demand = ("--launchspec", specification(tmp_path), "--market", "on-demand")
    typed(world, "remote", "create", *on_demand, "--tags", f"Name={name}", "--afterwards", "stop")
    typed(world, "remote", "tag", "--instance", name, "--tags", "purpose=several calls")
    typed(world, "remote", "stop", "--instance", name, "--yes")
    (machine,) = (one["InstanceId"] for one in named(world, name))
    assert until(lambda: instance(world, machine)["State"]["Name"] == "stopped")
    words = ("--git", study(tmp_path), "--module", "study", "--afterwards", "stop")
    again = ("start", "setup", "experiment", "--instance", name, *words)
    typed(world, "remote", *again, "--", "2", "0")
    ran = run_of(world, machine)

    assert ran.state == "succeeded"
    assert {"Key": "purpose", "Value": "several calls"} in instance(world, machine)["Tags"]
    assert until(lambda: instance(world, machine)["State"]["Name"] == "stopped")
    typed(world, "remote", "terminate", "--instance", machine, "--yes")
    assert has_ended(world, machine)


def test_no_capacity_is_said_and_leaves_nothing(world: World, tmp_path: Path) -> None:
    short = {"RunInstances": "InsufficientInstanceCapacity"}
    file = specification(tmp_path, InstanceType="p3.16xlarge")
    with trouble(world, instance_type="p3.16xlarge", refuses=short):
        words = ("--launchspec", file, "--module", "study", "--tags", "Name=no capacity")
        done = typed(world, "remote", *WHOLE, *words, code=1)

    assert "p3.16xlarge" in done.stderr
    assert "capacity" in done.stderr.lower()
    assert named(world, "no capacity") == []


def test_a_machine_that_nobody_reaches_is_terminated(world: World, tmp_path: Path) -> None:
    words = ("--launchspec", specification(tmp_path), "--tags", "Name=unreachable")
    with trouble(world, name="unreachable", unreachable=True):
        done = typed(world, "remote", "create", *words, "--wait-minutes", "0.1", code=1)
    (machine,) = named(world, "unreachable")

    assert "cannot be reached" in done.stderr
    assert has_ended(world, machine["InstanceId"])


def test_stale_machines_are_ended_and_others_left_alone(world: World) -> None:
    now = datetime.now(UTC)
    late = launched(world, "stale", now - timedelta(minutes=10))
    fresh = launched(world, "fresh", now + timedelta(hours=1))
    rows = json.loads(typed(world, "remote", "list", "--json").stdout)
    stale = {one["instance_id"]: one["stale"] for one in rows}
    done = typed(world, "remote", "terminate", "--stale", "--yes")

    assert "should have ended" in stale[late]
    assert stale[fresh] is None
    assert late in done.stdout
    assert fresh not in done.stdout
    assert has_ended(world, late)
    assert instance(world, fresh)["State"]["Name"] == "running"
    world.client("ec2").terminate_instances(InstanceIds=[fresh])


def test_the_services_end_what_is_long_overdue(world: World) -> None:
    now = datetime.now(UTC)
    overdue = launched(world, "overdue", now - timedelta(minutes=20))
    batchs_own = launched(world, "not ours", now - timedelta(minutes=20))
    ec2 = world.client("ec2")
    ec2.delete_tags(Resources=[batchs_own], Tags=[{"Key": machine_tags.MACHINE}])
    for machine in (overdue, batchs_own):
        age(world, machine, 3600)
    world.reconcile()

    assert has_ended(world, overdue)
    assert instance(world, batchs_own)["State"]["Name"] == "running"
    ec2.terminate_instances(InstanceIds=[batchs_own])
