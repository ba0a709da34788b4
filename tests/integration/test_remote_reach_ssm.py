"""Machines reached by Systems Manager: a model of it whose agent runs each script for real."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.remote.reach import Unanswered, Unreachable
from cli.remote.reach_ssm import SystemsManager
from tests.fakes import NO_ANSWER, Clock, refusal
from tests.integration.remote_reach_world import Ec2Client, Ssm, a_machine, ec2_of
from tests.samples import NOW, minutes


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ssm(tmp_path: Path, clock: Clock) -> Ssm:
    return Ssm(tmp_path, clock)


@pytest.fixture
def ec2() -> Ec2Client:
    return Ec2Client()


@pytest.fixture
def way(ssm: Ssm, ec2: Ec2Client, clock: Clock) -> SystemsManager:
    return SystemsManager(a_machine(), ssm=ssm, sends=ssm, ec2=ec2_of(ec2, clock))


def test_a_script_gets_its_input_and_hands_back_what_it_came_to(way: SystemsManager) -> None:
    given = bytes(range(256)) * 100
    answer = way.run("wc -c | tr -d ' '; echo oh >&2; exit 7", given=given, seconds=60)

    assert (answer.code, answer.stdout, answer.last_words) == (7, "25600\n", "oh")


def test_double_braces_are_no_parameters_of_systems_managers(way: SystemsManager, ssm: Ssm) -> None:
    answer = way.run("cat; echo '{{ssm:a}}'", given=b'{"a":{{ssm:b}}}', seconds=60)

    assert answer.stdout == '{"a":{{ssm:b}}}{{ssm:a}}\n'
    assert "{" not in ssm.sent[0]["Parameters"]["commands"][0]


def test_the_last_words_of_many_are_those_that_come_back(way: SystemsManager) -> None:
    answer = way.run("seq 9999 >&2; echo 'no space left' >&2; exit 1", seconds=60)

    assert answer.last_words.endswith("9999; no space left")


def test_a_script_leaves_no_file_behind(way: SystemsManager, tmp_path: Path) -> None:
    way.run("true", seconds=60)

    assert list(tmp_path.iterdir()) == []


def test_a_command_is_told_how_long_it_may_take(way: SystemsManager, ssm: Ssm) -> None:
    way.run("true", seconds=90.5)

    assert ssm.sent[0]["DocumentName"] == "AWS-RunShellScript"
    assert ssm.sent[0]["Parameters"]["executionTimeout"] == ["91"]
    assert ssm.sent[0]["TimeoutSeconds"] == 60


def test_a_command_that_is_not_known_yet_is_asked_for_again(way: SystemsManager, ssm: Ssm) -> None:
    ssm.late = 3

    assert way.run("echo done", seconds=60).stdout == "done\n"


def test_a_command_whose_answer_is_lost_is_not_sent_again(way: SystemsManager, ssm: Ssm) -> None:
    ssm.failures = [NO_ANSWER]

    with pytest.raises(Unanswered, match="it may have been sent all the same") as raised:
        way.run("true", seconds=30)

    assert len(ssm.sent) == 1
    assert raised.value.settles_in_seconds == 90


def test_a_command_that_is_surely_not_taken_is_sent_again(way: SystemsManager, ssm: Ssm) -> None:
    ssm.failures = [refusal("ThrottlingException", 400, "SendCommand")] * 2

    assert way.run("echo done", seconds=60).stdout == "done\n"
    assert len(ssm.sent) == 3


def test_a_service_that_takes_nothing_at_all_is_given_up(way: SystemsManager, ssm: Ssm) -> None:
    ssm.failures = [refusal("ThrottlingException", 400, "SendCommand")] * 9

    with pytest.raises(Unreachable, match="takes no commands"):
        way.run("true", seconds=60)


def test_a_machine_that_systems_manager_has_lost_has_run_nothing(
    way: SystemsManager, ssm: Ssm
) -> None:
    ssm.failures = [refusal("InvalidInstanceId", 400, "SendCommand")]

    with pytest.raises(Unreachable, match="does not know it"):
        way.run("true", seconds=60)


@pytest.mark.parametrize("details", ["Undeliverable", "Delivery Timed Out", "DeliveryTimedOut"])
def test_what_was_not_delivered_has_not_run(way: SystemsManager, ssm: Ssm, details: str) -> None:
    ssm.ends = {"Status": "TimedOut", "StatusDetails": details, "ResponseCode": -1}

    with pytest.raises(Unreachable, match="got no command"):
        way.run("true", seconds=60)


@pytest.mark.parametrize(
    "ends",
    [
        {"Status": "TimedOut", "StatusDetails": "Execution Timed Out", "ResponseCode": -1},
        {"Status": "Failed", "StatusDetails": "Failed", "ResponseCode": -1},
        {"Status": "Cancelled", "StatusDetails": "Cancelled", "ResponseCode": 0},
    ],
)
def test_what_was_cut_off_may_have_run(
    way: SystemsManager, ssm: Ssm, ends: dict[str, object]
) -> None:
    ssm.ends = ends

    with pytest.raises(Unanswered, match="carried out no command to its end"):
        way.run("true", seconds=60)


def test_a_machine_that_never_answers_is_given_up(
    way: SystemsManager, ssm: Ssm, clock: Clock
) -> None:
    ssm.ends = {"Status": "InProgress", "StatusDetails": "InProgress", "ResponseCode": -1}

    with pytest.raises(Unanswered, match="has not answered within 60 s"):
        way.run("true", seconds=60)

    assert clock.now == NOW + minutes(2.5)


def test_a_passing_failure_of_a_question_is_borne(way: SystemsManager, ssm: Ssm) -> None:
    ssm.polls = [NO_ANSWER, refusal("InternalServerError", 500, "GetCommandInvocation")]

    assert way.run("echo done", seconds=60).stdout == "done\n"


def test_credentials_that_run_out_meanwhile_leave_it_open_whether_it_ran(
    way: SystemsManager, ssm: Ssm
) -> None:
    ssm.polls = [refusal("ExpiredTokenException", 400, "GetCommandInvocation")]

    with pytest.raises(Unanswered, match="aws sso login"):
        way.run("true", seconds=60)


def test_a_machine_is_ready_when_its_agent_has_called_since_its_start(
    way: SystemsManager, ssm: Ssm, clock: Clock
) -> None:
    ssm.online_from = NOW + minutes(2)
    way.ready(600)

    assert clock.now == NOW + minutes(2)


def test_a_machine_that_nobody_knows_is_told_with_what_it_needs(
    way: SystemsManager, ssm: Ssm
) -> None:
    ssm.known = False

    with pytest.raises(Unreachable, match=r"after 10 min .* does not know it.*MachineProfileName"):
        way.ready(600)


def test_how_long_it_was_waited_for_is_told_in_words(way: SystemsManager, ssm: Ssm) -> None:
    ssm.known = False

    with pytest.raises(Unreachable, match="after 5 s Systems Manager does not know it"):
        way.ready(5.988972)


def test_a_machine_that_ends_while_it_is_waited_for_is_told_at_once(
    tmp_path: Path, clock: Clock
) -> None:
    ssm, ec2 = Ssm(tmp_path, clock, known=False), Ec2Client()

    def ends() -> None:
        ec2.state, ec2.reason = "terminated", "Server.SpotInstanceTermination: no capacity"

    waits: Callable[[], None] = ends
    way = SystemsManager(a_machine(), ssm=ssm, sends=ssm, ec2=ec2_of(ec2, clock, waits))

    with pytest.raises(Unreachable, match="is terminated: Server"):
        way.ready(600)

    assert clock.now < NOW + minutes(1)
