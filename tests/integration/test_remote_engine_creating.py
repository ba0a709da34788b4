"""`cloud-runner remote create` on moto's EC2, with machines whose agents are a model."""

import base64
import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.remote_engine_world import (
    INTERRUPTED,
    PROFILE,
    World,
    error,
)
from tests.integration.remote_experiment_world import listener


def test_a_machine_that_is_made_runs_and_is_told_of(world: World) -> None:
    said = world.create()

    machine = world.machine()
    assert machine["State"]["Name"] == "running"
    assert said.stdout.strip() == machine["InstanceId"]
    assert "it terminates itself at" in said.stderr
    assert "after 30 min without an experiment" in said.stderr


def test_shutting_down_a_machine_that_was_made_terminates_it(world: World) -> None:
    world.create()

    assert world.shutdown() == "terminate"


def test_a_machine_is_a_one_time_spot_machine_unless_something_else_is_said(world: World) -> None:
    world.create()

    market = world.ec2.asked("run_instances")["InstanceMarketOptions"]
    assert world.machine()["InstanceLifecycle"] == "spot"
    assert market["SpotOptions"]["SpotInstanceType"] == "one-time"


def test_a_machine_on_demand_has_no_spot_options(world: World) -> None:
    said = world.create("--market", "on-demand", "--afterwards", "stop")

    assert "InstanceLifecycle" not in world.machine()
    assert "InstanceMarketOptions" not in world.ec2.asked("run_instances")
    assert world.shutdown() == "stop"
    assert "it stops itself at" in said.stderr


def test_a_machine_asks_for_a_session_before_it_gives_credentials(world: World) -> None:
    world.create()

    assert world.ec2.asked("run_instances")["MetadataOptions"]["HttpTokens"] == "required"


def test_a_machine_has_the_stacks_profile_unless_it_names_one(world: World) -> None:
    world.create()

    assert world.machine()["IamInstanceProfile"]["Arn"].endswith(f"/{PROFILE}")


def test_a_machine_says_by_its_tags_whose_it_is_and_when_it_ends(world: World) -> None:
    world.create("--max-hours", "2", "--tags", "Project=churn")

    tags = world.tags()
    ends = datetime.fromisoformat(tags["cloud-runner-ends"])
    assert timedelta(hours=1.9) < ends - datetime.now(UTC) < timedelta(hours=2.1)
    del tags["cloud-runner-ends"]
    assert tags.pop("cloud-runner-call") == world.ec2.asked("run_instances")["ClientToken"]
    assert re.fullmatch("remote-[0-9a-f]{6}", tags.pop("Name"))
    assert tags == {
        "Project": "churn",
        "cloud-runner": "acme-development",
        "cloud-runner-machine": "created",
        "cloud-runner-by": tags["cloud-runner-by"],
        "cloud-runner-afterwards": "terminate",
        "cloud-runner-idle-minutes": "30",
    }


def test_volumes_and_the_spot_request_have_the_machines_tags_from_the_beginning(
    world: World,
) -> None:
    world.create("--tags", "Name=gpu-study")

    specifications = world.ec2.asked("run_instances")["TagSpecifications"]
    assert [one["ResourceType"] for one in specifications] == [
        "instance",
        "volume",
        "spot-instances-request",
    ]
    assert all({"Key": "Name", "Value": "gpu-study"} in one["Tags"] for one in specifications)


def test_the_machine_can_be_named_by_a_tag_and_found_by_it(world: World) -> None:
    world.create("--tags", "Name=gpu-study")
    said = world.type("terminate", "--instance", "gpu-study")

    assert world.states() == ["terminated"]
    assert "(gpu-study) is terminated" in said.stderr


def test_the_user_data_tells_the_watchdog_its_terms(world: World) -> None:
    world.create(
        "--max-hours", "3", "--idle-minutes", "5", "--notify", "https://hooks.example.com/x"
    )

    script = gzip.decompress(world.ec2.asked("run_instances")["UserData"]).decode()
    (line,) = [line for line in script.splitlines() if line.startswith('{"name"')]
    terms = json.loads(line)
    assert (terms["max_seconds"], terms["idle_seconds"]) == (10_800, 300)
    assert (terms["afterwards"], terms["notify"]) == ("terminate", "https://hooks.example.com/x")


def test_a_repeated_call_of_ec2_makes_one_machine(world: World) -> None:
    world.create()

    assert len(world.ec2.asked("run_instances")["ClientToken"]) <= 64


def test_a_watchdog_that_the_user_data_did_not_start_is_started(world: World) -> None:
    world.agent.watched = world.agent.installed = False
    said = world.create()

    assert world.agent.watched
    assert world.agent.terms["instance"] == world.machine()["InstanceId"]
    assert "its user data has started no watchdog" in said.stderr


def test_the_machine_is_printed_for_programs(world: World) -> None:
    said = json.loads(world.create("--json").stdout)

    assert said["instance_id"] == world.machine()["InstanceId"]
    assert (said["state"], said["origin"], said["market"]) == ("running", "created", "spot")


@pytest.mark.parametrize(
    ("code", "status", "says"),
    [
        ("InsufficientInstanceCapacity", 500, "AWS has none of this type to give there now"),
        ("SpotMaxPriceTooLow", 400, "raise it, or leave it out"),
        ("MaxSpotInstanceCountExceeded", 400, "ask Service Quotas"),
        ("VcpuLimitExceeded", 400, "ask Service Quotas"),
        ("InvalidSubnetID.NotFound", 400, "look at SubnetId"),
        ("UnauthorizedOperation", 403, "RemotePolicyArn"),
        ("UnauthorizedOperation", 403, "need the stack's tag"),
        ("InvalidParameterValue", 400, "InvalidParameterValue: said"),
    ],
)
def test_a_refusal_says_what_to_do_and_leaves_nothing(
    world: World, code: str, status: int, says: str
) -> None:
    world.ec2.refuses["run_instances"] = error(code, status=status)
    said = world.create(code=1)

    assert code in said.stderr
    assert says in said.stderr
    assert world.machines() == []


def test_what_was_refused_in_code_can_be_decoded(world: World) -> None:
    words = "You are not authorized. Encoded authorization failure message: 0a1B_-"
    world.ec2.refuses["run_instances"] = error("UnauthorizedOperation", words, 403)
    said = world.create(code=1)

    assert "decode-authorization-message --encoded-message 0a1B_-" in said.stderr


def test_a_subnet_that_is_not_there_is_ec2s_to_know(world: World) -> None:
    said = world.create(SubnetId="subnet-0123456789abcdef0", code=1)

    assert "InvalidSubnetID.NotFound" in said.stderr
    assert "look at SubnetId and NetworkInterfaces" in said.stderr
    assert world.machines() == []


def test_an_image_that_is_not_there_is_known_before_anything_is_asked_for(world: World) -> None:
    said = world.create(ImageId="ami-0123456789abcdef0", code=1)

    assert "look at ImageId: an image is of one region" in said.stderr
    assert "run_instances" not in [name for name, _ in world.ec2.calls]


def test_an_image_of_windows_is_refused(world: World) -> None:
    def windows(answer: Any) -> Any:
        return {"Images": [{**image, "Platform": "windows"} for image in answer["Images"]]}

    world.ec2.answers["describe_images"] = windows
    said = world.create(code=1)

    assert "is Windows" in said.stderr


def test_a_machine_whose_answer_was_lost_is_found_and_ended(world: World) -> None:
    world.ec2.loses["run_instances"] = error("InternalError", status=500)
    said = world.create(code=1)

    assert world.states() == ["terminated"]
    assert said.stderr.count("InternalError") == 1


def test_a_machine_that_another_call_has_made_at_the_same_time_is_left_alone(world: World) -> None:
    """A call that EC2 refuses looks for what it may have made: not for what is called alike."""

    def twin(_answer: Any) -> Any:
        del world.ec2.answers["run_instances"]
        asked = {**world.ec2.calls[-1][1], "ClientToken": "another"}
        for specification in asked["TagSpecifications"]:
            for tag in specification["Tags"]:
                if tag["Key"] == "cloud-runner-call":
                    tag["Value"] = "another"
        world.ec2.run_instances(**asked)
        raise error("InternalError", status=500)

    world.ec2.answers["run_instances"] = twin
    said = world.create("--tags", "Name=twin", code=1)

    states = sorted(world.states())
    assert states == ["running", "terminated"]
    assert "(twin) was made all the same: " in said.stderr


def test_a_machine_that_nobody_can_look_for_may_run(world: World) -> None:
    world.ec2.loses["run_instances"] = error("InternalError", status=500)
    world.ec2.refuses["describe_spot_instance_requests"] = error("UnauthorizedOperation")
    said = world.create("--tags", "Name=gpu-study", code=4)

    assert "a machine called gpu-study in eu-west-1 may have been made" in said.stderr
    assert "cloud-runner remote list" in said.stderr


def test_a_spot_request_that_a_refusal_left_open_is_cancelled(world: World) -> None:
    open_requests = ["sir-0123"]

    def requests(_answer: Any) -> Any:
        gone = [arguments["SpotInstanceRequestIds"] for arguments in world.ec2.cancelled()]
        left = [one for one in open_requests if [one] not in gone]
        return {"SpotInstanceRequests": [{"SpotInstanceRequestId": one} for one in left]}

    world.ec2.refuses["run_instances"] = error("InsufficientInstanceCapacity", status=500)
    world.ec2.answers["describe_spot_instance_requests"] = requests
    world.create(code=1)

    assert requests(None) == {"SpotInstanceRequests": []}


@pytest.mark.parametrize(
    ("code", "words", "says"),
    [
        ("capacity-not-available", "There is no capacity.", "There is no capacity."),
        ("fulfilled", "fulfilled", None),
        ("fulfilled", None, None),
    ],
)
def test_a_spot_request_whose_machine_does_not_run_says_why_and_leaves_nothing(
    world: World, code: str, words: str | None, says: str | None
) -> None:
    def pending(answer: Any) -> Any:
        for reservation in _pending(answer)["Reservations"]:
            for machine in reservation["Instances"]:
                machine["SpotInstanceRequestId"] = "sir-0123"
        return answer

    def unfilled(_answer: Any) -> Any:
        status = {"Code": code} if words is None else {"Code": code, "Message": words}
        return {"SpotInstanceRequests": [{"SpotInstanceRequestId": "sir-0123", "Status": status}]}

    world.ec2.answers["describe_instances"] = pending
    world.ec2.answers["run_instances"] = lambda answer: pending({"Reservations": [answer]})[
        "Reservations"
    ][0]
    world.ec2.answers["describe_spot_instance_requests"] = unfilled
    said = world.create("--wait-minutes", "3", code=1)

    told = code if says is None else f"{code}: {says}"
    assert f"(--wait-minutes): its spot request: {told}\n" in said.stderr
    assert world.states() == ["terminated"]
    assert world.ec2.cancelled() == [{"SpotInstanceRequestIds": ["sir-0123"]}]


def test_ctrl_c_before_anything_is_asked_for_does_nothing(world: World) -> None:
    world.ec2.refuses["describe_images"] = KeyboardInterrupt()
    said = world.create(code=INTERRUPTED)

    assert "interrupted: nothing was done" in said.stderr


def test_ctrl_c_while_ec2_is_asked_leaves_nothing(world: World) -> None:
    world.ec2.loses["run_instances"] = KeyboardInterrupt()
    world.create(code=INTERRUPTED)

    assert world.states() == ["terminated"]


def _pending(answer: Any) -> Any:
    for reservation in answer["Reservations"]:
        for machine in reservation["Instances"]:
            if machine["State"]["Name"] == "running":
                machine["State"] = {"Name": "pending"}
    return answer


@pytest.mark.parametrize(("minutes", "told"), [("3", "3 min"), ("0.4", "24 s")])
def test_a_machine_that_does_not_come_to_run_is_terminated(
    world: World, minutes: str, told: str
) -> None:
    world.ec2.answers["describe_instances"] = _pending
    said = world.create("--wait-minutes", minutes, code=1)

    assert f"does not run after {told} (--wait-minutes)" in said.stderr
    assert world.states() == ["terminated"]


def test_a_machine_that_ends_before_it_runs_says_why(world: World) -> None:
    def ended(answer: Any) -> Any:
        for reservation in answer["Reservations"]:
            for machine in reservation["Instances"]:
                machine["State"] = {"Name": "terminated"}
                machine["StateReason"] = {"Code": "Client", "Message": "Client.VolumeLimitExceeded"}
        return answer

    world.ec2.answers["describe_instances"] = ended
    said = world.create(code=1)

    assert "is terminated before it ran: Client.VolumeLimitExceeded" in said.stderr
    assert said.stderr.count("VolumeLimitExceeded") == 1


def test_a_machine_that_cannot_be_reached_is_terminated(world: World) -> None:
    world.agent.unreachable = "the machine is not known to Systems Manager after 10 min"
    said = world.create(code=1)

    assert "not known to Systems Manager" in said.stderr
    assert world.states() == ["terminated"]


def test_a_machine_without_a_watchdog_is_terminated(world: World) -> None:
    world.agent.watched, world.agent.refuses_to_arm = False, True
    said = world.create(code=1)

    assert "there is no python3" in said.stderr
    assert world.states() == ["terminated"]


def test_a_machine_that_ec2_does_not_end_may_run(world: World) -> None:
    world.agent.unreachable = "not reachable"
    world.ec2.refuses["terminate_instances"] = error("UnauthorizedOperation")
    said = world.create(code=4)

    machine_id = world.machine()["InstanceId"]
    assert f"the machine {machine_id} (" in said.stderr
    assert "in eu-west-1 may still be running: not reachable; terminating it:" in said.stderr
    assert f"aws ec2 terminate-instances --instance-ids {machine_id}" in said.stderr


def test_whoever_is_to_be_notified_hears_that_a_machine_may_run(world: World) -> None:
    world.agent.unreachable = "not reachable"
    world.ec2.refuses["terminate_instances"] = error("UnauthorizedOperation")
    with listener() as (url, posted):
        world.create("--notify", url, code=4)

    (notice,) = (json.loads(body) for body in posted)
    assert (notice["status"], notice["instance"]) == (
        "not terminated",
        world.machine()["InstanceId"],
    )
    assert "not reachable; terminating it: " in notice["reason"]


def test_whoever_is_to_be_notified_hears_of_a_machine_that_nobody_can_name(world: World) -> None:
    world.ec2.loses["run_instances"] = error("InternalError", status=500)
    world.ec2.refuses["describe_spot_instance_requests"] = error("UnauthorizedOperation")
    with listener() as (url, posted):
        world.create("--tags", "Name=gpu-study", "--notify", url, code=4)

    (notice,) = (json.loads(body) for body in posted)
    assert (notice["status"], notice["instance"]) == ("not terminated", "gpu-study")


def test_a_machine_whose_end_ec2_does_not_confirm_may_run(world: World) -> None:
    def running(answer: Any) -> Any:
        for reservation in answer["Reservations"]:
            for machine in reservation["Instances"]:
                machine["State"] = {"Name": "running"}
        return answer

    world.agent.unreachable = "not reachable"
    world.ec2.answers["describe_instances"] = running
    said = world.create(code=4)

    assert "EC2 does not say within 300 s that it ends" in said.stderr


@pytest.mark.parametrize(
    ("interruption", "code", "why"),
    [(KeyboardInterrupt(), INTERRUPTED, "interrupted"), (SystemExit(143), 143, "a signal")],
)
def test_an_interruption_terminates_what_was_made(
    world: World, interruption: BaseException, code: int, why: str
) -> None:
    world.agent.raises["check"] = interruption
    said = world.create(code=code)

    assert world.states() == ["terminated"]
    assert "terminating i-" in said.stderr
    assert why in said.stderr


def test_an_interruption_of_the_end_says_that_the_machine_may_run(world: World) -> None:
    world.agent.raises["check"] = KeyboardInterrupt()
    world.ec2.loses["terminate_instances"] = KeyboardInterrupt()
    said = world.create(code=4)

    assert "interrupted before it had ended" in said.stderr


def test_what_cannot_be_set_up_is_terminated(world: World) -> None:
    world.agent.refuses_to_set_up = True
    said = world.create("setup", "--module", "train", code=1)

    assert "docker is not installed" in said.stderr
    assert world.states() == ["terminated"]


def test_what_cannot_be_set_up_is_kept_if_that_is_wanted_and_said(world: World) -> None:
    world.agent.refuses_to_set_up = True
    said = world.create("setup", "--module", "train", "--afterwards", "keep", code=4)

    assert "it is kept, as --afterwards says" in said.stderr
    assert world.states() == ["running"]


def test_own_user_data_comes_behind_ours(world: World) -> None:
    own = base64.b64encode(b"#cloud-config\npackages: [git]\n").decode()
    world.create(UserData=own)

    data = gzip.decompress(world.ec2.asked("run_instances")["UserData"])
    assert data.startswith(b"Content-Type: multipart/mixed")
    assert data.index(b"000-cloud-runner") < data.index(own[:40].encode())
