"""What a sweep needs before it begins: its project, its commit, its trace."""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from cli.account import Account, Deployed
from cli.asking import reaching
from cli.requests import Requests, Source, find_source
from cli.sweep.checks import Checks
from cli.sweep.config import Plan
from cli.sweep.resuming import to_send
from cli.sweep.sending import request_id
from cli.sweep.trace import Trace
from cli.sweep.trace_state import Target, TraceError, TraceState
from cli.working_copy import WorkingCopy
from shared.names import last_part

_ID_BYTES = 6


@dataclass(frozen=True)
class Prepared:
    """A sweep that may begin, or go on.

    `known` is what its trace says already, `left` how many points of each plan are to be sent.
    """

    account: Account
    deployed: Deployed
    plans: Sequence[Plan]
    source: Source
    sweep_id: str
    known: TraceState
    left: Sequence[int]

    @property
    def targets(self) -> list[Target]:
        """What the trace begins with. All targets are parts of one sweep, and share its id."""
        return [Target(self.sweep_id, plan.fingerprint()) for plan in self.plans]

    @property
    def requests(self) -> Requests:
        """Where the stack's runs are asked for."""
        return Requests(self.account, self.deployed)


def locked(trace_file: Path | None, plans: Sequence[Plan]) -> tuple[str, Trace]:
    """A sweep's id and its trace, for this process alone: those of the file, or new ones.

    Raises:
        TraceError: the file cannot be used: another process has it, say, or it is of another sweep.

    """
    sweep_id = secrets.token_hex(_ID_BYTES)
    path = trace_file
    if path is None:
        path = _state_folder() / f"{sweep_id}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
    trace = Trace.lock(path)
    try:
        trace.check([plan.fingerprint() for plan in plans])
    except TraceError:
        trace.close()
        raise
    # Read under the lock: whoever had the file before may have begun a sweep.
    return trace.state.sweep_id or sweep_id, trace


def prepare(account: Account, plans: Sequence[Plan], sweep_id: str, known: TraceState) -> Prepared:
    """Find project and commit, and look whether the sweep can work; nothing is changed.

    Raises:
        click.ClickException: it cannot; the text says all that is wrong.

    """
    deployed = account.deployed()
    left = to_send(plans, known)
    with reaching("looking at what the sweep needs"):
        source = _as_begun(Requests(account, deployed), sweep_id, known)
        source = source or _source(account, deployed, plans[0])
        waves = max(known.waves, default=0)
        Checks(account, deployed, source.repository, left, waves).run(plans)
    return Prepared(account, deployed, plans, source, sweep_id, known, left)


def described(prepared: Prepared) -> list[str]:
    """What will be done, line by line."""
    source, lines = prepared.source, []
    for plan in prepared.plans:
        queue = plan.job_queue or prepared.deployed.output(
            "GpuJobQueueArn" if plan.gpus else "JobQueueArn"
        )
        names = prepared.account.names
        definition = plan.job_def or names.job_definition(source.repository.slug)
        label = f"{plan.target}: " if plan.target else ""
        lines.append(
            f"{label}{plan.trials:,} {'point' if plan.trials == 1 else 'points'} ({plan.strategy}) "
            f"on the queue {last_part(queue)}, job definition {last_part(definition)}"
        )
    plan = prepared.plans[0]
    does = plan.command or " ".join(filter(None, ["dvc exp run", plan.arguments]))
    lines.append(f"each runs {does}")
    if plan.objective:
        lines.append(f"judged by {plan.objective}, to {plan.direction}")
    lines.append(
        f"of {source.repository.full_name}, {source.branch} at {source.commit[:12]}, "
        "as Bitbucket has it"
    )
    return lines


def _as_begun(requests: Requests, sweep_id: str, known: TraceState) -> Source | None:
    """The commit with which the sweep began, wherever its branch has moved since."""
    for number in sorted(known.waves):
        run = requests.records.get(requests.run_id(request_id(sweep_id, number)))
        if run is not None and run.repository is not None and run.branch and run.commit:
            return Source(run.repository, run.branch, run.commit)
    return None


def _source(account: Account, deployed: Deployed, plan: Plan) -> Source:
    copy = WorkingCopy.find(Path.cwd())
    here = None if copy is None else copy.full_name()
    full_name = plan.repository or here
    if full_name is None:
        message = (
            "which project? Write repository: WORKSPACE/SLUG into a file, give "
            "--set repository=WORKSPACE/SLUG, or go to your clone of it"
        )
        raise click.UsageError(message)
    ref = plan.ref
    if ref is None and copy is not None and here == full_name:
        ref = copy.branch()
    return find_source(account, deployed, full_name, ref)


def _state_folder() -> Path:
    """Where traces go that nobody gave a place (XDG Base Directory Specification)."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
    return Path(home) / "cloud-runner/sweeps"
