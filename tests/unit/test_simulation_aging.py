"""Messages in flight while the stack is deployed, as senders of other versions wrote them."""

import json

import pytest

from shared.events import CommitPushed, Envelope, RunRequested, SweepDue, enclose
from shared.runs import state_changed
from tests.samples import RUN_ID, a_push, a_run
from tests.simulation.aging import aged_body

EVENTS = [
    a_push(),
    RunRequested(run_id=RUN_ID, attempt=2),
    SweepDue(run_id=RUN_ID),
    state_changed(a_run()),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.detail_type())
@pytest.mark.parametrize("newer", [True, False])
def test_an_aged_message_means_what_it_meant(event: CommitPushed, newer: bool) -> None:
    body = enclose(event)

    aged = aged_body(body, newer=newer)

    assert aged != body or not newer
    assert type(event).model_validate(Envelope.read(aged).detail) == event


def test_an_older_sender_did_not_write_what_has_its_default() -> None:
    detail = json.loads(aged_body(enclose(SweepDue(run_id=RUN_ID)), newer=False))["detail"]

    assert detail == {"run_id": RUN_ID}


def test_a_newer_sender_writes_what_nobody_here_knows() -> None:
    body = enclose(RunRequested(run_id=RUN_ID))

    assert (
        json.loads(aged_body(body, newer=True))["detail"].keys() > json.loads(body)["detail"].keys()
    )


def test_what_is_not_ours_stays_as_it_is() -> None:
    body = json.dumps({"source": "aws.batch", "detail-type": "Batch Job State Change"})

    assert aged_body(body, newer=True) == body
    assert aged_body(body, newer=False) == body
