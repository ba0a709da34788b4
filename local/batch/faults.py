"""Troubles that a test can order: events lost or doubled, SubmitJob refused or left unanswered."""

import threading
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class SubmitMode(StrEnum):
    """What becomes of a SubmitJob."""

    THROTTLE = "throttle"
    """429 TooManyRequestsException; no job."""
    ERROR = "error"
    """500 ServerException; no job."""
    TIMEOUT_AFTER = "timeout_after"
    """The job is there, but the connection is closed without an answer."""


class SubmitFault(BaseModel):
    """A trouble for the next `count` SubmitJobs; `hold_seconds` go by before a lost answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: SubmitMode
    count: Annotated[int, Field(ge=0)] = 1
    hold_seconds: Annotated[float, Field(ge=0)] = 0


class Orders(BaseModel):
    """The troubles in force. `drop_events` counts the next events to lose; true loses all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    drop_events: bool | Annotated[int, Field(ge=0)] = 0
    duplicate_events: bool = False
    submit: SubmitFault | None = None


class Faults:
    """Counts the troubles down as they happen; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders = Orders()

    @property
    def orders(self) -> Orders:
        """What is in force now."""
        return self._orders

    def order(self, orders: Orders) -> Orders:
        """Replace the troubles that are named; the others stay in force."""
        with self._lock:
            named = {name: getattr(orders, name) for name in orders.model_fields_set}
            self._orders = self._orders.model_copy(update=named)
            return self._orders

    def copies_of_event(self) -> int:
        """How often the next event is sent."""
        with self._lock:
            dropping = self._orders.drop_events
            if dropping is True:
                return 0
            if dropping:
                self._orders = self._orders.model_copy(update={"drop_events": dropping - 1})
                return 0
            return 2 if self._orders.duplicate_events else 1

    def of_submit(self) -> SubmitFault | None:
        """The trouble of the next SubmitJob, if there is one."""
        with self._lock:
            fault = self._orders.submit
            if fault is None or fault.count == 0:
                return None
            left = fault.model_copy(update={"count": fault.count - 1})
            self._orders = self._orders.model_copy(update={"submit": left})
            return fault
