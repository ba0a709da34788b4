"""Runs that a command asks for: the record first, then the request, as the parser does it.

Whoever asks twice with one request id asks for one run: a command that was killed in between is
typed again, and goes on where it was.
"""

import sys
from datetime import UTC, datetime
from functools import cached_property

import structlog

from cli.account import Account, Deployed
from cli.asking import asking, reaching
from cli.sources import Source, find_source
from shared.aws import calling
from shared.events import Asked, Person, RunId, RunRequested
from shared.names import last_part
from shared.publisher import Publisher
from shared.run_store import RunStore
from shared.runs import Run, new_run, request_run_id, state_changed

__all__ = ["Requests", "Source", "find_source", "reaching"]


def keep_log_lines_out_of_the_output() -> None:
    """Have what our adapters log on standard error: it must not stand among a command's JSON."""
    if not structlog.is_configured():
        structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


keep_log_lines_out_of_the_output()


class Requests:
    """Where a stack's runs are asked for: its records, its queue, its bus."""

    def __init__(self, account: Account, deployed: Deployed) -> None:
        self._account = account
        self._deployed = deployed

    @cached_property
    def records(self) -> RunStore:
        """The table of run records."""
        return RunStore(self._account.client("dynamodb"), self._deployed.output("RunsTableName"))

    @cached_property
    def publisher(self) -> Publisher:
        """Where `RunRequested` and `RunStateChanged` go."""
        return Publisher(
            sqs=self._account.client("sqs"),
            queues={RunRequested: self._deployed.output("RunsQueueUrl")},
            eventbridge=self._account.client("events"),
            bus=self._deployed.output("EventBusName"),
        )

    def run_id(self, request_id: str) -> RunId:
        """The run of that request id, whether it was asked for or not."""
        return request_run_id(self._account.names.stack, request_id)

    def ask(self, request_id: str, asked: Asked, source: Source | None) -> Run:
        """The run of that request id: a new one, or the one that was asked for with it before.

        Raises:
            Unavailable: it may not have been asked for. To ask again with the same id is safe.
            AccountError: AWS refuses.

        """
        run = new_run(
            self.run_id(request_id),
            asked,
            datetime.now(UTC),
            repository=None if source is None else source.repository,
            branch=None if source is None else source.branch,
            commit=None if source is None else source.commit,
            pushed_by=self.who(),
        )
        with asking("asking for a run"):
            if not self.records.create(run):
                # Asked for before, and perhaps no further than the record.
                run = self.records.get(run.run_id) or run
            if run.state == "requested":
                request = RunRequested(run_id=run.run_id, attempt=run.attempt)
                self.publisher.publish([request, state_changed(run)])
        return run

    def who(self) -> Person:
        """Who asks, as AWS knows them: `id` is the identity's ARN, `name` the last part of it.

        Raises:
            Unavailable: STS failed.
            AccountError: it refuses.

        """
        return self._identity

    @cached_property
    def _identity(self) -> Person:
        doing = "asking AWS who you are"
        with asking(doing), calling(doing):
            arn = self._account.client("sts").get_caller_identity()["Arn"]
        # arn:aws:sts::123456789012:assumed-role/Role/someone, arn:aws:iam::123456789012:root
        return Person(id=arn, name=last_part(arn).rpartition(":")[2])
