"""An array's children, without having ten thousand of them.

Children to which nothing has happened yet differ by their index alone: they are queued, and ended
while they are queued, all at once. One job, their *form*, stands for them; its id has a `*` for
the index. A child goes its own way when a machine takes it, or when somebody asks for it by its id.
So an array costs as much as its children that have gone their own way, however large it is.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from local.batch.jobs import ArrayProperties, Job
from local.batch.shapes import Status

_ANY = "*"


def form_of(parent: Job) -> Job:
    """What all children of a new array have in common."""
    return parent.changed(
        job_id=f"{parent.job_id}:{_ANY}",
        job_arn=f"{parent.job_arn}:{_ANY}",
        array_properties=ArrayProperties(),
        array_parent=parent.job_id,
        array_size=parent.array_properties.size if parent.array_properties else None,
    )


def is_form(job: Job) -> bool:
    """Whether a job stands for all children that have not gone their own way."""
    return job.job_id.endswith(_ANY)


def child_of(form: Job, index: int) -> Job:
    """The child that a form is of, by its index."""
    return form.changed(
        job_id=with_index(form.job_id, index),
        job_arn=with_index(form.job_arn, index),
        array_properties=ArrayProperties(index=index),
    )


def with_index(name: str, index: int) -> str:
    """A form's id or ARN as the child of an index has it.

    >>> with_index("4f2a:*", 7)
    '4f2a:7'
    """
    return f"{name.removesuffix(_ANY)}{index}"


def parse_child_id(job_id: str) -> tuple[str, int] | None:
    """A child's parent and index; None if the id is no child's.

    >>> parse_child_id("4f2a:7"), parse_child_id("4f2a"), parse_child_id("4f2a:07")
    (('4f2a', 7), None, None)
    """
    parent, _, text = job_id.rpartition(":")
    index = int(text) if text.isascii() and text.isdecimal() else None
    return (parent, index) if parent and index is not None and str(index) == text else None


@dataclass
class Children:
    """What state each child of an array is in."""

    form: Job
    _own: dict[int, Status] = field(default_factory=dict)
    _of_own: Counter[Status] = field(default_factory=Counter)
    _next: int = 0

    @property
    def size(self) -> int:
        """How many children there are."""
        return self.form.array_size or 0

    @property
    def alike(self) -> int:
        """How many have not gone their own way."""
        return self.size - len(self._own)

    def alike_indexes(self) -> list[int]:
        """The indexes of those."""
        return [index for index in range(self.size) if index not in self._own]

    def first_alike(self) -> int:
        """The lowest of these indexes; raises ValueError if there is none."""
        if not self.alike:
            raise ValueError(f"all children of {self.form.array_parent} went their own way")
        while self._next in self._own:  # nobody comes back, so no index is looked at twice
            self._next += 1
        return self._next

    def has_own_way(self, index: int) -> bool:
        """Whether a child has gone its own way."""
        return index in self._own

    def status(self, index: int) -> Status:
        """The state that a child is in."""
        return self._own.get(index, self.form.status)

    def note(self, index: int, status: Status) -> None:
        """A child goes its own way, or on in it."""
        if index in self._own:
            self._of_own[self._own[index]] -= 1
        self._own[index] = status
        self._of_own[status] += 1

    def own_not_ended(self) -> Iterator[int]:
        """The indexes of those that are on their own way, and not at its end."""
        return (index for index, status in self._own.items() if not status.is_final)

    def in_status(self, status: Status) -> Iterator[int]:
        """The indexes of those in a state, in their order."""
        return (index for index in range(self.size) if self.status(index) is status)

    def summary(self) -> Counter[Status]:
        """How many are in which state."""
        return self._of_own + Counter({self.form.status: self.alike})
