"""The notification that a machine may still be running."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cli.project.http import Answer, NotAnsweredError
from cli.remote.machine import MachineFacts
from cli.remote.notifying import Notifier
from shared.runs import Run
from tests.samples import NOW, REGION, minutes
from tests.samples_machines import a_machine, a_machines_run

URL = "https://hooks.example.com/services/very-secret"
MACHINE = MachineFacts("i-0a", "running", "t3.micro", "spot", NOW, "ami-1", f"{REGION}a")


class Listener:
    """Answers with one status after the other; None: not at all."""

    def __init__(self, *statuses: int | None) -> None:
        self.statuses = list(statuses)
        self.posted: list[Any] = []

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        assert (method, url, headers) == ("POST", URL, {"Content-Type": "application/json"})
        self.posted.append(json.loads(body or b""))
        status = self.statuses.pop(0)
        if status is None:
            message = f"POST {url}: no answer"
            raise NotAnsweredError(message)
        return Answer(status, b"")


def told(
    listener: Listener,
    url: str | None = URL,
    *,
    machine: MachineFacts = MACHINE,
    run: Run | None = None,
    pauses: list[float] | None = None,
) -> bool:
    pauses = [] if pauses is None else pauses
    notifier = Notifier(url, listener, pauses.append)
    now = NOW + timedelta(minutes=61, seconds=1)
    return notifier.not_terminated(machine, "EC2 refuses", now, run)


def test_it_says_which_machine_why_and_for_how_long() -> None:
    listener = Listener(200)

    assert told(listener, machine=replace(MACHINE, name="study"))
    assert listener.posted == [
        {
            "name": "study",
            "instance": "i-0a",
            "status": "not terminated",
            "minutes": 62,
            "run_id": None,
            "exit_code": None,
            "archive": None,
            "reason": "EC2 refuses",
        }
    ]


def test_a_machine_that_nobody_has_named_is_called_by_its_id() -> None:
    listener = Listener(200)
    told(listener)

    assert listener.posted[0]["name"] == "i-0a"


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        ({}, "study"),
        ({"name": "first"}, "first"),
        ({"name": "first", "archive": "s3://acme-data/remote/first 777777.tar.gz"}, "first 777777"),
    ],
)
def test_after_a_run_it_has_the_name_of_the_archive_if_that_is_known(
    machine: dict[str, Any], name: str
) -> None:
    listener = Listener(200)
    run = a_machines_run(state="failed", machine=a_machine(**machine))
    told(listener, machine=replace(MACHINE, name="study"), run=run)

    assert listener.posted[0]["name"] == name


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ({"started_at": NOW + minutes(40)}, 22),
        ({"started_at": NOW + minutes(40), "stopped_at": NOW + minutes(42)}, 2),
        ({"stopped_at": NOW + minutes(42)}, 62),
    ],
)
def test_its_minutes_are_the_experiments_if_there_was_one(
    run: dict[str, Any], expected: int
) -> None:
    listener = Listener(200)
    told(listener, run=a_machines_run(state="failed", **run))

    assert listener.posted[0]["minutes"] == expected


def test_it_is_tried_as_often_and_as_long_as_the_machine_tries_its_own() -> None:
    pauses: list[float] = []
    timeout = 10

    assert not told(Listener(*[None] * 5), pauses=pauses)
    assert len(pauses) == 4
    assert 60 <= sum(pauses) <= 120 - 5 * timeout


def test_it_is_said_again_until_somebody_has_taken_it() -> None:
    listener = Listener(None, 503, 204, 200)

    assert told(listener)
    assert len(listener.posted) == 3


def test_that_nobody_has_taken_it_is_printed_without_the_address(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert not told(Listener(None, None, None, 500, 404))

    said = capsys.readouterr().err
    assert said == "note: the notification was not taken: hooks.example.com answered 404\n"


def test_it_goes_nowhere_in_the_clear(capsys: pytest.CaptureFixture[str]) -> None:
    assert not told(Listener(), "http://hooks.example.com/x")
    assert "takes an https:// address" in capsys.readouterr().err


def test_nobody_who_did_not_ask_is_told() -> None:
    assert told(Listener(), None)
