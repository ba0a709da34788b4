"""Routes that steer the endpoint in tests and demonstrations; they exist on loopback only.

| route | body | effect |
|---|---|---|
| `GET`, `POST /_control/faults` | `faults.Orders` | events lost or doubled, SubmitJob in trouble |
| `POST /_control/jobs/ID/reclaim` | | the job's machine is gone |
| `POST /_control/jobs/ID/block` | `{"reason": ...}` | a RUNNABLE job's queue is blocked |
| `POST /_control/queues/NAME` | `{"paused": true}` | the queue's jobs stay RUNNABLE |
| `GET`, `DELETE /_control/calls` | | how often each operation was called |
"""

import threading
from collections import Counter

from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request

from local.batch.errors import ClientException
from local.batch.faults import Faults, Orders
from local.batch.ledger import Ledger
from local.batch.resources import Resources
from local.batch.scheduler import Scheduler
from local.batch.shapes import Document, Status
from local.batch.tries import Cause

_ROUTES = Map(
    [
        Rule("/_control/faults", methods=["GET"], endpoint="show faults"),
        Rule("/_control/faults", methods=["POST"], endpoint="order faults"),
        Rule("/_control/jobs/<job>/reclaim", methods=["POST"], endpoint="reclaim"),
        Rule("/_control/jobs/<job>/block", methods=["POST"], endpoint="block"),
        Rule("/_control/queues/<queue>", methods=["POST"], endpoint="pause"),
        Rule("/_control/calls", methods=["GET"], endpoint="show calls"),
        Rule("/_control/calls", methods=["DELETE"], endpoint="clear calls"),
    ]
)


class Calls:
    """How often each operation was called; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def note(self, operation: str) -> None:
        """Count a call."""
        with self._lock:
            self._counts[operation] += 1

    def counts(self) -> dict[str, int]:
        """Calls by operation."""
        with self._lock:
            return dict(self._counts)

    def clear(self) -> None:
        """Begin again from zero."""
        with self._lock:
            self._counts.clear()


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str


class _Pause(BaseModel):
    model_config = ConfigDict(extra="forbid")

    paused: bool


class Control:
    """What the routes steer."""

    def __init__(
        self,
        faults: Faults,
        calls: Calls,
        resources: Resources,
        ledger: Ledger,
        scheduler: Scheduler,
    ) -> None:
        self._faults = faults
        self._calls = calls
        self._resources = resources
        self._ledger = ledger
        self._scheduler = scheduler

    def answer(self, request: Request) -> Document:
        """Do what a request asks; raises ClientException, or werkzeug's NotFound."""
        endpoint, found = _ROUTES.bind_to_environ(request.environ).match()
        body = request.get_data()
        try:
            match endpoint:
                case "order faults":
                    self._faults.order(Orders.model_validate_json(body))
                case "reclaim":
                    self._reclaim(found["job"])
                case "block":
                    self._block(found["job"], _Block.model_validate_json(body).reason)
                case "pause":
                    queue = self._resources.queue(found["queue"])
                    paused = _Pause.model_validate_json(body).paused
                    self._scheduler.pause(queue.job_queue_arn, paused=paused)
                case "clear calls":
                    self._calls.clear()
        except ValidationError as error:
            raise ClientException(str(error)) from error
        return self._shown(endpoint)

    def _shown(self, endpoint: str) -> Document:
        if endpoint.endswith("faults"):
            shown: Document = self._faults.orders.model_dump(mode="json")
            return shown
        return {**self._calls.counts()} if endpoint.endswith("calls") else {}

    def _reclaim(self, job_id: str) -> None:
        if not self._scheduler.end(job_id, Cause.RECLAIMED):
            raise ClientException(f"job {job_id} is on no machine")

    def _block(self, job_id: str, reason: str) -> None:
        with self._ledger.changed:
            job = self._ledger.get(job_id)
            if job is None or job.status is not Status.RUNNABLE:
                raise ClientException(f"job {job_id} is not RUNNABLE")
            self._ledger.block(job_id, reason)
