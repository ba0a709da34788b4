"""How experiments and their runs are told to a person."""

from collections.abc import Iterator, Sequence

from cli.account import Account
from cli.experiments.bringing import WORDS, Brought
from cli.experiments.listing import Row
from cli.experiments.sent import Sent
from cli.experiments.submitting import Order
from cli.shown import command, printable, table

_SHORT = 7
_MOST_FILES = 5


def orders(found: Sequence[Order]) -> Iterator[str]:
    """What would be sent, and how it differs from its baseline."""
    rows = [
        (
            one.experiment.name,
            one.experiment.baseline[:_SHORT],
            one.source.branch,
            "would be sent" if one.before is None else f"sent before: {one.before.state}",
            _few(one.changed) or "nothing",
            one.arguments,
        )
        for one in found
    ]
    yield from table(("NAME", "BASELINE", "BRANCH", "DONE", "CHANGES", "DVC EXP RUN"), rows)


def submitted(found: Sequence[Order], sent: Sequence[Sent], account: Account) -> Iterator[str]:
    """What was sent, now or before; of one that failed before, how to run it again."""
    rows = [
        (
            one.name,
            one.baseline[:_SHORT],
            "sent" if order.before is None else "sent before",
            state(one),
            one.run.run_id,
        )
        for order, one in zip(found, sent, strict=True)
    ]
    yield from table(("NAME", "BASELINE", "DONE", "STATE", "RUN"), rows)
    for one in sent:
        if one.failed:
            yield from failure(one, account)


def results(found: Sequence[Brought], account: Account) -> Iterator[str]:
    """Each run, what became of it, and where to read on about those that failed."""
    rows = [
        (one.sent.name, one.sent.baseline[:_SHORT], state(one.sent), WORDS[one.done])
        for one in found
    ]
    yield from table(("NAME", "BASELINE", "STATE", "EXPERIMENT"), rows)
    for one in found:
        if one.sent.failed:
            yield from failure(one.sent, account)


def failure(sent: Sent, account: Account) -> Iterator[str]:
    """Why a run failed, and how to see more of it."""
    yield f"\n{sent.name}: {sent.run.state}: {printable(sent.run.reason or 'without a reason')}"
    yield f"  its log: {command(account, 'runs', 'logs', sent.run.run_id)}"
    yield f"  again:   {command(account, 'runs', 'rerun', sent.run.run_id)}"


def state(sent: Sent) -> str:
    """A run's state, with the attempt if somebody asked again."""
    again = f" (attempt {sent.run.attempt})" if sent.run.attempt > 1 else ""
    return f"{sent.run.state}{again}"


def listed(rows: Sequence[Row]) -> Iterator[str]:
    """What is queued here, and what was sent."""
    cells = [
        (
            one.name,
            one.baseline[:_SHORT],
            "queued" if one.queued else "here" if one.here else "",
            "not sent" if one.sent is None else state(one.sent),
            "" if one.sent is None else one.sent.run.run_id,
        )
        for one in rows
    ]
    yield from table(("NAME", "BASELINE", "HERE", "STATE", "RUN"), cells)


def outside(files: Sequence[str]) -> str:
    """A remark on files that git does not track."""
    return (
        f"not tracked by git, so not sent: {printable(_few(files))}; `git add` what a stage "
        "needs, and queue the experiment again"
    )


def data(found: Sequence[Order]) -> Iterator[str]:
    """A remark on each experiment whose data is another than its baseline's."""
    for one in found:
        files = [name for name in one.changed if name.endswith(".dvc")]
        if files and one.before is None:
            name, some = one.experiment.name, printable(_few(files))
            yield f"{name} changes {some}: `dvc push`, or its job finds the data missing"


def _few(files: Sequence[str]) -> str:
    more = len(files) - _MOST_FILES
    return ", ".join(files[:_MOST_FILES]) + (f" and {more} more" if more > 0 else "")
