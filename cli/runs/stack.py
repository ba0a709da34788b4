"""What every command about runs works with: one stack's records, and its runs' logs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import click

from cli.account import Account, Deployed
from cli.asking import asking
from cli.requests import Requests
from cli.runs.copies import copy_key, read_copy
from cli.runs.following import JobLog, Pace
from cli.runs.logs import open_log, open_machine_log
from shared.batch_jobs import BatchJobs
from shared.events import RunId
from shared.machines import Machines
from shared.run_store import RunStore
from shared.runs import Run

# The embedded stack's records cost nothing to read, and its logs are files.
_LOCAL_PACE = Pace(seconds=0.3, late_seconds=0.6)


@dataclass(frozen=True)
class RunsStack:
    """A deployed stack, as far as its runs go."""

    account: Account
    deployed: Deployed

    @classmethod
    def of(cls, account: Account) -> "RunsStack":
        """The stack of an account; AccountError if there is none."""
        return cls(account, account.deployed())

    @cached_property
    def requests(self) -> Requests:
        """Where runs are asked for."""
        return Requests(self.account, self.deployed)

    @property
    def records(self) -> RunStore:
        """The table of run records."""
        return self.requests.records

    @cached_property
    def jobs(self) -> BatchJobs:
        """Where jobs are ended."""
        return BatchJobs(self.account.client("batch"))

    @cached_property
    def machines(self) -> Machines:
        """Where machines of one's own are ended."""
        return Machines(self.account.client("ec2"))

    @property
    def pace(self) -> Pace:
        """How often a run is looked at."""
        return Pace() if self.account.local is None else _LOCAL_PACE

    def look(self, run_id: RunId) -> Run:
        """A run's record as it is now.

        Raises:
            click.ClickException: AWS refuses, or there is no such record any more.
            Unavailable: DynamoDB failed, for now.

        """
        with asking("looking at a run"):
            run = self.records.get(run_id)
        if run is None:
            message = f"the record of run {run_id} is gone"
            raise click.ClickException(message)
        return run

    def log(self, run: Run, *, tail: int | None = None) -> JobLog:
        """The log of a run's current attempt; `tail`: of the last lines so many, and what comes."""
        opens = open_log if run.machine is None else open_machine_log
        return JobLog(
            lambda stream, tail: opens(self.account, self.deployed, stream, tail=tail), tail
        )

    def copy_of_log(
        self, run: Run, attempt: int, point: int | None, tail: int | None
    ) -> Iterator[Sequence[str]]:
        """The lines that an attempt has left, or the last ones of them, by pages.

        Raises:
            click.ClickException: it is not there; the text says where it was looked for.
            Unavailable: S3 failed, at once or at any page.

        """
        key = copy_key(run, attempt, point)
        if key is None:
            message = f"run {run.run_id} has no repository, and so no copy of its log"
            raise click.ClickException(message)
        bucket = self.deployed.output("DataBucket")
        pages = read_copy(self.account.client("s3"), bucket, key, tail)
        if pages is None:
            what = "" if point is None else f" of point {point}"
            # S3 says the same of both to somebody who may not list the bucket.
            message = (
                f"no log of attempt {attempt}{what}: s3://{bucket}/{key} is not there, or not "
                "yours to read"
            )
            raise click.ClickException(message)
        return pages
