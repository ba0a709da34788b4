"""What `remote` may do of AWS, and a machine that cannot be made to end."""

from pathlib import Path

import pytest

from cli.remote import overseeing
from tests.contracts.recorded_calls import unknown
from tests.contracts.remote_stack import allowed_actions
from tests.e2e.machines_world import (
    archive,
    has_ended,
    instance,
    named,
    notices,
    run_of,
    specification,
    study,
    trouble,
)
from tests.e2e.test_the_command_line import actions, allowed, commands
from tests.e2e.world import World, until

WHOLE = ("create", "setup", "experiment")


def test_remote_needs_no_more_than_its_policy_and_that_of_the_command_line(
    world: World, tmp_path: Path
) -> None:
    name = "rights"
    file = specification(tmp_path)
    on_demand = ("--launchspec", file, "--market", "on-demand", "--tags", f"Name={name}")
    module = ("--git", study(tmp_path), "--module", "study")
    with commands(world) as (run, made):
        run("remote", *WHOLE, "--launchspec", file, *module, "--", "1", "0")
        run("remote", "create", *on_demand, "--afterwards", "stop")
        run("remote", "tag", "--instance", name, "--tags", "purpose=rights")
        listed = run("remote", "list", "--all").output
        run("remote", "stop", "--instance", name, "--yes")
        run("remote", "start", "--instance", name)
        run("remote", "terminate", "--instance", name, "--yes")
        run("remote", "terminate", "--stale", "--yes")
    (machine,) = (one["InstanceId"] for one in named(world, name))
    called = actions(made)

    assert machine in listed
    assert has_ended(world, machine)
    assert not unknown(called)
    assert called - allowed("CommandLinePolicy") <= allowed_actions("RemotePolicy")
    assert {"ec2:RunInstances", "ec2:TerminateInstances", "ssm:SendCommand"} <= called


def test_a_machine_that_does_not_end_is_told_of_by_exit_code_message_and_notification(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How long a machine has for its end after its run: it does not take that here.
    monkeypatch.setattr(overseeing, "END_SECONDS", 3)
    name = "immortal"
    words = ("--launchspec", specification(tmp_path), "--tags", f"Name={name}", "--name", name)
    module = ("--git", study(tmp_path), "--module", "study")
    refused = {"TerminateInstances": "UnauthorizedOperation"}
    with (
        notices() as told,
        commands(world) as (run, _),
        trouble(world, name=name, ignores_shutdown=True, refuses=refused),
    ):
        done = run("remote", *WHOLE, *words, *module, "--notify", told.url, "--", "1", "0", code=4)
        (machine,) = (one["InstanceId"] for one in named(world, name))
        state = instance(world, machine)["State"]["Name"]
        # The machine itself notifies after it has reported, and the command waits for the report.
        assert until(lambda: len({one["status"] for one in told.received}) > 1), told.received
    by_status = {one["status"]: one for one in told.received}

    assert state == "running"
    assert machine in done.output
    assert "may still be running" in done.output
    assert set(by_status) == {"completed", "not terminated"}
    assert by_status["not terminated"]["instance"] == machine
    assert run_of(world, machine).state == "succeeded"
    assert archive(world, by_status["completed"]["archive"])
    # Once its shutdown works, it ends.
    assert has_ended(world, machine)
