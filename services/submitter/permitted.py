"""Which job queue and job definition the points of a sweep may have, and what else is said.

The stack's role may submit to its own queues and to its projects' definitions, and to those that
two of its parameters name. A sweep that names another would fail with a refusal of AWS's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import Rejected
from shared.events import Job
from shared.names import last_part


@dataclass(frozen=True)
class Permitted:
    """ARNs of queues and definitions; `projects` begins the names of the projects' definitions.

    `own` are the stack's queues, `others` those that the parameter SweepJobQueueArns names.
    """

    own: tuple[str, ...]
    others: tuple[str, ...]
    definitions: tuple[str, ...]
    projects: str

    def queue(self, asked: str) -> str:
        """The ARN of a queue that is asked for by name or ARN; as it was asked for if unknown."""
        known = (arn for arn in (*self.own, *self.others) if asked in (arn, last_part(arn)))
        return next(known, asked)

    def check(self, job: Job, own: str) -> None:
        """See that a job has a queue and a definition that the stack may use.

        `own` is the definition of the run's repository. That of another would lead nowhere: its
        role reads and writes the other's folder of the data bucket alone.

        Raises:
            Rejected: it has not; the text says what to name, or the parameter to set.

        """
        if job.queue not in (*self.own, *self.others):
            raise Rejected(_not_known("job queue", job.queue, "SweepJobQueueArns", self.others))
        name = job.definition.partition(":")[0]
        if name == own or name in map(last_part, self.definitions):
            return
        if name.startswith(self.projects):
            message = (
                f"the job definition {name} is another project's, whose jobs may not read the "
                f"points of this one: name {own}, or none"
            )
            raise Rejected(message)
        message = _not_known("job definition", name, "SweepJobDefinitionArns", self.definitions)
        raise Rejected(message)


def listed(parameter: str | None) -> tuple[str, ...]:
    """The entries of a list as CloudFormation hands it over.

    >>> listed("tuner,solver"), listed(None)
    (('tuner', 'solver'), ())
    """
    return tuple(entry.strip() for entry in (parameter or "").split(",") if entry.strip())


def _not_known(what: str, name: str, parameter: str, known: Sequence[str]) -> str:
    now = f", which is {','.join(known)} now" if known else ""
    return (
        f"the stack may not use the {what} {name}: add its ARN to the stack's parameter "
        f"{parameter}{now}, and deploy the stack"
    )
