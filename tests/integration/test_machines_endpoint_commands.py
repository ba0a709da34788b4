"""Systems Manager of the embedded stack: commands that run on machines, and machines it knows."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from local import aws
from tests.integration.machines_endpoint import Region, region, until, wanted


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region(tmp_path_factory.mktemp("region")) as running:
        yield running


@pytest.fixture(scope="module")
def machine(here: Region) -> str:
    return here.launch()


def test_a_command_runs_on_the_machine_with_its_role(here: Region, machine: str) -> None:
    done = here.run(
        machine, 'echo "$CLOUD_RUNNER_ROOT"', "echo oh >&2", "python3 -c 'import boto3'"
    )

    assert (done["Status"], done["ResponseCode"]) == ("Success", 0)
    assert done["StandardOutputContent"] == f"{here.disk(machine)}\n"
    assert done["StandardErrorContent"] == "oh\n"


def test_an_exit_code_other_than_zero_is_a_failure(here: Region, machine: str) -> None:
    done = here.run(machine, "exit 3")

    assert (done["Status"], done["ResponseCode"]) == ("Failed", 3)


def test_a_command_that_takes_too_long_is_ended(here: Region, machine: str) -> None:
    done = here.run(machine, "sleep 1000", executionTimeout=["1"])

    assert (done["Status"], done["ResponseCode"]) == ("TimedOut", -1)


def test_of_long_outputs_the_beginning_is_kept(here: Region, machine: str) -> None:
    done = here.run(machine, "seq 100000; seq 100000 >&2")

    assert len(done["StandardOutputContent"]) == 24_000
    assert len(done["StandardErrorContent"]) == 8_000
    assert done["StandardOutputContent"].startswith("1\n2\n")


def test_nobody_hears_of_a_command_whose_machine_has_ended(here: Region) -> None:
    doomed = here.launch()
    assert until(lambda: here.online(doomed))
    command = here.ssm.send_command(
        InstanceIds=[doomed],
        DocumentName="AWS-RunShellScript",
        Parameters={"commands": ["shutdown -h now; sleep 1000"]},
    )["Command"]["CommandId"]

    assert here.becomes(doomed, "stopped")
    told = here.ssm.get_command_invocation(CommandId=command, InstanceId=doomed)
    assert told["Status"] == "InProgress"


def test_a_command_that_nobody_sent_is_not_there(here: Region, machine: str) -> None:
    with pytest.raises(ClientError) as refused:
        here.ssm.get_command_invocation(
            CommandId="00000000-0000-0000-0000-000000000000", InstanceId=machine
        )

    assert refused.value.response["Error"]["Code"] == "InvocationDoesNotExist"


def test_a_machine_without_a_role_is_never_known(here: Region) -> None:
    asked = wanted({})
    del asked["IamInstanceProfile"]
    launched = here.ec2.run_instances(MinCount=1, MaxCount=1, **asked)
    stranger = launched["Instances"][0]["InstanceId"]
    assert here.becomes(stranger, "running")
    with pytest.raises(ClientError) as refused:
        here.ssm.send_command(
            InstanceIds=[stranger],
            DocumentName="AWS-RunShellScript",
            Parameters={"commands": ["true"]},
        )

    assert refused.value.response["Error"]["Code"] == "InvalidInstanceId"
    assert not here.online(stranger)


def test_a_machine_can_be_out_of_reach(here: Region, machine: str) -> None:
    with here.trouble(instance_id=machine, unreachable=True):
        assert not here.online(machine)

    assert here.online(machine)


def test_parameters_are_the_emulators(here: Region) -> None:
    here.ssm.put_parameter(Name="/a/parameter", Value="kept", Type="String")
    emulator = aws.client("ssm", here.emulator_url)

    assert emulator.get_parameter(Name="/a/parameter")["Parameter"]["Value"] == "kept"
