"""A run with a machine of its own, through monitor, reconciler, submitter and notifier."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared import machine_tags
from shared.errors import Rejected, Unavailable
from shared.events import (
    Event,
    JobDescribed,
    MachineDescribed,
    MachineOverdue,
    RunId,
    RunRequested,
    enclose,
)
from shared.machine_runs import begun
from shared.runs import Run, finish, state_changed
from tests.fake_machines import BY_ITSELF, TAKEN_AWAY
from tests.fakes import refusal
from tests.integration.service_chain import Chain
from tests.samples import RUN_ID
from tests.samples_machines import (
    ANOTHER,
    ENDS_AT,
    INSTANCE,
    a_machine,
    a_machines_run,
    a_report,
)

UNMOVED = 301
# Longer than a message may wait to be delivered again.
FORSAKEN = 1201
DAY = 24 * 3600
GRACE = 20 * 60
ANOTHER_RUN = "b" * 24
ROLE = "AROAEXAMPLEROLEOFMACHINE"


def asked_for(chain: Chain, **changes: Any) -> RunId:
    """The record that the command makes, and a machine that runs."""
    chain.ec2.launch(INSTANCE, ENDS_AT)
    run = a_machines_run(**changes)
    assert chain.runs.create(run)
    chain.publish([state_changed(run)])
    chain.settle()
    return run.run_id


def submitted(chain: Chain, **changes: Any) -> RunId:
    """A run that the command has begun on its machine."""
    run_id = asked_for(chain, **changes)
    run = chain.runs.change(run_id, lambda run: begun(run, chain.clock()))
    assert run is not None
    chain.publish([state_changed(run)])
    chain.settle()
    return run_id


def report(chain: Chain, state: str, sender: str = f"{ROLE}:{INSTANCE}", **fields: Any) -> None:
    """The machine says something, and everything that follows happens."""
    chain.send("batch-events", enclose(a_report(state, **fields)), sender)
    chain.settle()


def running(chain: Chain, **changes: Any) -> RunId:
    """A run whose machine has said that it has begun."""
    run_id = submitted(chain, **changes)
    report(chain, "running", started_at=chain.clock())
    return run_id


def test_a_run_on_its_machine_is_a_run_like_any_other(chain: Chain) -> None:
    run_id = running(chain)
    chain.settle(600)
    report(chain, "succeeded", exit_code=0, archive="s3://acme-data/remote/one.tar.gz")

    run = chain.run(run_id)
    assert (run.state, run.exit_code) == ("succeeded", 0)
    assert run.machine == a_machine(archive="s3://acme-data/remote/one.tar.gz")
    assert [status["description"] for status in chain.bitbucket.posted] == [
        "requested: its machine is made ready",
        "submitted: waiting for its machine to begin",
        "running since 12:00 UTC",
        "succeeded after 10 min",
    ]
    assert chain.status["name"] == "Cloud machine in acme-testing: train"
    assert chain.status["url"] == (
        "https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1"
        f"#InstanceDetails:instanceId={INSTANCE}"
    )
    assert chain.batch.submissions == []


def test_a_report_that_comes_twice_is_one(chain: Chain) -> None:
    run_id = running(chain)
    report(chain, "running")
    report(chain, "failed", exit_code=2)
    before = chain.run(run_id)
    report(chain, "failed", exit_code=2)

    assert chain.run(run_id) == before
    assert before.state == "failed"


def test_a_report_that_was_overtaken_is_old_news(chain: Chain) -> None:
    run_id = submitted(chain)
    report(chain, "succeeded", exit_code=0)
    report(chain, "running")

    assert chain.run(run_id).state == "succeeded"
    assert chain.status["state"] == "SUCCESSFUL"


def test_a_machine_may_be_faster_than_the_command(chain: Chain) -> None:
    run_id = asked_for(chain)
    report(chain, "running")

    run = chain.runs.change(run_id, lambda run: begun(run, chain.clock()))
    assert run is not None
    assert run.state == "running"


@pytest.mark.parametrize("sender", [f"{ROLE}:{ANOTHER}", f"{ROLE}:{INSTANCE}0"])
def test_a_report_that_another_machine_sends_is_refused(chain: Chain, sender: str) -> None:
    run_id = submitted(chain)
    before = chain.run(run_id)
    report(chain, "succeeded", sender=sender)

    assert chain.run(run_id) == before


def test_a_message_cannot_say_itself_who_sent_it(chain: Chain) -> None:
    run_id = submitted(chain)
    forged = json.loads(enclose(a_report("succeeded"))) | {"sender": f"{ROLE}:{INSTANCE}"}
    chain.send("batch-events", json.dumps(forged), f"{ROLE}:{ANOTHER}")
    chain.settle()

    assert chain.run(run_id).state == "submitted"


def test_a_machine_that_reports_of_another_machines_run_changes_nothing(chain: Chain) -> None:
    run_id = submitted(chain)
    report(chain, "succeeded", f"{ROLE}:{ANOTHER}", instance_id=ANOTHER)

    assert chain.run(run_id).state == "submitted"


@pytest.mark.parametrize(
    "sender",
    ["AIDAEXAMPLEUSER", "AROAOTHER:someone@example.com", "AROAOTHER:i-think-so"],
    ids=["a user", "a session of a role", "a session that is called like a machine"],
)
def test_a_report_that_somebody_gives_back_to_its_queue_counts(chain: Chain, sender: str) -> None:
    run_id = submitted(chain)
    report(chain, "succeeded", sender=sender, exit_code=0)

    assert chain.run(run_id).state == "succeeded"


def _of_a_job(_chain: Chain) -> Event:
    return JobDescribed(run_id=RUN_ID, attempt=1, job_id="job-1", job=None)


def _of_its_own_run(_chain: Chain) -> Event:
    return MachineDescribed(run_id=RUN_ID, instance_id=INSTANCE)


def _of_a_machine(chain: Chain) -> Event:
    return MachineOverdue(instance_id=ANOTHER, ends_at=chain.clock(), afterwards="terminate")


@pytest.mark.parametrize("said", [_of_a_job, _of_its_own_run, _of_a_machine])
def test_a_machine_may_speak_of_nothing_but_its_own_run(
    chain: Chain, said: Callable[[Chain], Event]
) -> None:
    run_id = running(chain)
    chain.ec2.launch(ANOTHER, chain.clock() - timedelta(days=1))
    chain.send("batch-events", enclose(said(chain)), f"{ROLE}:{INSTANCE}")
    chain.settle()

    assert chain.run(run_id).state == "running"
    assert chain.ec2.state(ANOTHER) == "running"


def test_a_report_about_a_run_that_nobody_knows_is_let_go(chain: Chain) -> None:
    report(chain, "running")

    assert chain.runs.get(RUN_ID) is None
    assert chain.messages == []


def test_a_machine_that_was_taken_away_without_a_word_fails_its_run(chain: Chain) -> None:
    run_id = running(chain)
    chain.ec2.becomes(INSTANCE, "terminated", TAKEN_AWAY)
    chain.settle(UNMOVED)

    found = chain.reconcile()

    assert [type(event) for event in found] == [MachineDescribed]
    assert chain.run(run_id).state == "failed"
    assert chain.status["description"].endswith("spot interruption: the machine was taken away")


def test_one_answer_that_leaves_a_machine_out_ends_no_run(chain: Chain) -> None:
    run_id = running(chain)
    there = dict(chain.ec2.instances)
    chain.ec2.instances.clear()
    chain.settle(UNMOVED)
    chain.reconcile()
    chain.ec2.instances.update(there)

    assert chain.run(run_id).state == "running"


def test_a_machine_that_ec2_does_not_know_any_more_fails_its_run(chain: Chain) -> None:
    run_id = running(chain)
    chain.ec2.instances.clear()
    chain.settle((ENDS_AT - chain.clock()).total_seconds() + GRACE)
    chain.reconcile()

    assert chain.run(run_id).state == "failed"
    assert "EC2 does not know the machine" in chain.status["description"]


def test_a_last_word_that_comes_after_the_machine_was_found_gone_is_the_end(
    chain: Chain,
) -> None:
    run_id = running(chain)
    chain.ec2.becomes(INSTANCE, "terminated", BY_ITSELF)
    chain.settle(UNMOVED)
    chain.reconcile()
    before = chain.run(run_id)
    assert chain.status["state"] == "FAILED"
    report(chain, "succeeded", exit_code=0, archive="s3://acme-data/remote/one.tar.gz")

    after = chain.run(run_id)
    assert (before.state, after.state) == ("failed", "succeeded")
    assert after.version == before.version + 1
    assert after.machine == a_machine(archive="s3://acme-data/remote/one.tar.gz")
    assert chain.status["state"] == "SUCCESSFUL"
    report(chain, "failed", exit_code=1)
    assert chain.run(run_id) == after


def test_a_run_whose_machine_went_on_with_another_is_over(chain: Chain) -> None:
    run_id = running(chain)
    chain.ec2.tag(INSTANCE, RUN=ANOTHER_RUN)
    chain.settle(UNMOVED)
    chain.reconcile()

    assert chain.run(run_id).state == "failed"
    assert chain.status["description"] == (
        "failed: the machine went on with another run, and never said how this one ended"
    )
    assert chain.ec2.state(INSTANCE) == "running"


def test_to_stop_a_run_leaves_a_machine_alone_that_went_on_with_another(chain: Chain) -> None:
    run_id = running(chain)
    chain.ec2.tag(INSTANCE, RUN=ANOTHER_RUN)
    chain.stop(run_id)
    chain.settle()
    assert chain.ec2.state(INSTANCE) == "running"
    report(chain, "running")
    chain.settle(UNMOVED)
    chain.reconcile()

    assert chain.run(run_id).state == "stopped"
    assert chain.ec2.state(INSTANCE) == "running"


def test_to_stop_a_run_ends_its_machine_though_the_tag_names_the_run_before(chain: Chain) -> None:
    run_id = running(chain, after=ANOTHER_RUN)
    chain.ec2.tag(INSTANCE, RUN=ANOTHER_RUN)
    chain.stop(run_id)

    assert chain.ec2.state(INSTANCE) == "terminated"


def test_a_last_word_that_comes_first_is_the_end(chain: Chain) -> None:
    run_id = running(chain)
    chain.ec2.becomes(INSTANCE, "terminated", BY_ITSELF)
    chain.settle(UNMOVED)
    report(chain, "succeeded", exit_code=0)
    chain.publish([MachineDescribed(run_id=run_id, instance_id=INSTANCE)])
    chain.settle()

    assert chain.run(run_id).state == "succeeded"


@pytest.mark.parametrize("foreign", [{"instance_id": ANOTHER}, {"attempt": 2}])
def test_an_answer_about_another_machine_or_attempt_changes_nothing(
    chain: Chain, foreign: dict[str, Any]
) -> None:
    run_id = running(chain)
    answer = {"run_id": run_id, "instance_id": INSTANCE} | foreign
    chain.publish([MachineDescribed.model_validate(answer)])
    chain.settle()

    assert chain.run(run_id).state == "running"


def test_a_machine_that_still_runs_is_no_news(chain: Chain) -> None:
    run_id = running(chain)
    before = chain.run(run_id)
    chain.settle(3600)

    assert chain.reconcile() == []
    assert chain.run(run_id) == before


def test_an_ec2_that_is_away_leaves_everything_to_the_next_time(chain: Chain) -> None:
    run_id = running(chain)
    chain.ec2.becomes(INSTANCE, "terminated", TAKEN_AWAY)
    chain.settle(UNMOVED)
    chain.ec2.away = True
    with pytest.raises(Unavailable):
        chain.reconcile()

    chain.ec2.away = False
    chain.reconcile()
    assert chain.run(run_id).state == "failed"


def test_a_run_whose_command_ended_too_early_gets_no_job_but_an_end(chain: Chain) -> None:
    run_id = asked_for(chain)
    chain.settle(FORSAKEN)

    found = chain.reconcile()

    run = chain.run(run_id)
    assert found == [RunRequested(run_id=run_id)]
    assert (run.state, run.job) == ("failed", None)
    assert "the command that asked for it ended before its machine began" in (run.reason or "")
    assert chain.batch.submissions == []


def test_a_request_that_comes_late_changes_nothing(chain: Chain) -> None:
    run_id = running(chain)
    before = chain.run(run_id)
    chain.publish([RunRequested(run_id=run_id)])
    chain.settle()

    assert chain.run(run_id) == before
    assert chain.batch.submissions == []


@pytest.mark.parametrize(
    ("afterwards", "state"),
    [("terminate", "terminated"), ("stop", "stopped"), ("keep", "stopped")],
)
def test_a_stop_ends_the_machine_as_it_was_to_end(
    chain: Chain, afterwards: str, state: str
) -> None:
    machine = a_machine(afterwards=afterwards)
    run_id = running(chain, machine=machine)
    chain.stop(run_id)
    chain.settle()

    assert chain.ec2.state(INSTANCE) == state
    assert chain.run(run_id).state == "running"
    assert chain.status["description"] == "stopping, as Someone asked: too slow"
    report(chain, "failed", exit_code=143)
    assert chain.run(run_id).state == "stopped"
    assert chain.status["state"] == "STOPPED"


def test_a_stopped_machine_that_says_nothing_leaves_its_run_stopped(chain: Chain) -> None:
    run_id = running(chain)
    chain.stop(run_id)
    chain.settle(UNMOVED)
    chain.reconcile()

    assert chain.run(run_id).state == "stopped"


def test_a_stop_that_was_cut_off_is_made_good_by_the_monitor(chain: Chain) -> None:
    run_id = running(chain)
    chain.ec2.protected.add(INSTANCE)
    refused = refusal("OperationNotPermitted", 400, "TerminateInstances")
    with pytest.raises(type(refused)):
        chain.stop(run_id)
    chain.ec2.protected.clear()
    chain.settle(UNMOVED)

    chain.reconcile()

    assert chain.ec2.state(INSTANCE) == "terminated"


def test_a_run_that_is_to_stop_before_its_machine_begins_stops(chain: Chain) -> None:
    run_id = asked_for(chain)
    chain.stop(run_id)
    chain.settle(UNMOVED)
    chain.reconcile()

    assert chain.run(run_id).state == "stopped"
    assert chain.ec2.state(INSTANCE) == "terminated"


def test_a_run_on_ones_own_machine_is_not_run_again(chain: Chain) -> None:
    run_id = running(chain)
    report(chain, "failed", exit_code=1)

    with pytest.raises(Rejected, match="cloud-runner remote … experiment"):
        chain.rerun(run_id)
    assert chain.run(run_id).state == "failed"


def test_a_command_that_gives_up_ends_its_run_itself(chain: Chain) -> None:
    run_id = asked_for(chain)

    def give_up(run: Run) -> Run:
        return finish(run, "failed", "the machine could not be reached", chain.clock())

    chain.runs.change(run_id, give_up)
    report(chain, "running")
    assert chain.run(run_id).state == "failed"


@pytest.mark.parametrize(
    ("afterwards", "state"),
    [("terminate", "terminated"), ("stop", "stopped"), ("keep", "stopped")],
)
def test_a_machine_that_did_not_end_itself_is_ended(
    chain: Chain, afterwards: str, state: str
) -> None:
    chain.ec2.launch(INSTANCE, ENDS_AT, AFTERWARDS=afterwards)
    chain.settle(DAY + GRACE)

    found = chain.reconcile()

    assert [type(event) for event in found] == [MachineOverdue]
    assert chain.ec2.state(INSTANCE) == state
    assert chain.reconcile() == []


def test_the_run_of_a_machine_that_had_to_be_ended_says_so(chain: Chain) -> None:
    run_id = running(chain)
    chain.settle(DAY + GRACE)
    chain.reconcile()
    chain.reconcile()

    assert chain.run(run_id).state == "failed"
    assert chain.status["description"] == (
        "failed: the machine did not end itself at its end, 2026-11-21 12:00 UTC, and was ended"
    )


def test_a_machine_that_is_given_its_time_to_finish_is_left_alone(chain: Chain) -> None:
    chain.ec2.launch(INSTANCE, ENDS_AT)
    chain.settle(DAY + GRACE - 1)

    assert chain.reconcile() == []


def test_a_message_about_an_overdue_machine_ends_none_that_got_more_time(chain: Chain) -> None:
    chain.ec2.launch(INSTANCE, ENDS_AT)
    chain.settle(DAY + GRACE)
    (found,) = chain.reconcile()
    chain.ec2.launch(INSTANCE, chain.clock() + timedelta(days=1))

    chain.publish([found])
    chain.settle()

    assert chain.ec2.state(INSTANCE) == "running"


def test_a_machine_that_was_just_started_past_its_end_is_left_alone(chain: Chain) -> None:
    machine = chain.ec2.launch(INSTANCE, ENDS_AT)
    chain.settle(2 * DAY)
    machine["LaunchTime"] = chain.clock()
    chain.settle(GRACE - 1)

    assert chain.reconcile() == []
    chain.settle(1)
    assert [type(event) for event in chain.reconcile()] == [MachineOverdue]


def test_a_message_about_an_overdue_machine_that_is_gone_is_done(chain: Chain) -> None:
    chain.publish([MachineOverdue(instance_id=ANOTHER, ends_at=ENDS_AT, afterwards="stop")])
    chain.settle()

    assert chain.messages == []


def test_machines_that_are_not_ours_are_left_alone(chain: Chain) -> None:
    chain.ec2.launch("i-01", ENDS_AT, STACK="acme-production")
    batchs = chain.ec2.launch("i-02", ENDS_AT)
    batchs["Tags"] = [tag for tag in batchs["Tags"] if tag["Key"] != machine_tags.MACHINE]
    chain.ec2.launch("i-03")
    chain.ec2.launch("i-04", ENDS="whenever")
    chain.settle(DAY + GRACE)

    assert chain.reconcile() == []
