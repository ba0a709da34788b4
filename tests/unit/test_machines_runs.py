"""How the record of a run with a machine of its own moves: by its reports, and by EC2's word."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.monitor.dependencies import Dependencies
from services.monitor.machines import hear_report
from shared import machine_tags
from shared.batch_jobs import BatchJobs
from shared.events import Envelope, Event, MachineReported, RunStateChanged, State
from shared.following import follow
from shared.machine_runs import begun, found, is_machine_of, reported, went_on
from shared.machines import GRACE, MachineDetail, Machines, described
from shared.run_store import RunStore
from shared.runs import Run, Stop, ask_again, ask_stop, rank, state_changed
from tests.fake_machines import BY_A_CALL, BY_ITSELF, TAKEN_AWAY
from tests.samples import NOW, RUN_ID, a_run, minutes
from tests.samples import described as job_described
from tests.samples_machines import (
    ANOTHER,
    ENDS_AT,
    INSTANCE,
    a_machine,
    a_machines_run,
    a_report,
    an_instance,
)

LATER = NOW + minutes(1)
OPEN: tuple[State, ...] = ("requested", "submitted", "running")
FINAL: tuple[State, ...] = ("succeeded", "failed", "stopped", "rejected")
STOP = Stop(by="Someone", why="too slow", attempt=1, at=NOW)
NOT_OVER = ("pending", "running", "shutting-down", "stopping")
OTHER_RUN = "b" * 24
ARCHIVE = "s3://acme-data/remote/2026-11-20 13h37.tar.gz"


@pytest.mark.parametrize("state", OPEN)
def test_a_machine_that_has_begun_brings_its_run_to_running(state: State) -> None:
    after = reported(a_machines_run(state=state), a_report("running", started_at=NOW), LATER)

    assert after.state == "running"
    if state != "running":
        assert (after.started_at, after.submitted_at) == (NOW, NOW)


@pytest.mark.parametrize("state", OPEN)
def test_a_machines_last_word_ends_its_run(state: State) -> None:
    report = a_report(
        "succeeded", exit_code=0, archive=ARCHIVE, started_at=NOW, stopped_at=NOW + minutes(0.5)
    )

    after = reported(a_machines_run(state=state), report, LATER)

    assert (after.state, after.exit_code, after.reason) == ("succeeded", 0, None)
    assert after.machine is not None
    assert after.machine.archive == ARCHIVE
    assert (after.started_at, after.stopped_at) == (NOW, NOW + minutes(0.5))


@pytest.mark.parametrize("said", ["running", "succeeded", "failed"])
@pytest.mark.parametrize("state", ["requested", "submitted"])
def test_no_run_is_submitted_after_it_has_begun_or_ended(state: State, said: str) -> None:
    run = a_machines_run(state=state, submitted_at=None if state == "requested" else LATER)
    times = {"started_at": NOW, "stopped_at": NOW + minutes(0.5)}

    after = reported(run, a_report(said, **times), LATER)
    unstarted = reported(run, a_report("failed", stopped_at=NOW), LATER)

    assert after.submitted_at == NOW
    assert unstarted.submitted_at == NOW


def test_a_run_is_submitted_when_its_order_was_sent() -> None:
    after = begun(a_machines_run(), LATER, sent_at=NOW)

    assert (after.state, after.submitted_at, after.updated_at) == ("submitted", NOW, LATER)


def test_a_failed_experiment_says_its_exit_code_and_keeps_its_archive() -> None:
    after = reported(
        a_machines_run(state="running"), a_report("failed", exit_code=3, archive=ARCHIVE), LATER
    )

    assert (after.state, after.exit_code, after.reason) == ("failed", 3, "exit code 3")
    assert after.machine == a_machine(archive=ARCHIVE)
    assert after.stopped_at == LATER


@pytest.mark.parametrize(
    ("changes", "fields", "reason"),
    [
        ({}, {"reason": "the log could not be opened"}, "the log could not be opened"),
        ({}, {}, "the machine gave no reason"),
        ({}, {"exit_code": 71}, "a stage failed: its last lines are in the commit's comment"),
        ({"repository": None}, {"exit_code": 71}, "exit code 71"),
        ({}, {"exit_code": 73}, "out of memory: take a larger machine (exit code 73)"),
        ({"repository": None}, {"exit_code": 73}, "exit code 73"),
        ({"repository": None}, {"exit_code": 137}, "exit code 137: killed, which often means"),
    ],
)
def test_a_failure_is_told_in_words(
    changes: dict[str, Any], fields: dict[str, Any], reason: str
) -> None:
    after = reported(a_machines_run(state="running", **changes), a_report("failed", **fields), NOW)

    assert after.reason is not None
    assert after.reason.startswith(reason)


def test_a_success_may_have_something_to_say_all_the_same() -> None:
    report = a_report("succeeded", exit_code=0, reason="the log was not writable to its end")

    after = reported(a_machines_run(state="running"), report, LATER)

    assert (after.state, after.reason) == ("succeeded", "the log was not writable to its end")


def test_a_failure_after_a_stop_was_asked_for_is_a_stop() -> None:
    run = a_machines_run(state="running", stop=STOP)

    after = reported(run, a_report("failed", exit_code=143, reason="ended by SIGTERM"), LATER)

    assert (after.state, after.reason) == ("stopped", "stopped by Someone: too slow")
    assert after.exit_code == 143
    assert reported(run, a_report("succeeded", exit_code=0), LATER).state == "succeeded"


def test_a_reason_is_no_longer_than_a_record_can_hold() -> None:
    after = reported(a_machines_run(), a_report("failed", reason="x" * 400_000), LATER)

    assert len(after.reason or "") == 1000


def test_a_machine_whose_clock_is_ahead_ends_no_run_in_the_future() -> None:
    report = a_report("failed", started_at=LATER + minutes(1), stopped_at=LATER + minutes(2))

    after = reported(a_machines_run(state="submitted"), report, LATER)

    assert (after.started_at, after.stopped_at) == (LATER, LATER)


@pytest.mark.parametrize("state", OPEN)
@pytest.mark.parametrize("said", ["running", "succeeded", "failed"])
@pytest.mark.parametrize(
    "foreign", [{"instance_id": ANOTHER}, {"attempt": 2}], ids=["another machine", "attempt"]
)
def test_a_report_of_another_machine_or_attempt_changes_nothing(
    state: State, said: str, foreign: dict[str, Any]
) -> None:
    run = a_machines_run(state=state)

    assert reported(run, a_report(said, **foreign), LATER) is run


@pytest.mark.parametrize("said", ["running", "succeeded", "failed"])
def test_a_report_about_a_run_that_has_a_job_changes_nothing(said: str) -> None:
    run = a_run(state="running")

    assert reported(run, a_report(said), LATER) is run
    assert found(run, None, LATER) is run
    assert begun(run, LATER) is run


@pytest.mark.parametrize("said", ["succeeded", "failed"])
def test_a_machines_own_last_word_replaces_an_end_that_was_inferred(said: str) -> None:
    run = found(a_machines_run(state="running"), an_instance("terminated", BY_A_CALL), LATER)
    word = a_report(said, exit_code=3, archive=ARCHIVE, stopped_at=NOW + minutes(0.5))

    after = reported(run, word, LATER + minutes(1))

    assert (after.state, after.exit_code) == (said, 3)
    assert after.reason == ("exit code 3" if said == "failed" else None)
    assert after.machine == a_machine(archive=ARCHIVE)
    assert (after.stopped_at, after.updated_at) == (NOW + minutes(0.5), LATER + minutes(1))
    for again in ("running", "succeeded", "failed"):
        assert reported(after, a_report(again), LATER) is after


@pytest.mark.parametrize(
    "foreign", [{"instance_id": ANOTHER}, {"attempt": 2}], ids=["another machine", "attempt"]
)
def test_no_other_machine_or_attempt_replaces_an_end_that_was_inferred(
    foreign: dict[str, Any],
) -> None:
    run = found(a_machines_run(state="running"), None, LATER)

    assert reported(run, a_report("succeeded", **foreign), LATER) is run
    assert reported(run, a_report("running"), LATER) is run


def test_an_end_that_was_inferred_after_a_stop_may_turn_out_a_success() -> None:
    run = found(a_machines_run(state="running", stop=STOP), None, LATER)

    assert reported(run, a_report("succeeded", exit_code=0), LATER).state == "succeeded"
    after = reported(run, a_report("failed", exit_code=143, archive=ARCHIVE), LATER)
    assert (after.state, after.exit_code) == ("stopped", 143)


@pytest.mark.parametrize("state", FINAL)
@pytest.mark.parametrize("said", ["running", "succeeded", "failed"])
def test_a_report_that_comes_when_all_is_over_changes_nothing(state: State, said: str) -> None:
    run = a_machines_run(state=state)

    assert reported(run, a_report(said, archive=ARCHIVE), LATER) is run
    assert found(run, None, LATER) is run


def test_the_command_brings_its_run_from_requested_to_submitted_and_no_further() -> None:
    after = begun(a_machines_run(), LATER)

    assert (after.state, after.submitted_at) == ("submitted", LATER)
    for state in (*OPEN[1:], *FINAL):
        run = a_machines_run(state=state)
        assert begun(run, LATER) is run


@pytest.mark.parametrize("state", OPEN)
@pytest.mark.parametrize("instance", NOT_OVER)
def test_a_machine_that_may_still_speak_leaves_its_run_as_it_is(
    state: State, instance: str
) -> None:
    run = a_machines_run(state=state)

    assert found(run, an_instance(instance), LATER) is run


@pytest.mark.parametrize("state", OPEN)
@pytest.mark.parametrize("ended", ["stopped", "terminated"])
@pytest.mark.parametrize(
    ("why", "reason"),
    [
        (TAKEN_AWAY, "spot interruption: the machine was taken away"),
        (BY_ITSELF, "the machine shut itself down, and could not say how the run ended"),
        (BY_A_CALL, "somebody ended the machine, and it could not say how the run ended"),
        (
            ("Client.VolumeLimitExceeded", "Volume limit exceeded"),
            "the machine ended without a word on the run: Volume limit exceeded",
        ),
    ],
)
def test_a_machine_that_ended_without_a_word_fails_its_run(
    state: State, ended: str, why: tuple[str, str], reason: str
) -> None:
    after = found(a_machines_run(state=state), an_instance(ended, why), LATER)

    assert (after.state, after.reason, after.stopped_at) == ("failed", reason, LATER)


def test_a_machine_that_ended_and_gave_no_reason_fails_its_run_all_the_same() -> None:
    after = found(a_machines_run(state="running"), an_instance("terminated"), LATER)

    assert after.reason == "the machine ended without a word on the run: it is terminated"


def test_a_machine_that_ec2_does_not_know_fails_its_run() -> None:
    run = a_machines_run(state="running")

    assert found(run, None, ENDS_AT + GRACE - minutes(1)) is run
    after = found(run, None, ENDS_AT + GRACE)
    assert after.state == "failed"
    assert (after.reason or "").startswith("EC2 does not know the machine any more")


def test_a_machine_that_was_given_more_time_is_not_gone_at_its_first_end() -> None:
    run, later = a_machines_run(state="running"), ENDS_AT + timedelta(hours=6)
    extended = an_instance("running", tags={machine_tags.ENDS: machine_tags.ends(later)})

    seen = found(run, extended, LATER)

    assert seen.machine is not None
    assert (seen.state, seen.machine.ends_at) == ("running", later)
    assert found(seen, extended, LATER) is seen
    assert found(seen, None, ENDS_AT + GRACE) is seen
    assert found(seen, None, later + GRACE).state == "failed"


def test_an_hour_after_a_stop_a_machine_that_ec2_does_not_know_is_gone() -> None:
    run = a_machines_run(state="running", stop=STOP)

    assert found(run, None, STOP.at + minutes(59)) is run
    after = found(run, None, STOP.at + minutes(60))
    assert (after.state, after.reason) == ("stopped", "stopped by Someone: too slow")


def test_a_machine_that_was_ended_by_a_stop_leaves_its_run_stopped() -> None:
    ended = an_instance("terminated", BY_A_CALL)

    after = found(a_machines_run(state="running", stop=STOP), ended, LATER)

    assert (after.state, after.reason) == ("stopped", "stopped by Someone: too slow")


def test_a_machine_that_had_to_be_ended_after_its_time_is_told_as_that() -> None:
    after = found(
        a_machines_run(state="running"), an_instance("terminated", BY_A_CALL), ENDS_AT + GRACE
    )

    assert after.reason == (
        "the machine did not end itself at its end, 2026-11-21 12:00 UTC, and was ended"
    )


def test_a_run_is_not_waited_for_forever_where_nobody_can_end_its_machine() -> None:
    run, machine = a_machines_run(state="running"), an_instance("running")
    hour = timedelta(hours=1)

    assert found(run, machine, ENDS_AT + hour - minutes(1)) is run
    after = found(run, machine, ENDS_AT + hour)
    assert (after.state, after.reason) == (
        "failed",
        "the machine did not end itself at its end, 2026-11-21 12:00 UTC, and says nothing",
    )


def test_a_machine_that_was_given_more_time_is_waited_for_that_long() -> None:
    tags = {machine_tags.ENDS: machine_tags.ends(ENDS_AT + timedelta(days=1))}

    after = found(
        a_machines_run(state="running"),
        an_instance("running", tags=tags),
        ENDS_AT + timedelta(hours=2),
    )

    assert after.state == "running"


def _with_the_run(run_id: str) -> MachineDetail:
    return an_instance("running", tags={machine_tags.RUN: run_id})


@pytest.mark.parametrize("state", ["submitted", "running"])
def test_a_run_whose_machine_went_on_with_another_is_over(state: State) -> None:
    after = found(a_machines_run(state=state), _with_the_run(OTHER_RUN), LATER)

    assert (after.state, after.reason, after.stopped_at) == (
        "failed",
        "the machine went on with another run, and never said how this one ended",
        LATER,
    )
    stopped = found(a_machines_run(state=state, stop=STOP), _with_the_run(OTHER_RUN), LATER)
    assert (stopped.state, stopped.reason) == ("stopped", "stopped by Someone: too slow")


@pytest.mark.parametrize("state", OPEN)
@pytest.mark.parametrize("named", [RUN_ID, ""])
def test_a_run_whose_machine_names_no_other_goes_on(state: State, named: str) -> None:
    run = a_machines_run(state=state)

    assert found(run, _with_the_run(named), LATER) is run


@pytest.mark.parametrize("state", ["submitted", "running"])
def test_a_tag_that_still_names_the_run_before_ends_no_run(state: State) -> None:
    run = a_machines_run(state=state, after=OTHER_RUN)

    assert found(run, _with_the_run(OTHER_RUN), LATER) is run
    assert not went_on(run, _with_the_run(OTHER_RUN))


def test_a_run_that_is_requested_has_no_machine_that_another_run_has() -> None:
    run = a_machines_run(after=OTHER_RUN)

    assert found(run, _with_the_run(OTHER_RUN), LATER) is run
    assert went_on(run, _with_the_run(OTHER_RUN))


def test_what_is_said_of_batchs_jobs_moves_no_run_with_a_machine() -> None:
    run = a_machines_run(state="submitted")

    assert follow(run, job_described("FAILED"), LATER) is run


@pytest.mark.parametrize("state", FINAL)
def test_a_run_with_a_machine_is_not_run_again(state: State) -> None:
    run = a_machines_run(state=state)

    assert ask_again(run, LATER) is run


def test_a_run_has_its_machine_in_its_own_attempt_alone() -> None:
    assert is_machine_of(INSTANCE, 1, a_machines_run())
    assert not is_machine_of(INSTANCE, 2, a_machines_run())
    assert not is_machine_of(ANOTHER, 1, a_machines_run())
    assert not is_machine_of(INSTANCE, 1, a_run())


reports = st.builds(
    a_report,
    st.sampled_from(["running", "succeeded", "failed"]),
    instance_id=st.sampled_from([INSTANCE, ANOTHER]),
    attempt=st.integers(1, 2),
    exit_code=st.none() | st.integers(0, 255),
)
instances = st.none() | st.builds(
    an_instance,
    st.sampled_from([*NOT_OVER, "stopped", "terminated"]),
    st.none() | st.sampled_from([BY_A_CALL, BY_ITSELF, TAKEN_AWAY]),
)


def _after(run: Run, said: object) -> Run:
    if isinstance(said, MachineReported):
        return reported(run, said, LATER)
    if said == "begun":
        return begun(run, LATER)
    if said == "stop":
        return ask_stop(run, "Someone", "too slow", LATER)
    return found(run, said if isinstance(said, MachineDetail) else None, LATER)


@given(st.lists(reports | instances | st.sampled_from(["begun", "stop"]), max_size=12))
def test_in_any_order_the_record_of_a_machines_run_only_goes_forward(said: list[object]) -> None:
    run = a_machines_run()
    for word in said:
        after = _after(run, word)
        assert rank(after.state) >= rank(run.state)
        assert not run.final or after is run or (run.inferred and not after.inferred)
        assert _after(after, word) is after
        run = after


@given(st.permutations(["begun", "running", "succeeded"]))
def test_the_words_of_a_machine_end_the_same_way_in_any_order(order: list[str]) -> None:
    run = a_machines_run()
    for word in order:
        run = begun(run, LATER) if word == "begun" else reported(run, a_report(word), LATER)

    assert run.state == "succeeded"


@given(reports, instances, st.booleans())
def test_the_end_that_comes_first_stands_unless_it_was_inferred(
    report: MachineReported, machine: MachineDetail | None, report_first: bool
) -> None:
    words: list[object] = [report, machine] if report_first else [machine, report]
    first = _after(a_machines_run(), words[0])
    then = _after(first, words[1])

    assert not first.final or then is first or (first.inferred and not then.inferred)


def test_what_ec2_said_reaches_the_monitor_as_it_was() -> None:
    said = an_instance("terminated", TAKEN_AWAY, {machine_tags.ENDS: "2026-11-21T18:00:00Z"})
    event = described(a_machines_run(attempt=2), INSTANCE, said)
    sent = json.loads(event.detail())["instance"]

    assert (event.attempt, event.instance_id) == (2, INSTANCE)
    assert sent["StateReason"]["Code"] == "Server.SpotInstanceTermination"
    assert MachineDetail.model_validate(sent) == said
    assert described(a_machines_run(), INSTANCE, None).instance is None


def test_what_only_the_services_go_by_is_in_no_event() -> None:
    run = found(a_machines_run(state="running", after=OTHER_RUN), None, ENDS_AT + GRACE)
    told = json.loads(state_changed(run).detail())

    assert run.inferred
    assert not {"after", "inferred"} & set(told)


def test_the_event_of_a_run_with_a_machine_tells_of_it() -> None:
    run = a_machines_run(state="running")

    event = RunStateChanged.model_validate_json(state_changed(run).detail())

    assert event.machine == run.machine
    assert event.asked.module == "train"


def test_events_of_before_machines_had_clones_and_images_are_read() -> None:
    older = json.loads(state_changed(a_machines_run()).detail())
    machine = RunStateChanged.model_validate(older).machine

    assert "image" not in older["machine"]
    assert machine is not None
    assert (machine.image, machine.git, machine.branch, machine.commit) == (None,) * 4


def test_events_of_before_there_were_machines_are_read() -> None:
    now: Event = state_changed(a_run())
    older = json.loads(now.detail())
    older.pop("machine", None)
    older["asked"].pop("module", None)

    assert RunStateChanged.model_validate(older) == now
    assert "machine" not in json.loads(now.detail())


@pytest.mark.parametrize(
    "fields",
    [
        {"run_id": ""},
        {"run_id": "x" * 3_000},
        {"started_at": "2026-11-20T12:00:00"},
        {"stopped_at": "0001-01-01T00:00:00+14:00"},
        {"exit_code": 10**40},
        {"archive": "s3://" + "x" * 250_000},
    ],
)
def test_a_machine_cannot_say_what_no_record_could_hold(fields: dict[str, Any]) -> None:
    report = {**a_report("failed").model_dump(mode="json", exclude_none=True), **fields}
    said = {"detail-type": "MachineReported", "source": "cloud-runner", "detail": report}
    nobody = Dependencies(RunStore(None, "runs"), BatchJobs(None), Machines(None))

    with pytest.raises(ValidationError):
        hear_report(Envelope.model_validate(said), nobody)
