"""What can be done with a stack in each of CloudFormation's statuses."""

from typing import Any

import botocore.session
import pytest

from cli.project.overview import flat
from cli.project.stack_states import Next, State, next_step

_MODEL: Any = botocore.session.get_session().get_service_model("cloudformation")
STATUSES = _MODEL.shape_for("StackStatus").enum


def state(status: str) -> State:
    return State("id", "stack", status, {}, {}, {}, "")


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_leads_somewhere(status: str) -> None:
    step = next_step(state(status))

    assert (step is Next.WAIT) == (
        status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"
    )


@pytest.mark.parametrize(
    ("status", "step"),
    [
        ("REVIEW_IN_PROGRESS", Next.CREATE),
        ("CREATE_COMPLETE", Next.UPDATE),
        ("UPDATE_COMPLETE", Next.UPDATE),
        ("UPDATE_ROLLBACK_COMPLETE", Next.UPDATE),
        ("IMPORT_ROLLBACK_COMPLETE", Next.UPDATE),
        ("ROLLBACK_COMPLETE", Next.DELETE),
        ("CREATE_FAILED", Next.DELETE),
        ("DELETE_FAILED", Next.DELETE),
        ("UPDATE_ROLLBACK_FAILED", Next.STUCK),
    ],
)
def test_what_comes_next(status: str, step: Next) -> None:
    assert next_step(None) is Next.CREATE
    assert next_step(state(status)) is step


def test_details_are_shown_as_lines() -> None:
    told = {"a": 1, "b": {"c": None}, "d": ["x", "y"], "e": [{"f": True}], "g": []}

    assert list(flat(told)) == [
        ("a", "1"),
        ("b.c", "none"),
        ("d", "x, y"),
        ("e.1.f", "True"),
        ("g", "none"),
    ]
