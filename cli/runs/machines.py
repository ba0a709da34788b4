"""Runs that have a machine of one's own instead of a Batch job, in words: where, until when, again.

Such a machine ends with its run. Its log is a stream of the log group of jobs while it runs; what
stays is an archive in S3, with the log and the results in it.
"""

import shlex

from cli.account import Account
from cli.runs.wording import moment
from cli.shown import command, printable
from shared.arguments import split
from shared.events import Afterwards, Machine
from shared.runs import Run

_BECOMES: dict[Afterwards, str] = {
    "terminate": "terminated",
    "stop": "stopped",
    "keep": "kept running",
}


def facts(run: Run, machine: Machine) -> dict[str, str | None]:
    """What is known of a machine from its run's record, by label."""
    kind = (machine.instance_id, machine.instance_type, machine.market)
    return {
        "machine": ", ".join(part for part in kind if part),
        "afterwards": _becomes(run, machine),
        "container": machine.image,
        "clone": _clone(machine),
        "log stream": machine.log_stream,
        "archive": machine.archive or (machine.name and f"to be {machine.name}.tar.gz"),
    }


def _becomes(run: Run, machine: Machine) -> str:
    """What becomes of the machine after its run: one that somebody stops does not go on."""
    latest = f"ended at {moment(machine.ends_at)} at the latest"
    if run.stop_asked is None:
        return f"{_BECOMES[machine.afterwards]}; {latest}"
    return f"{_ended_with(machine)} with its run; {latest}"


def _clone(machine: Machine) -> str | None:
    """A repository that is not the stack's Bitbucket's, and what of it ran."""
    of = (("branch", machine.branch), ("commit", machine.commit))
    which = "".join(f", {what} {name}" for what, name in of if name)
    return machine.git and f"{machine.git}{which}"


def _ended_with(machine: Machine) -> str:
    """What a stop does to the machine; one that was to be kept is stopped too."""
    return "terminated" if machine.afterwards == "terminate" else "stopped"


def place(machine: Machine) -> str:
    """A machine where a job's name would stand.

    >>> from datetime import UTC, datetime
    >>> place(Machine(instance_id="i-0a", instance_type="m7i.large", ends_at=datetime.now(UTC)))
    'on i-0a (m7i.large)'
    """
    kind = f" ({machine.instance_type})" if machine.instance_type is not None else ""
    return f"on {machine.instance_id}{kind}"


def ends_with(machine: Machine) -> str:
    """What becomes of a machine whose run is stopped."""
    return f"its machine {machine.instance_id} is {_ended_with(machine)} with it"


def left(account: Account, run: Run) -> str | None:
    """Where the log and the results of a run are, and how to get them; None: nothing is known."""
    archive = None if run.machine is None else run.machine.archive
    if archive is None:
        return None
    where = printable(f"log and results are in {archive}")
    if account.local is not None:  # no address for others' tools
        return where
    return f"{where}:\n  " + printable(f"aws s3 cp {shlex.quote(archive)} - | tar xzvf -")


# What was said of how it runs and where its results go, and that no record keeps.
NOT_KEPT = "--results-path, --bucket, --log-path, --user, --notify, --tags, --max-hours"


def again(account: Account, run: Run, machine: Machine) -> str:
    """What to type for the same work once more, on a new machine or on the one that is there.

    A clone has its branch's head: no address but Bitbucket's is asked for a commit. What is in
    NOT_KEPT is the user's to add.
    """
    asked = run.asked
    options = {
        "--git": machine.git or (run.repository and run.repository.full_name),
        "--branch": machine.branch or run.branch,
        "--commit": run.commit,
        "--docker": machine.image,
        "--module": asked.module,
        "--name": machine.name,
    }
    said = [word for option, value in options.items() if value for word in (option, value)]
    if machine.afterwards == "terminate":
        how = ["create", "setup", "experiment", "--launchspec", "FILE"]
        how += [] if machine.market == "spot" else ["--market", machine.market]
    else:
        how = ["start", "setup", "experiment", "--instance", machine.instance_id]
        how += ["--afterwards", "keep"] if machine.afterwards == "keep" else []
    typed = command(account, "remote", *how, *said)
    return f"{typed} -- {shlex.join(split(asked.arguments))}" if asked.arguments else typed
