"""What is looked at before anything of a sweep is submitted; all that is wrong is told at once.

Nothing is changed by it. Where AWS refuses to answer, that is told as what it is: a permission that
is missing, by its name.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import click
from botocore.exceptions import ClientError

from cli.account import Account, Deployed
from cli.limits import limits
from cli.sweep.checks_sizes import beyond_limits, too_many_waves
from cli.sweep.config import Plan
from cli.sweep.keeping import shelf
from services.submitter.permitted import Permitted, listed
from shared.aws import calling
from shared.best import BestResults
from shared.errors import Rejected
from shared.events import Job, Repository
from shared.names import last_part

# AWS's words for what a policy does not allow (S3's HEAD and Batch's own among them).
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}
_USABLE = {"VALID", "UPDATING"}


class NotReady(click.ClickException):
    """A sweep that would fail; the text says all that is wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        lines = [f"  - {problem}" for problem in problems]
        head = "nothing was submitted:"
        super().__init__("\n".join([head, *lines]) if len(problems) > 1 else problems[0])


@dataclass
class Checks:
    """The stack that a sweep of a repository is about to use.

    `left` is how many points of each plan are to be sent, `waves` how many the sweep has had.
    """

    account: Account
    deployed: Deployed
    repository: Repository
    left: Sequence[int]
    waves: int
    problems: list[str] = field(default_factory=list)

    def run(self, plans: Sequence[Plan]) -> None:
        """Look at all of it.

        Raises:
            NotReady: something is wrong.
            Unavailable: AWS failed.

        """
        self.problems += too_many_waves(plans, self.left, self.waves)
        self.problems += beyond_limits(plans, limits(self.deployed))
        batch = self.account.client("batch")
        permitted = self._permitted()
        for queue in _each(self._queue(plan, permitted) for plan in plans):
            self._look_at_queue(batch, queue, permitted)
        for name in _each(self._definition(plan) for plan in plans):
            self._look_at_definition(batch, name, permitted)
        for table in _each(plan.commit_table for plan in plans if plan.commit_table):
            self._look_at_table(table, [plan for plan in plans if plan.commit_table == table])
        self._look_at_buckets(plans)
        if self.problems:
            raise NotReady(self.problems)

    def _permitted(self) -> Permitted:
        parameters = self.deployed.parameters
        return Permitted(
            own=(self.deployed.output("JobQueueArn"), self.deployed.output("GpuJobQueueArn")),
            others=listed(parameters.get("SweepJobQueueArns")),
            definitions=listed(parameters.get("SweepJobDefinitionArns")),
            projects=self.account.names.job_definition(""),
        )

    def _queue(self, plan: Plan, permitted: Permitted) -> str:
        if plan.job_queue is not None:
            return permitted.queue(plan.job_queue)
        return permitted.own[1 if plan.gpus else 0]

    def _definition(self, plan: Plan) -> str:
        return last_part(plan.job_def or self._own)

    @property
    def _own(self) -> str:
        return self.account.names.job_definition(self.repository.slug)

    def _look_at_queue(self, batch: Any, queue: str, permitted: Permitted) -> None:
        name = last_part(queue)
        with self._allowed("batch:DescribeJobQueues"), calling("describing a job queue"):
            found = batch.describe_job_queues(jobQueues=[queue])["jobQueues"]
            if not found:
                known = ", ".join(map(last_part, (*permitted.own, *permitted.others)))
                self.problems.append(f"there is no job queue {name}: the stack has {known}")
                return
            state, status = found[0]["state"], found[0].get("status", "VALID")
            if state != "ENABLED":
                self.problems.append(f"the job queue {name} is {state}: enable it first")
            elif status not in _USABLE:
                self.problems.append(f"the job queue {name} is {status}: look at it in the console")
            self._allow(permitted, queue=found[0]["jobQueueArn"])

    def _look_at_definition(self, batch: Any, name: str, permitted: Permitted) -> None:
        # The API takes a revision among names alone, and then no other filter.
        one: dict[str, Any] = {"jobDefinitions": [name]}
        if ":" not in name:
            one = {"jobDefinitionName": name, "status": "ACTIVE"}
        with self._allowed("batch:DescribeJobDefinitions"), calling("describing a job definition"):
            found = batch.describe_job_definitions(**one)["jobDefinitions"]
            active = [each for each in found if each["status"] == "ACTIVE"]
            if not active:
                self.problems.append(self._no_definition(name, found))
                return
            newest = max(active, key=lambda each: int(each.get("revision", 0)))
            command = newest.get("containerProperties", {}).get("command", [])
            if "Ref::runId" not in command:
                self.problems.append(
                    f"the job definition {name} does not run the program of this project, which "
                    "gives each point its parameters: its command is to be that of a project's "
                    "definition (container/project.yaml)"
                )
            self._allow(permitted, definition=name)

    def _no_definition(self, name: str, found: Sequence[Any]) -> str:
        if found:
            return f"the job definition {name} is not active any more: name another revision"
        if name == self._own:
            return f"there is no job definition {name}: add the project first (project add)"
        return f"there is no job definition {name}: name one that there is, with its revision"

    def _allow(self, permitted: Permitted, *, queue: str = "", definition: str = "") -> None:
        """Note what the stack would say of it, which is asked here before it is too late."""
        own = self._own
        job = Job(name="sweep", queue=queue or permitted.own[0], definition=definition or own)
        try:
            permitted.check(job, own)
        except Rejected as refused:
            self.problems.append(str(refused))

    def _look_at_table(self, table: str, plans: Sequence[Plan]) -> None:
        best = BestResults(self.account.client("dynamodb"), table)
        with self._allowed(f"dynamodb:DescribeTable, GetItem and UpdateItem on the table {table}"):
            try:
                best.check()
                best.check_writing()
                for plan in plans:
                    target, study = shelf(plan, self.repository.full_name)
                    best.check_direction(target, study, plan.direction)
            except Rejected as refused:
                self.problems.append(str(refused))

    def _look_at_buckets(self, plans: Sequence[Plan]) -> None:
        s3 = self.account.client("s3")
        ours = self.deployed.output("DataBucket")
        places = {f"s3://{ours}/projects/{self.repository.slug}/sweeps/"}
        places |= {plan.log_to for plan in plans if plan.log_to}
        for place in sorted(places):
            bucket, _, prefix = place.removeprefix("s3://").partition("/")
            with self._allowed(f"s3:ListBucket on {place}"), calling(f"looking at {place}"):
                try:
                    s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
                except ClientError as error:
                    if _code(error) != "NoSuchBucket":
                        raise
                    self.problems.append(f"there is no bucket {bucket}: correct {place}")

    @contextmanager
    def _allowed(self, actions: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            if _code(error) not in _DENIED:
                raise
            self.problems.append(
                f"your AWS identity may not {actions}: have it added to your permissions (the "
                "stack's output CommandLinePolicyArn is a policy with all that commands need)"
            )


def _code(error: ClientError) -> str:
    code: str = error.response.get("Error", {}).get("Code", "")
    return code


def _each(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
