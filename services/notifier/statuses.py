"""A run's record as Bitbucket's build status: state, name, description, link.

Limits, with their sources: key at most 40 characters (Bitbucket's own 400 says so); name 255 and
url 450 characters, absolute, with a dot in the host (the Jenkins plugin for Bitbucket found them:
jenkinsci/bitbucket-branch-source-plugin#928); braces in a url are a template to Bitbucket, so they
are encoded; refname is the plain branch, or the status does not show on its pull requests.
"""

from dataclasses import dataclass
from urllib.parse import quote

from shared.durations import duration
from shared.events import State, Sweep
from shared.lines import one_line
from shared.progress import summary
from shared.runs import Run

_STATES: dict[State, str] = {
    "requested": "INPROGRESS",
    "submitted": "INPROGRESS",
    "running": "INPROGRESS",
    "succeeded": "SUCCESSFUL",
    "failed": "FAILED",
    "rejected": "FAILED",
    "stopped": "STOPPED",
}
_WITH_ITS_MACHINE: dict[State, str] = {
    "requested": "requested: its machine is made ready",
    "submitted": "submitted: waiting for its machine to begin",
}
_MAX_TEXT = 255
_MAX_URL = 450


@dataclass(frozen=True)
class Links:
    """Where a status leads: the console's page of the job or the machine, or the commit's page."""

    region: str

    def url(self, run: Run) -> str:
        """An absolute url of at most 450 characters."""
        commit = self._commit(run)
        if run.machine is not None:
            machine = quote(run.machine.instance_id, safe="")
            console = f"https://{self.region}.console.aws.amazon.com/ec2/home"
            return f"{console}?region={self.region}#InstanceDetails:instanceId={machine}"
        if run.job is None or run.job.id is None:
            return commit
        job = quote(run.job.id, safe="")
        console = f"https://{self.region}.console.aws.amazon.com/batch/home"
        url = f"{console}?region={self.region}#jobs/ec2/detail/{job}"
        return url if len(url) <= _MAX_URL else commit

    def _commit(self, run: Run) -> str:
        if run.repository is None or run.commit is None:
            return "https://bitbucket.org/"
        owner = quote(run.repository.full_name, safe="/")
        url = f"https://bitbucket.org/{owner}/commits/{quote(run.commit, safe='')}"
        return url if len(url) <= _MAX_URL else "https://bitbucket.org/"


def status(run: Run, links: Links, stack: str) -> dict[str, str]:
    """The build status that `run`'s record stands for, as the body of Bitbucket's call.

    `stack` is `Names.stack`: a repository may be in two, and a commit then has a status of each.
    """
    body = {
        # 34 characters; the run's id is a hash, so the key is this stack's run's alone and stays.
        "key": f"cloud-run-{run.run_id}",
        "state": _STATES[run.state],
        "name": one_line(_name(run, stack), _MAX_TEXT),
        "description": one_line(describe(run), _MAX_TEXT),
        "url": links.url(run),
    }
    return body | ({"refname": run.branch} if run.branch else {})


def describe(run: Run) -> str:
    """What the status says in words; the first words tell the state."""
    text = _describe(run)
    attempt = f"attempt {run.attempt}: " if run.attempt > 1 else ""
    return attempt + text


def _describe(run: Run) -> str:
    again = f"try {run.try_number}, {run.reason}" if run.reason else ""
    if run.stop_asked is not None and not run.final:
        return f"stopping, as {run.stop_asked.by} asked: {run.stop_asked.why}"
    if run.machine is not None and run.state in _WITH_ITS_MACHINE:
        return _WITH_ITS_MACHINE[run.state]
    if run.state == "requested":
        return "requested: waiting to be submitted"
    if run.asked.sweep is not None and run.state != "rejected":
        return _describe_points(run, run.asked.sweep)
    if run.state == "submitted":
        if run.blocked is not None and run.blocked.shown:
            return f"submitted: it waits, because {run.blocked.reason}"
        return f"submitted: waiting for a machine{f' ({again})' if again else ''}"
    if run.state == "running":
        since = f" since {run.started_at:%H:%M} UTC" if run.started_at else ""
        return f"running{since}{f' ({again})' if again else ''}"
    if run.state == "succeeded":
        # A machine may have something to say all the same, of its log for example.
        return f"succeeded{_after(run)}" + (f": {run.reason}" if run.reason else "")
    return f"{run.state}: {run.reason or 'no reason given'}"


def _describe_points(run: Run, sweep: Sweep) -> str:
    """The same of a sweep, whose points are what moves."""
    count = summary(run.progress, sweep.objective) if run.progress is not None else None
    why = run.blocked.reason if run.blocked is not None and run.blocked.shown else None
    if run.state == "submitted":
        waiting = f"submitted: {sweep.size:,} points wait"
        return f"{waiting}, because {why}" if why else f"{waiting} for machines"
    if run.state == "running":
        moving = count or "running"
        return f"{moving}; the others wait, because {why}" if why else moving
    if run.state == "succeeded":
        return f"succeeded{_after(run)}: {count}" if count else f"succeeded{_after(run)}"
    reason = f"{run.state}: {run.reason or 'no reason given'}"
    return f"{reason} ({count})" if count else reason


def _after(run: Run) -> str:
    took = duration(run.started_at, run.stopped_at)
    return f" after {took}" if took else ""


def _name(run: Run, stack: str) -> str:
    what, asked = _what(run)
    # Before what was asked for, which may be long: the end of a name is cut.
    return f"Cloud {what} in {stack}" + (f": {asked}" if asked else "")


def _what(run: Run) -> tuple[str, str | None]:
    sweep = run.asked.sweep
    if sweep is not None:
        return "sweep", sweep.space or sweep.target or sweep.sweep_id
    if run.machine is not None:
        return "machine", run.asked.module or run.asked.arguments
    return ("experiment" if run.asked.experiment else "run"), run.asked.arguments
