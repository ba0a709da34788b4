"""The build status of a run with a machine of its own."""

import pytest

from services.notifier.statuses import Links, status
from shared.events import Asked
from shared.runs import Run
from tests.samples import NAMES, NOW, minutes
from tests.samples_machines import INSTANCE, a_machines_run

LINKS = Links("eu-west-1")


@pytest.mark.parametrize(
    ("run", "description"),
    [
        (a_machines_run(), "requested: its machine is made ready"),
        (a_machines_run(state="submitted"), "submitted: waiting for its machine to begin"),
        (a_machines_run(state="running", started_at=NOW), "running since 12:00 UTC"),
        (
            a_machines_run(
                state="succeeded",
                started_at=NOW,
                stopped_at=NOW + minutes(3),
                reason="the log was not writable to its end",
            ),
            "succeeded after 3 min: the log was not writable to its end",
        ),
        (a_machines_run(state="failed", reason="exit code 3"), "failed: exit code 3"),
    ],
)
def test_the_description_says_what_the_machine_does(run: Run, description: str) -> None:
    assert status(run, LINKS, NAMES.stack)["description"] == description


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (
            Asked(module="churn.train", arguments="--epochs 3"),
            "Cloud machine in acme-testing: churn.train",
        ),
        (Asked(arguments="train"), "Cloud machine in acme-testing: train"),
        (Asked(), "Cloud machine in acme-testing"),
    ],
)
def test_the_name_says_what_runs_there(asked: Asked, name: str) -> None:
    assert status(a_machines_run(asked=asked), LINKS, NAMES.stack)["name"] == name


def test_the_link_leads_to_the_machine() -> None:
    url = status(a_machines_run(), LINKS, NAMES.stack)["url"]

    assert url.endswith(f"/ec2/home?region=eu-west-1#InstanceDetails:instanceId={INSTANCE}")
    assert len(url) <= 450
