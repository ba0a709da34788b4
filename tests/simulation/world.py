"""Everything that a simulation consists of: models, functions between them, what was said."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from tests.simulation import names
from tests.simulation.aging_records import AgedRecords
from tests.simulation.choices import Choices, Strike
from tests.simulation.ledger import Ledger
from tests.simulation.models.messages import Lineage
from tests.simulation.scheduler import Scheduler

if TYPE_CHECKING:
    from tests.simulation.invariants import Watch
    from tests.simulation.models.batch import Batch
    from tests.simulation.models.bitbucket import Bitbucket
    from tests.simulation.models.dynamodb import DynamoDb
    from tests.simulation.models.ec2 import Ec2
    from tests.simulation.models.eventbridge import EventBridge
    from tests.simulation.models.s3 import S3
    from tests.simulation.models.secretsmanager import SecretsManager
    from tests.simulation.models.sqs import Sqs
    from tests.simulation.outages import Outages


class MakesClients(Protocol):
    """What `shared.aws.Clients` is to a service, and to a person."""

    def make(self, service: str, *, attempts: int = 3, seconds: int = 5) -> Any:
        """A client of `service` whose calls can fail as botocore's can after `attempts` tries."""

    def make_late(self, service: str) -> Any:
        """The same."""


class Functions(Protocol):
    """The stack's Lambda functions."""

    def invoke(
        self,
        name: str,
        event: dict[str, Any],
        done: Callable[[Any], None],
        lineage: Lineage | None = None,
    ) -> None:
        """Call the function of the service `name`, as an HTTP API, a schedule or a queue does.

        `done` gets what it answered; None where it crashed, ran out of time or raised. `lineage` is
        how often functions were called for it to be called.
        """

    def refuses(self, name: str, lineage: Lineage | None = None) -> float:
        """For how many seconds Lambda calls that function for nobody; 0: it does now.

        For ever, where it takes the chain of calls, `lineage`, for an endless loop.
        """

    def redeploy(self) -> None:
        """Replace all code: instances that are busy end their work, none takes another."""

    @property
    def busy(self) -> int:
        """How many invocations run."""


class Trace:
    """What happened, line by line with the virtual time; costs nothing while it is off."""

    def __init__(self, scheduler: Scheduler, *, on: bool) -> None:
        self.on = on
        self.lines: list[str] = []
        self._scheduler = scheduler
        self._began = scheduler.now

    def say(self, who: str, what: str) -> None:
        """Note that `who` did, or suffered, `what`; who says much, asks `on` first."""
        if self.on:
            self.lines.append(f"{self._scheduler.now - self._began:11.3f}  {who:<14} {what}")

    def add(self, what: str) -> None:
        """Say more in the line that was said last."""
        if self.on:
            self.lines[-1] += f", {what}"


@dataclass
class World:
    """One simulated account, with Bitbucket beside it.

    The models are what is true; nothing that is done on them directly fails. Whoever acts as a
    person or a function does so through `clients`, whose calls take time and suffer faults.
    `counts` is for the summary: what happened, how often.
    """

    choices: Choices
    scheduler: Scheduler
    trace: Trace
    dynamodb: "DynamoDb"
    sqs: "Sqs"
    eventbridge: "EventBridge"
    batch: "Batch"
    bitbucket: "Bitbucket"
    secretsmanager: "SecretsManager"
    s3: "S3"
    ec2: "Ec2"
    # Set once they are made, for they need the world themselves.
    functions: Functions = field(init=False)
    clients: Callable[[str], MakesClients] = field(init=False)
    outages: "Outages" = field(init=False)
    # The longest that a call of AWS takes on its way there, or back, if nothing is wrong; seconds.
    latency: float = 0.06
    # Also the traceback of a function that raised: Lambda writes it to the same log.
    log_lines: list[str] = field(default_factory=list)
    # How many per cent of a sweep's points may fail where nobody has said: the stack's setting.
    tolerated_percent: int = 0
    # What the HTTP API's callers were answered.
    answers: list[str] = field(default_factory=list)
    # Every secret text that there is or was: none of them may be seen anywhere.
    secrets: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    # What people did, and what has been checked of it so far.
    ledger: Ledger = field(default_factory=Ledger)
    watch: "Watch | None" = None
    aged: AgedRecords = field(default_factory=lambda: AgedRecords(names.ref("RunsTable")))

    @property
    def faults(self) -> list[Strike]:
        """The faults that struck so far."""
        return self.choices.struck

    def clock(self) -> datetime:
        """The true time, aware."""
        return datetime.fromtimestamp(self.scheduler.now, UTC)

    def count(self, what: str, times: int = 1) -> None:
        """Note for the summary that something happened."""
        self.counts[what] = self.counts.get(what, 0) + times
